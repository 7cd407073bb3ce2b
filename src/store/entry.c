/* entry.c - attempts within a group, as bytes (docs/store.md)
 * Owns: the words of the group being written. Hands on: where groups lie (log.c,
 * walk.c). */
#include "store/entry.h"

#include <stdlib.h>
#include <string.h>

/* What an entry has besides what each has. */
enum {
    HAS_FAILURE = 1,
    HAS_TEXTS = 2, /* message, warnings, tail of standard error */
    HAS_ROWS = 4,
    HAS_BLOB = 8,
    HAS_COUNTERS = 16,
    HAS_ALL = 31
};

enum { NUMBERS_MOST = 180, WORD_MOST = 16 /* numbers of an entry, of a word */ };

/* --- words ------------------------------------------------------------------ */

static uint32_t word(struct orri_words *words, const char *text)
{
    for (size_t i = 0; i < words->n_texts; i++)
        if (strcmp(words->texts[i].text, text) == 0)
            return (uint32_t)i;
    words->texts =
        orr_grow(words->texts, words->n_texts, &words->cap_texts, sizeof *words->texts);
    words->texts[words->n_texts].text = orr_strdup(text);
    return (uint32_t)words->n_texts++;
}

static uint32_t column_word(struct orri_words *words, uint32_t function,
                            const struct orr_column *columns)
{
    uint64_t form = orri_columns_hash(columns);
    for (size_t i = 0; i < words->n_columns; i++)
        if (words->columns[i].function == function && words->columns[i].form == form)
            return (uint32_t)i;
    words->columns = orr_grow(words->columns, words->n_columns, &words->cap_columns,
                              sizeof *words->columns);
    words->columns[words->n_columns] =
        (struct orri_column_word) { function, form, columns };
    return (uint32_t)words->n_columns++;
}

void orri_words_clear(struct orri_words *words)
{
    for (size_t i = 0; i < words->n_texts; i++)
        free(words->texts[i].text);
    words->n_texts = 0;
    words->n_columns = 0;
    words->base = 0;
}

void orri_words_release(struct orri_words *words)
{
    orri_words_clear(words);
    free(words->texts);
    free(words->columns);
    *words = (struct orri_words) { .base = 0 };
}

static void put_text(struct orr_bytes *out, const char *text, size_t length)
{
    orr_put_varint(out, length);
    orr_put_raw(out, text, length);
}

static void put_line(struct orr_bytes *out, const char *text)
{
    put_text(out, text, text ? strlen(text) : 0);
}

static void put_columns(struct orr_bytes *out, const struct orri_column_word *c)
{
    uint32_t n = 0;
    while (c->columns[n].name)
        n++;
    orr_put_varint(out, c->function);
    orr_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++) {
        put_line(out, c->columns[i].name);
        put_line(out, c->columns[i].type);
        put_line(out, c->columns[i].unit);
        put_line(out, c->columns[i].doc);
    }
}

void orri_words_put(struct orr_bytes *out, const struct orri_words *words)
{
    orr_put_i64(out, words->base);
    orr_put_varint(out, words->n_texts);
    for (size_t i = 0; i < words->n_texts; i++)
        put_line(out, words->texts[i].text);
    orr_put_varint(out, words->n_columns);
    for (size_t i = 0; i < words->n_columns; i++)
        put_columns(out, &words->columns[i]);
}

static const char *get_text(struct orr_reader *in, struct orr_arena *arena,
                            size_t *length)
{
    size_t n = (size_t)orr_get_varint(in);
    const char *s = orr_get_raw(in, n);
    if (length)
        *length = s ? n : 0;
    return s && n ? orr_arena_strndup(arena, s, n) : "";
}

/* A number of things that take at least `least` bytes each. */
static uint32_t get_count(struct orr_reader *in, size_t least)
{
    uint64_t n = orr_get_varint(in);
    if (n > orr_reader_left(in) / least)
        in->bad = true;
    return in->bad ? 0 : (uint32_t)n;
}

static void get_columns(struct orr_reader *in, struct orr_arena *arena,
                        const struct orri_group_words *words,
                        struct orri_known_columns *out)
{
    uint64_t function = orr_get_varint(in);
    uint32_t n = get_count(in, 4);
    struct orr_column *all = orr_arena_alloc(arena, ((size_t)n + 1) * sizeof *all);
    for (uint32_t i = 0; i < n; i++) {
        all[i].name = get_text(in, arena, NULL);
        all[i].type = get_text(in, arena, NULL);
        all[i].unit = get_text(in, arena, NULL);
        all[i].doc = get_text(in, arena, NULL);
        if (!orri_column_width(all[i].type) || !all[i].name[0])
            in->bad = true;
    }
    if (function >= words->n_texts)
        in->bad = true;
    *out = (struct orri_known_columns) { in->bad ? "" : words->texts[function],
                                         in->bad ? 0 : orri_columns_hash(all), all };
}

struct orri_known_columns orri_columns_copy(const struct orri_known_columns *from,
                                            struct orr_arena *arena)
{
    size_t n = 0;
    while (from->columns[n].name)
        n++;
    struct orr_column *all = orr_arena_alloc(arena, (n + 1) * sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct orr_column) {
            .name = orr_arena_strdup(arena, from->columns[i].name),
            .type = orr_arena_strdup(arena, from->columns[i].type),
            .unit = orr_arena_strdup(arena, from->columns[i].unit),
            .doc = orr_arena_strdup(arena, from->columns[i].doc),
        };
    return (struct orri_known_columns) { orr_arena_strdup(arena, from->function),
                                         from->form, all };
}

orr_status orri_words_get(struct orr_reader *in, struct orr_arena *arena,
                          struct orri_group_words *out, struct orr_error *err)
{
    out->base = orr_get_i64(in);
    out->n_texts = get_count(in, 1);
    out->texts = orr_arena_alloc(arena, ((size_t)out->n_texts + 1) * sizeof(char *));
    for (uint32_t i = 0; i < out->n_texts; i++)
        out->texts[i] = get_text(in, arena, NULL);
    out->n_columns = get_count(in, 2);
    out->columns =
        orr_arena_alloc(arena, ((size_t)out->n_columns + 1) * sizeof *out->columns);
    for (uint32_t i = 0; i < out->n_columns && !in->bad; i++)
        get_columns(in, arena, out, &out->columns[i]);
    if (in->bad || orr_reader_left(in))
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "the words of the group do not have the expected form");
    return ORR_OK;
}

/* --- entries ---------------------------------------------------------------- */

static uint8_t flags_of(const struct orr_stored *s, const struct orri_bulk *bulk)
{
    bool texts = (s->message && s->message[0]) || (s->warnings && s->warnings[0]) ||
                 s->error_tail_bytes;
    return (uint8_t)((s->failure != ORR_FAIL_NONE || s->code ? HAS_FAILURE : 0) |
                     (texts ? HAS_TEXTS : 0) | (s->n_rows ? HAS_ROWS : 0) |
                     (bulk->blob_bytes ? HAS_BLOB : 0) |
                     (s->n_counters ? HAS_COUNTERS : 0));
}

/* Damaged or hostile numbers may wrap. */
static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static void put_scalars(struct orr_bytes *out, const struct orr_stored *s, int64_t base)
{
    orr_put_varint(out, s->attempt);
    orr_put_varint(out, s->rank);
    orr_put_varint(out, s->core);
    orr_put_zigzag(out, minus(s->t_start, base));
    orr_put_zigzag(out, minus(s->t_end, s->t_start));
    orr_put_zigzag(out, s->cpu_user);
    orr_put_zigzag(out, s->cpu_sys);
    orr_put_varint(out, s->max_rss);
    orr_put_zigzag(out, s->queued);
}

static void put_body(struct orr_bytes *out, struct orri_words *words,
                     const struct orr_stored *s, const struct orri_bulk *bulk)
{
    uint8_t flags = flags_of(s, bulk);
    uint32_t function = word(words, s->function ? s->function : "");
    orr_put_u64(out, s->id.hi);
    orr_put_u64(out, s->id.lo);
    orr_put_u8(out, flags);
    orr_put_varint(out, function);
    orr_put_varint(out, word(words, s->host ? s->host : ""));
    put_scalars(out, s, words->base);
    put_text(out, s->args, s->args_bytes);
    put_text(out, s->results, s->results_bytes);
    if (flags & (HAS_ROWS | HAS_BLOB))
        orr_put_varint(out, bulk->at);
    if (flags & HAS_FAILURE) {
        orr_put_u8(out, (uint8_t)s->failure);
        orr_put_zigzag(out, s->code);
    }
    if (flags & HAS_TEXTS) {
        put_line(out, s->message);
        put_line(out, s->warnings);
        put_text(out, s->error_tail, s->error_tail_bytes);
    }
    if (flags & HAS_ROWS) {
        orr_put_varint(out, column_word(words, function, s->columns));
        orr_put_varint(out, s->n_rows);
        orr_put_u32(out, bulk->rows_crc);
    }
    if (flags & HAS_BLOB) {
        orr_put_varint(out, bulk->blob_bytes);
        orr_put_u32(out, bulk->blob_crc);
    }
    if (flags & HAS_COUNTERS)
        orr_put_varint(out, s->n_counters);
    for (uint32_t i = 0; i < s->n_counters; i++) {
        const char *name = s->counters[i].name;
        orr_put_varint(out, word(words, name ? name : ""));
        orr_put_f64(out, s->counters[i].amount);
    }
}

void orri_entry_put(struct orr_bytes *out, struct orri_words *words,
                    const struct orr_stored *stored, const struct orri_bulk *bulk,
                    uint32_t tag)
{
    size_t start = out->length;
    if (!words->n_texts) /* the first of the group */
        words->base = stored->t_start;
    orr_put_u64(out, 0); /* the header, known below */
    put_body(out, words, stored, bulk);
    size_t length = out->length - start - ORRI_ENTRY_HEADER;
    const unsigned char *body = out->data + start + ORRI_ENTRY_HEADER;
    uint32_t crc = orr_crc32c(tag, body, length);
    orr_patch_u32(out, start, (uint32_t)length);
    orr_patch_u32(out, start + 4, crc);
}

static uint64_t word_most(const char *text)
{
    return text ? strlen(text) + WORD_MOST : WORD_MOST;
}

uint64_t orri_entry_most(const struct orr_stored *s)
{
    uint64_t most = ORRI_ENTRY_HEADER + NUMBERS_MOST + (uint64_t)s->args_bytes +
                    s->results_bytes + s->error_tail_bytes;
    most += word_most(s->function) + word_most(s->host) + word_most(s->message) +
            word_most(s->warnings);
    for (uint32_t i = 0; i < s->n_counters; i++)
        most += word_most(s->counters[i].name) + WORD_MOST;
    for (const struct orr_column *c = s->columns; c && c->name; c++)
        most += word_most(c->name) + word_most(c->type) + word_most(c->unit) +
                word_most(c->doc);
    return most;
}

/* --- reading ---------------------------------------------------------------- */

static const char *get_word(struct orr_reader *in, const struct orri_group_words *words)
{
    uint64_t n = orr_get_varint(in);
    if (n < words->n_texts)
        return words->texts[n];
    in->bad = true;
    return "";
}

static void get_scalars(struct orr_reader *in, struct orr_stored *out, int64_t base)
{
    out->attempt = (uint32_t)orr_get_varint(in);
    out->rank = (uint32_t)orr_get_varint(in);
    out->core = (uint32_t)orr_get_varint(in);
    out->t_start = plus(base, orr_get_zigzag(in));
    out->t_end = plus(out->t_start, orr_get_zigzag(in));
    out->cpu_user = orr_get_zigzag(in);
    out->cpu_sys = orr_get_zigzag(in);
    out->max_rss = orr_get_varint(in);
    out->queued = orr_get_zigzag(in);
}

static const void *get_section(struct orr_reader *in, uint32_t *length)
{
    uint64_t n = orr_get_varint(in);
    const void *bytes = orr_get_raw(in, (size_t)n);
    *length = bytes ? (uint32_t)n : 0;
    return bytes;
}

static void get_rows(struct orr_reader *in, const struct orri_group_words *words,
                     struct orr_stored *out, struct orri_bulk *bulk)
{
    uint64_t which = orr_get_varint(in);
    uint64_t n = orr_get_varint(in);
    bulk->rows_crc = orr_get_u32(in);
    if (which >= words->n_columns || n > UINT32_MAX || n == 0) {
        in->bad = true;
        return;
    }
    out->columns = words->columns[which].columns;
    out->row_bytes = orri_row_width(out->columns);
    out->n_rows = (uint32_t)n;
}

static void get_counters(struct orr_reader *in, const struct orri_group_words *words,
                         struct orr_arena *arena, struct orr_stored *out)
{
    uint32_t n = get_count(in, 9);
    struct orr_stored_counter *all =
        orr_arena_alloc(arena, ((size_t)n + 1) * sizeof *all);
    for (uint32_t i = 0; i < n; i++) {
        all[i].name = get_word(in, words);
        all[i].amount = orr_get_f64(in);
    }
    out->counters = all;
    out->n_counters = n;
}

static void get_texts(struct orr_reader *in, struct orr_arena *arena,
                      struct orr_stored *out)
{
    out->message = get_text(in, arena, NULL);
    out->warnings = get_text(in, arena, NULL);
    out->error_tail = get_text(in, arena, &out->error_tail_bytes);
}

static void get_failure(struct orr_reader *in, struct orr_stored *out)
{
    uint8_t failure = orr_get_u8(in);
    out->failure = (enum orr_fail_kind)failure;
    out->code = (int32_t)orr_get_zigzag(in);
    if (failure > ORR_FAIL_IO)
        in->bad = true;
}

orr_status orri_entry_get(struct orr_reader *in, const struct orri_group_words *words,
                          struct orr_arena *arena, struct orr_stored *out,
                          struct orri_bulk *bulk, struct orr_error *err)
{
    *out = (struct orr_stored) { .message = "", .warnings = "", .error_tail = "" };
    *bulk = (struct orri_bulk) { .at = 0 };
    out->id.hi = orr_get_u64(in);
    out->id.lo = orr_get_u64(in);
    uint8_t flags = orr_get_u8(in);
    out->function = get_word(in, words);
    out->host = get_word(in, words);
    get_scalars(in, out, words->base);
    out->args = get_section(in, &out->args_bytes);
    out->results = get_section(in, &out->results_bytes);
    if (flags & (HAS_ROWS | HAS_BLOB))
        bulk->at = orr_get_varint(in);
    if (flags & HAS_FAILURE)
        get_failure(in, out);
    if (flags & HAS_TEXTS)
        get_texts(in, arena, out);
    if (flags & HAS_ROWS)
        get_rows(in, words, out, bulk);
    if (flags & HAS_BLOB) {
        bulk->blob_bytes = orr_get_varint(in);
        bulk->blob_crc = orr_get_u32(in);
    }
    if (flags & HAS_COUNTERS)
        get_counters(in, words, arena, out);
    if (in->bad || orr_reader_left(in) || flags > HAS_ALL)
        return orr_error_set(
            err, ORR_ERR_DATA, ORR_NO_SPAN,
            "the record of an attempt does not have the expected form");
    return ORR_OK;
}
