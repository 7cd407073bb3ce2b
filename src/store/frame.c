/* frame.c - the bytes of frames, version 1 (docs/store.md)
 * Owns nothing: encodes into the caller's bytes, decodes into the caller's arena. */
#include "store/frame.h"

#include <string.h>

static uint64_t aligned(uint64_t n)
{
    return (n + ORRI_FRAME_ALIGN - 1) & ~(uint64_t)(ORRI_FRAME_ALIGN - 1);
}

uint64_t orri_frame_small(const struct orri_frame *frame)
{
    return (uint64_t)frame->record_bytes + frame->results_bytes + frame->rows_bytes;
}

uint64_t orri_frame_length(const struct orri_frame *frame)
{
    return aligned(ORRI_FRAME_HEADER + orri_frame_small(frame) + frame->blob_bytes);
}

/* --- header ----------------------------------------------------------------- */

static void put_le(unsigned char *at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (unsigned char)(v >> (8 * i));
}

/* Binds a frame to its place, so that bytes of another shard never pass. */
static uint32_t place_tag(const struct orri_shard_id *shard, uint64_t offset)
{
    unsigned char bytes[36];
    put_le(bytes, shard->run.hi, 8);
    put_le(bytes + 8, shard->run.lo, 8);
    put_le(bytes + 16, shard->writer, 4);
    put_le(bytes + 20, shard->epoch, 4);
    put_le(bytes + 24, shard->segment, 4);
    put_le(bytes + 28, offset, 8);
    return orr_crc32c(0, bytes, sizeof bytes);
}

void orri_frame_encode(const struct orri_frame *frame,
                       const struct orri_shard_id *shard, uint64_t offset,
                       unsigned char out[ORRI_FRAME_HEADER])
{
    put_le(out, ORRI_FRAME_MAGIC, 4);
    out[4] = (unsigned char)frame->type;
    out[5] = ORRI_FRAME_VERSION;
    put_le(out + 6, frame->flags, 2);
    put_le(out + 8, frame->id.hi, 8);
    put_le(out + 16, frame->id.lo, 8);
    put_le(out + 24, frame->attempt, 4);
    put_le(out + 28, frame->record_bytes, 4);
    put_le(out + 32, frame->results_bytes, 4);
    put_le(out + 36, frame->rows_bytes, 4);
    put_le(out + 40, frame->blob_bytes, 8);
    put_le(out + 48, frame->small_crc, 4);
    put_le(out + 52, frame->blob_crc, 4);
    /* An OPEN frame is read by who does not know yet which run the log is of. */
    put_le(out + 56, frame->type == ORR_FRAME_OPEN ? 0 : place_tag(shard, offset), 4);
    put_le(out + 60, orr_crc32c(0, out, 60), 4);
}

static orr_status bad_header(struct orr_error *err, uint64_t offset, const char *what)
{
    return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "frame at %llu of the log: %s",
                         (unsigned long long)offset, what);
}

orr_status orri_frame_decode(const unsigned char in[ORRI_FRAME_HEADER],
                             const struct orri_shard_id *shard, uint64_t offset,
                             struct orri_frame *out, struct orr_error *err)
{
    struct orr_reader r = orr_reader_of(in, ORRI_FRAME_HEADER);
    struct orri_frame f = { .flags = 0 };
    uint32_t magic = orr_get_u32(&r);
    uint8_t type = orr_get_u8(&r);
    uint8_t version = orr_get_u8(&r);
    f.flags = orr_get_u16(&r);
    f.id.hi = orr_get_u64(&r);
    f.id.lo = orr_get_u64(&r);
    f.attempt = orr_get_u32(&r);
    f.record_bytes = orr_get_u32(&r);
    f.results_bytes = orr_get_u32(&r);
    f.rows_bytes = orr_get_u32(&r);
    f.blob_bytes = orr_get_u64(&r);
    f.small_crc = orr_get_u32(&r);
    f.blob_crc = orr_get_u32(&r);
    uint32_t tag = orr_get_u32(&r);
    uint32_t crc = orr_get_u32(&r);
    if (magic != ORRI_FRAME_MAGIC)
        return bad_header(err, offset, "no frame starts here");
    if (crc != orr_crc32c(0, in, 60))
        return bad_header(err, offset, "wrong header checksum");
    if (version != ORRI_FRAME_VERSION || type < ORR_FRAME_RESULT ||
        type > ORR_FRAME_OPEN)
        return bad_header(err, offset, "written by a newer Orrery");
    if (type != ORR_FRAME_OPEN && tag != place_tag(shard, offset))
        return bad_header(err, offset, "belongs to another shard or another place");
    if (f.record_bytes > ORRI_SECTION_MAX || f.results_bytes > ORRI_SECTION_MAX ||
        f.rows_bytes > ORRI_SECTION_MAX || f.blob_bytes > ORRI_BLOB_MAX)
        return bad_header(err, offset, "impossible lengths");
    f.type = (enum orr_frame_type)type;
    *out = f;
    return ORR_OK;
}

/* --- record of an attempt --------------------------------------------------- */

static void put_text(struct orr_bytes *out, const char *text)
{
    orr_put_string(out, text ? text : "", text ? strlen(text) : 0);
}

void orri_record_put(struct orr_bytes *out, const struct orr_stored *s)
{
    orr_put_u32(out, (uint32_t)s->failure);
    orr_put_u32(out, (uint32_t)s->code);
    orr_put_u32(out, s->rank);
    orr_put_u32(out, s->core);
    orr_put_i64(out, s->t_start);
    orr_put_i64(out, s->t_end);
    orr_put_i64(out, s->cpu_user);
    orr_put_i64(out, s->cpu_sys);
    orr_put_u64(out, s->max_rss);
    orr_put_i64(out, s->queued);
    orr_put_u32(out, s->row_bytes);
    orr_put_u32(out, s->n_rows);
    orr_put_u64(out, s->n_rows ? orri_columns_hash(s->columns) : 0);
    put_text(out, s->function);
    put_text(out, s->host);
    put_text(out, s->message);
    put_text(out, s->warnings);
    orr_put_string(out, s->error_tail ? s->error_tail : "", s->error_tail_bytes);
    orr_put_string(out, s->args ? s->args : "", s->args_bytes);
    orr_put_u32(out, s->n_counters);
    for (uint32_t i = 0; i < s->n_counters; i++) {
        put_text(out, s->counters[i].name);
        orr_put_f64(out, s->counters[i].amount);
    }
}

static const char *get_text(struct orr_reader *in, struct orr_arena *arena,
                            size_t *length)
{
    size_t n = 0;
    const char *s = orr_get_string(in, &n);
    if (length)
        *length = s ? n : 0;
    return s ? orr_arena_strndup(arena, s, n) : "";
}

static void get_counters(struct orr_reader *in, struct orr_arena *arena,
                         struct orr_stored *out)
{
    uint32_t n = orr_get_u32(in);
    if (n >
        orr_reader_left(in) / 12) { /* a name's length and an amount each, at least */
        in->bad = true;
        return;
    }
    struct orr_stored_counter *all = orr_arena_alloc(arena, (n ? n : 1) * sizeof *all);
    for (uint32_t i = 0; i < n; i++) {
        all[i].name = get_text(in, arena, NULL);
        all[i].amount = orr_get_f64(in);
    }
    out->counters = all;
    out->n_counters = n;
}

orr_status orri_record_get(struct orr_reader *in, struct orr_arena *arena,
                           struct orr_stored *out, uint64_t *form,
                           struct orr_error *err)
{
    size_t args = 0;
    uint32_t failure = orr_get_u32(in);
    out->failure = (enum orr_fail_kind)failure;
    out->code = (int32_t)orr_get_u32(in);
    out->rank = orr_get_u32(in);
    out->core = orr_get_u32(in);
    out->t_start = orr_get_i64(in);
    out->t_end = orr_get_i64(in);
    out->cpu_user = orr_get_i64(in);
    out->cpu_sys = orr_get_i64(in);
    out->max_rss = orr_get_u64(in);
    out->queued = orr_get_i64(in);
    out->row_bytes = orr_get_u32(in);
    out->n_rows = orr_get_u32(in);
    *form = orr_get_u64(in);
    out->function = get_text(in, arena, NULL);
    out->host = get_text(in, arena, NULL);
    out->message = get_text(in, arena, NULL);
    out->warnings = get_text(in, arena, NULL);
    out->error_tail = get_text(in, arena, &out->error_tail_bytes);
    out->args = orr_get_string(in, &args);
    out->args_bytes = (uint32_t)args;
    get_counters(in, arena, out);
    if (in->bad || orr_reader_left(in) || failure > ORR_FAIL_IO)
        return orr_error_set(
            err, ORR_ERR_DATA, ORR_NO_SPAN,
            "the record of an attempt does not have the expected form");
    return ORR_OK;
}

/* --- other frames ----------------------------------------------------------- */

const char *orri_fail_text(enum orr_fail_kind kind)
{
    static const char *const texts[] = { "none",   "exit", "signal",  "timeout",
                                         "memory", "lost", "invalid", "io" };
    return (size_t)kind < sizeof texts / sizeof texts[0] ? texts[kind] : "unknown";
}

uint32_t orri_column_width(const char *type)
{
    static const char types[][3] = { "u1", "u2", "u4", "i4", "i8", "f4", "f8" };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return (uint32_t)(type[1] - '0');
    return 0;
}

uint32_t orri_row_width(const struct orr_column *columns)
{
    uint32_t sum = 0;
    for (; columns && columns->name; columns++) {
        uint32_t width = orri_column_width(columns->type);
        if (!width)
            return 0;
        sum += width;
    }
    return sum;
}

uint64_t orri_columns_hash(const struct orr_column *columns)
{
    uint64_t hash = 1;
    for (; columns && columns->name; columns++) {
        hash = orr_hash64(columns->name, strlen(columns->name), hash);
        hash = orr_hash64(columns->type, strlen(columns->type), hash);
    }
    return hash;
}

void orri_columns_put(struct orr_bytes *out, const char *function,
                      const struct orr_column *columns)
{
    uint32_t n = 0;
    while (columns[n].name)
        n++;
    put_text(out, function);
    orr_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        put_text(out, columns[i].name);
        put_text(out, columns[i].type);
        put_text(out, columns[i].unit);
        put_text(out, columns[i].doc);
    }
}

orr_status orri_columns_get(struct orr_reader *in, struct orr_arena *arena,
                            const char **function, const struct orr_column **columns,
                            struct orr_error *err)
{
    *function = get_text(in, arena, NULL);
    uint32_t n = orr_get_u32(in);
    if (n > orr_reader_left(in) / 16)
        in->bad = true;
    struct orr_column *all =
        orr_arena_alloc(arena, ((in->bad ? 0 : n) + 1) * sizeof *all);
    for (uint32_t i = 0; i < n && !in->bad; i++) {
        all[i].name = get_text(in, arena, NULL);
        all[i].type = get_text(in, arena, NULL);
        all[i].unit = get_text(in, arena, NULL);
        all[i].doc = get_text(in, arena, NULL);
        if (!orri_column_width(all[i].type) || !all[i].name[0])
            in->bad = true;
    }
    if (in->bad || orr_reader_left(in))
        return orr_error_set(
            err, ORR_ERR_DATA, ORR_NO_SPAN,
            "the columns of function '%s' do not have the expected form", *function);
    *columns = all;
    return ORR_OK;
}

void orri_open_put(struct orr_bytes *out, const struct orri_shard_id *shard,
                   int64_t created)
{
    orr_put_u64(out, shard->run.hi);
    orr_put_u64(out, shard->run.lo);
    orr_put_u32(out, shard->writer);
    orr_put_u32(out, shard->epoch);
    orr_put_u32(out, shard->segment);
    orr_put_i64(out, created);
    put_text(out, "orrery " ORR_VERSION);
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

void orri_commit_put(struct orr_bytes *out, const struct orri_commit *commit)
{
    orr_put_u64(out, commit->group_start);
    orr_put_u32(out, commit->group_results);
    orr_put_u64(out, commit->results);
}

orr_status orri_commit_get(struct orr_reader *in, struct orri_commit *out,
                           struct orr_error *err)
{
    out->group_start = orr_get_u64(in);
    out->group_results = orr_get_u32(in);
    out->results = orr_get_u64(in);
    if (in->bad || orr_reader_left(in))
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "a commit frame does not have the expected form");
    return ORR_OK;
}
