/* frame.c - the headers of frames, version 2 (docs/store.md)
 * Owns nothing. Hands on: what is in a group (entry.c). */
#include "store/frame.h"

#include <string.h>

static uint64_t aligned(uint64_t n)
{
    return (n + ORRI_FRAME_ALIGN - 1) & ~(uint64_t)(ORRI_FRAME_ALIGN - 1);
}

uint64_t orri_frame_length(const struct orri_frame *frame)
{
    return aligned(ORRI_FRAME_HEADER + frame->bulk_bytes + frame->words_bytes +
                   frame->entries_bytes);
}

uint32_t orri_place_tag(const struct orri_shard_id *shard, uint64_t offset)
{
    unsigned char bytes[36];
    orr_store_u64(bytes, shard->run.hi);
    orr_store_u64(bytes + 8, shard->run.lo);
    orr_store_u32(bytes + 16, shard->writer);
    orr_store_u32(bytes + 20, shard->epoch);
    orr_store_u32(bytes + 24, shard->segment);
    orr_store_u64(bytes + 28, offset);
    return orr_crc32c(0, bytes, sizeof bytes);
}

void orri_frame_encode(const struct orri_frame *frame,
                       const struct orri_shard_id *shard,
                       unsigned char out[ORRI_FRAME_HEADER])
{
    memset(out, 0, ORRI_FRAME_HEADER);
    orr_store_u32(out, ORRI_FRAME_MAGIC);
    out[4] = (unsigned char)frame->type;
    out[5] = ORRI_FRAME_VERSION;
    orr_store_u64(out + 8, frame->bulk_bytes);
    orr_store_u64(out + 16, frame->entries_bytes);
    orr_store_u32(out + 24, frame->words_bytes);
    orr_store_u32(out + 28, frame->words_crc);
    orr_store_u32(out + 32, frame->attempts);
    orr_store_u64(out + 40, frame->before);
    orr_store_u64(out + 48, (uint64_t)frame->committed);
    /* An OPEN frame is read by who does not know yet which run the log is of. */
    if (frame->type != ORRI_FRAME_OPEN)
        orr_store_u32(out + 56, orri_place_tag(shard, frame->at));
    orr_store_u32(out + 60, orr_crc32c(0, out, 60));
}

static orr_status bad_header(struct orr_error *err, uint64_t offset, const char *what)
{
    return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "frame at %llu of the log: %s",
                         (unsigned long long)offset, what);
}

/* What cannot be said about a frame whose magic and checksum are right. */
static const char *refusal(const struct orri_frame *f, uint8_t version, uint32_t tag)
{
    if (version < ORRI_FRAME_VERSION)
        return "written by an older Orrery: go on with the version that began the run";
    if (version > ORRI_FRAME_VERSION ||
        (f->type != ORRI_FRAME_OPEN && f->type != ORRI_FRAME_GROUP))
        return "written by a newer Orrery";
    if (f->type != ORRI_FRAME_OPEN && tag != f->tag)
        return "belongs to another shard or another place";
    if (f->bulk_bytes > ORRI_BLOB_MAX || f->entries_bytes > ORRI_BLOB_MAX ||
        f->words_bytes > ORRI_SECTION_MAX)
        return "impossible lengths";
    return NULL;
}

orr_status orri_frame_decode(const unsigned char in[ORRI_FRAME_HEADER],
                             const struct orri_shard_id *shard, uint64_t offset,
                             struct orri_frame *out, struct orr_error *err)
{
    struct orr_reader r = orr_reader_of(in, ORRI_FRAME_HEADER);
    struct orri_frame f = { .at = offset };
    uint32_t magic = orr_get_u32(&r);
    f.type = (enum orri_frame_type)orr_get_u8(&r);
    uint8_t version = orr_get_u8(&r);
    (void)orr_get_u16(&r);
    f.bulk_bytes = orr_get_u64(&r);
    f.entries_bytes = orr_get_u64(&r);
    f.words_bytes = orr_get_u32(&r);
    f.words_crc = orr_get_u32(&r);
    f.attempts = orr_get_u32(&r);
    (void)orr_get_u32(&r);
    f.before = orr_get_u64(&r);
    f.committed = orr_get_i64(&r);
    uint32_t tag = orr_get_u32(&r);
    uint32_t crc = orr_get_u32(&r);
    if (magic == ORRI_FRAME_MAGIC_SWAPPED)
        return bad_header(err, offset, "written in another byte order");
    if (magic != ORRI_FRAME_MAGIC)
        return bad_header(err, offset, "no frame starts here");
    if (crc != orr_crc32c(0, in, 60))
        return bad_header(err, offset, "wrong header checksum");
    f.tag = f.type == ORRI_FRAME_OPEN ? 0 : orri_place_tag(shard, offset);
    const char *why = refusal(&f, version, tag);
    if (why)
        return bad_header(err, offset, why);
    *out = f;
    return ORR_OK;
}

/* --- the words of an OPEN frame --------------------------------------------- */

void orri_open_put(struct orr_bytes *out, const struct orri_shard_id *shard,
                   int64_t created)
{
    static const char made_by[] = "orrery " ORR_VERSION;
    orr_put_u64(out, shard->run.hi);
    orr_put_u64(out, shard->run.lo);
    orr_put_u32(out, shard->writer);
    orr_put_u32(out, shard->epoch);
    orr_put_u32(out, shard->segment);
    orr_put_i64(out, created);
    orr_put_string(out, made_by, sizeof made_by - 1);
}

orr_status orri_open_get(struct orr_reader *in, struct orri_shard_id *shard,
                         int64_t *created, struct orr_error *err)
{
    size_t length = 0;
    shard->run.hi = orr_get_u64(in);
    shard->run.lo = orr_get_u64(in);
    shard->writer = orr_get_u32(in);
    shard->epoch = orr_get_u32(in);
    shard->segment = orr_get_u32(in);
    *created = orr_get_i64(in);
    (void)orr_get_string(in, &length);
    if (in->bad)
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "the first frame does not have the expected form");
    return ORR_OK;
}
