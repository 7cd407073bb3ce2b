/* scan.h - reading shards: all attempts, and the bytes of blobs
 *
 * Needs no lock and no HDF5, and works while writers write. Damage never stops it from
 * reading the rest: an attempt that is damaged is left out, and where the header of a
 * group is, the next whole one is looked for. What no commit ended is not seen. */
#ifndef ORR_STORE_SCAN_H
#define ORR_STORE_SCAN_H

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "lang/value.h"
#include "store/stored.h"

#include <stddef.h>
#include <stdint.h>

/* Where an attempt lies. */
struct orr_place {
    uint32_t writer;
    uint32_t epoch;
    uint32_t segment;
    uint64_t entry; /* offset of its record in /log */
    uint64_t blob;  /* offset of its blobs in /log */
    uint64_t blob_bytes;
};

struct orr_scan_options {
    struct orr_id run_id; /* shards of another run are refused */
    bool verify_blobs; /* read all blobs too; else only those of a log's last group */
    bool no_rows;      /* leave `rows` NULL: nobody looks at them */
    struct orr_text *notes; /* or NULL: one line a thing found wrong, for the log */
    /* or NULL: called for each attempt that is left out and can still be told */
    void (*lost)(void *context, const struct orr_stored *stored,
                 const struct orr_place *place);
};

struct orr_scan_stats {
    uint64_t shards, results, failures;
    uint64_t damaged;       /* attempts that are known to be lost */
    uint64_t damaged_logs;  /* with bytes in which groups may have been; */
    uint64_t skipped_bytes; /* how many, but for those at the end of a log */
    uint64_t payload_bytes; /* arguments, results, rows */
    uint64_t blob_bytes;
};

/* Visit the attempts of all shards of all epochs, in order of name and place. What
 * `stored` points to is valid during the visit only; `columns` is set for rows. A visit
 * that does not return ORR_OK ends the scan with its status. ORR_ERR_DATA for a
 * shard of another run or under a wrong name, ORR_ERR_STORE when a file cannot be read.
 * `stats` may be NULL. */
typedef orr_status orr_scan_visit(void *context, const struct orr_stored *stored,
                                  const struct orr_place *place, struct orr_error *err);
orr_status orr_shards_scan(const char *run_dir, const struct orr_scan_options *options,
                           orr_scan_visit *visit, void *context,
                           struct orr_scan_stats *stats, struct orr_error *err);

/* Reads blobs; keeps a few shard files open. Not thread-safe: one for each thread. */
struct orr_blob_reader;
struct orr_blob_reader *orr_blob_reader_new(const char *run_dir);
void orr_blob_reader_free(struct orr_blob_reader *reader); /* NULL is fine */
/* The bytes of `blob`, checked against length and hash; free() them. One NUL byte
 * follows the last. ORR_ERR_DATA when they are damaged, ORR_ERR_STORE when they cannot
 * be read. */
orr_status orr_blob_load(struct orr_blob_reader *reader, const struct orr_blob *blob,
                         void **bytes, struct orr_error *err);
/* Write the bytes to `fd` (checked as they pass; after an error part is written). */
orr_status orr_blob_copy(struct orr_blob_reader *reader, const struct orr_blob *blob,
                         int fd, struct orr_error *err);

/* "w00001-e001-s000000" */
#define ORR_SHARD_NAME 40
void orr_shard_name(uint32_t writer, uint32_t epoch, uint32_t segment,
                    char out[ORR_SHARD_NAME]);
/* Trim and index, in a thread, the shards of epochs below `before` that no writer
 * sealed (a killed run). *out is NULL when there are none. Call only with the run's
 * lock held. A ghost that still writes to one of them does no harm: what it adds is its
 * own. */
struct orr_sealer;
orr_status orr_shards_seal(const char *run_dir, struct orr_id run_id, uint32_t before,
                           struct orr_sealer **out, struct orr_error *err);
/* Wait for all, or, unless `all`, only for the one at hand. The first error that there
 * was. Frees the sealer; NULL is fine. */
orr_status orr_sealer_end(struct orr_sealer *sealer, bool all, struct orr_error *err);

#endif
