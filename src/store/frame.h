/* frame.h - the frames of a shard's log: headers, and what binds them to their place
 *
 * A shard's /log is one OPEN frame, then GROUP frames (docs/store.md). A frame is a
 * 64-byte header and its contents, padded to 8 bytes. All numbers are little-endian.
 * The header of a group is written last, by the commit: it makes the group exist. */
#ifndef ORR_STORE_FRAME_H
#define ORR_STORE_FRAME_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "store/stored.h"

#include <stdint.h>

/* Numbers are on disk: never reused, never changed. */
enum orri_frame_type {
    /* 1 to 3 were RESULT, COMMIT and COLUMNS of version 1 */
    ORRI_FRAME_OPEN = 4, /* the first of a log: which run, writer, epoch, segment */
    ORRI_FRAME_GROUP = 5 /* attempts that were synced together */
};

#define ORRI_FRAME_MAGIC UINT32_C(0x4652524f)         /* "ORRF" as bytes */
#define ORRI_FRAME_MAGIC_SWAPPED UINT32_C(0x4f525246) /* of the other byte order */
enum { ORRI_FRAME_HEADER = 64, ORRI_FRAME_VERSION = 2, ORRI_FRAME_ALIGN = 8 };
/* Bounds that a reader believes: a section larger than this is damage. */
#define ORRI_SECTION_MAX (UINT32_C(1) << 30)
#define ORRI_BLOB_MAX (UINT64_C(1) << 46)

/* Which shard a log belongs to; part of each frame's checks. */
struct orri_shard_id {
    struct orr_id run;
    uint32_t writer;
    uint32_t epoch;
    uint32_t segment;
};

/* Contents, in this order: bulk (rows and blobs of the attempts), words, entries.
 * An OPEN frame has words only. */
struct orri_frame {
    enum orri_frame_type type;
    uint64_t bulk_bytes;
    uint64_t entries_bytes;
    uint32_t words_bytes;
    uint32_t words_crc; /* CRC32C */
    uint32_t attempts;  /* entries */
    uint64_t before;    /* attempts of this log in earlier groups */
    int64_t committed;  /* wall ns */
    /* not stored */
    uint64_t at;  /* offset in the log */
    uint32_t tag; /* orri_place_tag() */
};

/* Length with header and padding. */
uint64_t orri_frame_length(const struct orri_frame *frame);
/* Binds bytes to their place, so that those of another shard or offset never pass. */
uint32_t orri_place_tag(const struct orri_shard_id *shard, uint64_t offset);
/* The header of the frame that stands at `frame->at` of the log of `shard`. */
void orri_frame_encode(const struct orri_frame *frame,
                       const struct orri_shard_id *shard,
                       unsigned char out[ORRI_FRAME_HEADER]);
/* ORR_ERR_DATA when it is no header, damaged, or of another place or shard. */
orr_status orri_frame_decode(const unsigned char in[ORRI_FRAME_HEADER],
                             const struct orri_shard_id *shard, uint64_t offset,
                             struct orri_frame *out, struct orr_error *err);

/* The words of an OPEN frame. */
void orri_open_put(struct orr_bytes *out, const struct orri_shard_id *shard,
                   int64_t created);
orr_status orri_open_get(struct orr_reader *in, struct orri_shard_id *shard,
                         int64_t *created, struct orr_error *err);

#endif
