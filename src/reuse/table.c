/* table.c - results by task identity, in a file
 *
 *     head    64 bytes: magic, version, checksum of the rest and of `inside`; run id,
 *             number of rows, where they begin, length of `inside`, words of the filter
 *     inside  a text
 *     data    the results, one after the other
 *     rows    32 bytes each, sorted: identity, offset, length, checksum of these and of
 *             the result
 *     filter  words of 64 bits: four bits a row, in one word, say "maybe"
 *
 * Identities are hashes, evenly spread: where a row is follows from its identity, give
 * or take some, so two or three reads of 4 KiB find it among ten million. Most of what
 * is not there is known from the filter, the only part that is kept in memory: ten bits
 * a row. Owns: the format. */
#include "reuse/table.h"

#include "base/map.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31424154454f5252) /* "RROETAB1" */
enum {
    VERSION = 1,
    HEAD = 64,
    ROW = 32,
    BLOCK = 128,   /* rows of one read */
    WORD_ROWS = 6, /* rows a word of the filter: 3 % of what is not there pass it */
    INSIDE_MAX = 4096,
    RESULT_MAX = 1 << 30
};

/* ---- making one ---- */

struct entry {
    struct orr_id id;
    uint64_t offset;
    uint32_t length;
    uint32_t crc;
    uint32_t epoch;
    uint32_t nothing;
};

struct orr_table_writer {
    char *path;
    FILE *file;
    struct orr_id run;
    char *inside;
    struct entry *entries;
    size_t n;
    size_t cap;
    struct orr_map dropped; /* id.lo */
    uint64_t at;
    int bad; /* errno of the first thing that failed */
};

static void write_bytes(struct orr_table_writer *w, const void *bytes, size_t length)
{
    if (!w->bad && length && fwrite(bytes, 1, length, w->file) != length)
        w->bad = errno ? errno : EIO;
    w->at += length;
}

orr_status orr_table_begin(const char *path, struct orr_id run, const char *inside,
                           struct orr_table_writer **out, struct orr_error *err)
{
    static const char zeros[HEAD];
    FILE *file = fopen(path, "wbxe");
    if (!file)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot make %s", path);
    struct orr_table_writer *w = orr_alloc(1, sizeof *w);
    w->path = orr_strdup(path);
    w->file = file;
    w->run = run;
    w->inside = orr_strdup(inside);
    write_bytes(w, zeros, HEAD);
    write_bytes(w, inside, strlen(inside));
    *out = w;
    return ORR_OK;
}

static void put_row(struct orr_bytes *out, const struct entry *entry)
{
    orr_put_u64(out, entry->id.hi);
    orr_put_u64(out, entry->id.lo);
    orr_put_u64(out, entry->offset);
    orr_put_u32(out, entry->length);
}

static uint32_t checksum(const struct entry *entry, const void *bytes)
{
    struct orr_bytes row = ORR_BYTES_INIT;
    put_row(&row, entry);
    uint32_t crc = orr_crc32c(0, row.data, row.length);
    orr_bytes_release(&row);
    return orr_crc32c(crc, bytes, entry->length);
}

void orr_table_add(struct orr_table_writer *w, struct orr_id id, uint32_t epoch,
                   const void *bytes, uint32_t length)
{
    struct entry entry = {
        .id = id, .offset = w->at, .length = length, .epoch = epoch
    };
    entry.crc = checksum(&entry, bytes);
    w->entries = orr_grow(w->entries, w->n, &w->cap, sizeof *w->entries);
    w->entries[w->n++] = entry;
    write_bytes(w, bytes, length);
}

void orr_table_drop(struct orr_table_writer *w, struct orr_id id)
{
    bool fresh = false;
    (void)orr_map_insert(&w->dropped, id.lo, &fresh);
}

static int compare_ids(struct orr_id a, struct orr_id b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return a.lo < b.lo ? -1 : a.lo > b.lo;
}

static int by_id(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int order = compare_ids(a->id, b->id);
    if (order)
        return order;
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void write_rows(struct orr_table_writer *w, uint64_t *n)
{
    struct orr_bytes rows = ORR_BYTES_INIT;
    *n = 0;
    if (w->n)
        qsort(w->entries, w->n, sizeof *w->entries, by_id);
    for (size_t i = 0; i < w->n; i++) {
        if ((i && orr_id_equal(w->entries[i].id, w->entries[i - 1].id)) ||
            orr_map_find(&w->dropped, w->entries[i].id.lo))
            continue;
        put_row(&rows, &w->entries[i]);
        orr_put_u32(&rows, w->entries[i].crc);
        ++*n;
        if (rows.length < 1 << 20)
            continue;
        write_bytes(w, rows.data, rows.length);
        orr_bytes_clear(&rows);
    }
    write_bytes(w, rows.data, rows.length);
    orr_bytes_release(&rows);
}

/* ---- the filter ---- */

static uint64_t filter_words(uint64_t n) { return n / WORD_ROWS + 1; }

static uint64_t filter_word(struct orr_id id, uint64_t words)
{
    return (uint64_t)((__uint128_t)id.lo * words >> 64);
}

static uint64_t filter_bits(struct orr_id id)
{
    return UINT64_C(1) << (id.hi & 63) | UINT64_C(1) << (id.hi >> 6 & 63) |
           UINT64_C(1) << (id.hi >> 12 & 63) | UINT64_C(1) << (id.hi >> 18 & 63);
}

static void write_filter(struct orr_table_writer *w, uint64_t n)
{
    uint64_t words = filter_words(n);
    struct orr_bytes out = ORR_BYTES_INIT;
    uint64_t *filter = orr_alloc(words, sizeof *filter);
    for (size_t i = 0; i < w->n; i++)
        filter[filter_word(w->entries[i].id, words)] |= filter_bits(w->entries[i].id);
    for (uint64_t i = 0; i < words; i++)
        orr_put_u64(&out, filter[i]);
    write_bytes(w, out.data, out.length);
    orr_bytes_release(&out);
    free(filter);
}

/* What follows magic and checksum. */
static uint32_t head_checksum(const unsigned char *head, const char *inside,
                              size_t length)
{
    return orr_crc32c(orr_crc32c(0, head + 16, HEAD - 16), inside, length);
}

static void write_head(struct orr_table_writer *w, uint64_t n, uint64_t rows_at)
{
    struct orr_bytes head = ORR_BYTES_INIT;
    orr_put_u64(&head, MAGIC);
    orr_put_u32(&head, VERSION);
    orr_put_u32(&head, 0);
    orr_put_u64(&head, w->run.hi);
    orr_put_u64(&head, w->run.lo);
    orr_put_u64(&head, n);
    orr_put_u64(&head, rows_at);
    orr_put_u64(&head, strlen(w->inside));
    orr_put_u64(&head, filter_words(n));
    orr_patch_u32(&head, 12, head_checksum(head.data, w->inside, strlen(w->inside)));
    if (!w->bad && fseek(w->file, 0, SEEK_SET) != 0)
        w->bad = errno;
    write_bytes(w, head.data, head.length);
    orr_bytes_release(&head);
}

static void free_writer(struct orr_table_writer *w)
{
    free(w->path);
    free(w->inside);
    free(w->entries);
    orr_map_release(&w->dropped);
    free(w);
}

orr_status orr_table_commit(struct orr_table_writer *w, uint64_t *n,
                            struct orr_error *err)
{
    orr_status status = ORR_OK;
    uint64_t rows = 0;
    uint64_t rows_at = w->at;
    write_rows(w, &rows);
    write_filter(w, rows);
    write_head(w, rows, rows_at);
    if (!w->bad && (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0))
        w->bad = errno;
    if (fclose(w->file) != 0 && !w->bad)
        w->bad = errno;
    if (w->bad) {
        status =
            orr_error_errno(err, ORR_ERR_STORE, w->bad, "cannot write %s", w->path);
        (void)unlink(w->path);
    }
    if (n)
        *n = rows;
    free_writer(w);
    return status;
}

void orr_table_abandon(struct orr_table_writer *w)
{
    if (!w)
        return;
    (void)fclose(w->file);
    (void)unlink(w->path);
    free_writer(w);
}

/* ---- searching one ---- */

struct orr_table {
    int fd;
    struct orr_id run;
    uint64_t n;
    uint64_t rows_at;
    char *inside;
    uint64_t *filter;
    uint64_t words;
};

static bool read_all(int fd, void *out, size_t length, uint64_t at)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, (char *)out + done, length - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool read_filter(struct orr_table *table, uint64_t words)
{
    unsigned char bytes[8 * 512];
    uint64_t at = table->rows_at + table->n * ROW;
    table->words = words;
    table->filter = orr_alloc(words, sizeof *table->filter);
    for (uint64_t i = 0; i < words;) {
        uint64_t n = words - i < 512 ? words - i : 512;
        if (!read_all(table->fd, bytes, n * 8, at + i * 8))
            return false;
        struct orr_reader in = orr_reader_of(bytes, n * 8);
        for (uint64_t end = i + n; i < end; i++)
            table->filter[i] = orr_get_u64(&in);
    }
    return true;
}

static bool read_head(struct orr_table *table)
{
    unsigned char head[HEAD];
    struct stat info;
    if (fstat(table->fd, &info) != 0 || !read_all(table->fd, head, HEAD, 0))
        return false;
    struct orr_reader in = orr_reader_of(head, HEAD);
    uint64_t magic = orr_get_u64(&in);
    uint32_t version = orr_get_u32(&in);
    uint32_t crc = orr_get_u32(&in);
    table->run.hi = orr_get_u64(&in);
    table->run.lo = orr_get_u64(&in);
    table->n = orr_get_u64(&in);
    table->rows_at = orr_get_u64(&in);
    uint64_t length = orr_get_u64(&in);
    uint64_t words = orr_get_u64(&in);
    uint64_t size = (uint64_t)info.st_size;
    if (magic != MAGIC || version != VERSION || length > INSIDE_MAX ||
        table->rows_at > size || table->n > (size - table->rows_at) / ROW)
        return false;
    table->inside = orr_alloc((size_t)length + 1, 1);
    return read_all(table->fd, table->inside, (size_t)length, HEAD) &&
           head_checksum(head, table->inside, (size_t)length) == crc &&
           words == filter_words(table->n) && read_filter(table, words);
}

orr_status orr_table_open(int directory, const char *name, struct orr_table **out,
                          struct orr_error *err)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return orr_error_errno(err, ORR_ERR_STORE, errno, "cannot open %s", name);
    struct orr_table *table = orr_alloc(1, sizeof *table);
    table->fd = fd;
    if (!read_head(table)) {
        orr_table_free(table);
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                             "%s is damaged, or of another version", name);
    }
    *out = table;
    return ORR_OK;
}

void orr_table_free(struct orr_table *table)
{
    if (!table)
        return;
    (void)close(table->fd);
    free(table->inside);
    free(table->filter);
    free(table);
}

uint64_t orr_table_results(const struct orr_table *table) { return table->n; }
struct orr_id orr_table_run(const struct orr_table *table) { return table->run; }
const char *orr_table_inside(const struct orr_table *table) { return table->inside; }

static struct orr_id id_at(const unsigned char *block, uint64_t i)
{
    struct orr_reader in = orr_reader_of(block + i * ROW, 16);
    uint64_t hi = orr_get_u64(&in);
    return (struct orr_id) { hi, orr_get_u64(&in) };
}

/* Rows that may hold the identity, and what is known of the ids around them. */
struct range {
    uint64_t from, to;
    uint64_t least, most;
};

/* The first row of the block to look at. Every fourth look halves, so that ids that are
 * not evenly spread cost no more than a search by halves. */
static uint64_t block_for(const struct range *r, uint64_t hi, unsigned look)
{
    uint64_t n = r->to - r->from;
    uint64_t at = n / 2;
    if (look % 4 != 3 && r->most > r->least && hi >= r->least && hi <= r->most)
        at = (uint64_t)((__uint128_t)(hi - r->least) * (n - 1) / (r->most - r->least));
    at = at > BLOCK / 2 ? at - BLOCK / 2 : 0;
    if (n <= BLOCK)
        at = 0;
    else if (at > n - BLOCK)
        at = n - BLOCK;
    return r->from + at;
}

static uint64_t search_block(const unsigned char *block, uint64_t n, struct orr_id id)
{
    uint64_t from = 0;
    while (from < n) {
        uint64_t at = from + (n - from) / 2;
        int order = compare_ids(id_at(block, at), id);
        if (order == 0)
            return at;
        if (order < 0)
            from = at + 1;
        else
            n = at;
    }
    return UINT64_MAX;
}

/* ORR_OK: *row is its row. */
static orr_status find_row(const struct orr_table *table, struct orr_id id,
                           unsigned char row[ROW])
{
    unsigned char block[BLOCK * ROW];
    struct range r = { 0, table->n, 0, UINT64_MAX };
    for (unsigned look = 0; r.from < r.to; look++) {
        uint64_t first = block_for(&r, id.hi, look);
        uint64_t n = r.to - first < BLOCK ? r.to - first : BLOCK;
        if (!read_all(table->fd, block, n * ROW, table->rows_at + first * ROW))
            return ORR_ERR_STORE;
        if (compare_ids(id, id_at(block, 0)) < 0) {
            r.to = first;
            r.most = id_at(block, 0).hi;
        } else if (compare_ids(id, id_at(block, n - 1)) > 0) {
            r.from = first + n;
            r.least = id_at(block, n - 1).hi;
        } else {
            uint64_t at = search_block(block, n, id);
            if (at == UINT64_MAX)
                return ORR_END;
            memcpy(row, block + at * ROW, ROW);
            return ORR_OK;
        }
    }
    return ORR_END;
}

orr_status orr_table_find(const struct orr_table *table, struct orr_id id,
                          struct orr_bytes *out, struct orr_error *err)
{
    unsigned char row[ROW];
    uint64_t bits = filter_bits(id);
    orr_bytes_clear(out);
    if ((table->filter[filter_word(id, table->words)] & bits) != bits)
        return ORR_END;
    orr_status status = find_row(table, id, row);
    if (status == ORR_END)
        return status;
    struct orr_reader in = orr_reader_of(row + 16, ROW - 16);
    struct entry entry = { .id = id };
    if (status == ORR_OK) {
        entry.offset = orr_get_u64(&in);
        entry.length = orr_get_u32(&in);
        entry.crc = orr_get_u32(&in);
    }
    bool good = status == ORR_OK && entry.length <= RESULT_MAX &&
                entry.offset <= table->rows_at &&
                entry.length <= table->rows_at - entry.offset;
    unsigned char *bytes = good ? orr_alloc((size_t)entry.length + 1, 1) : NULL;
    good = good && read_all(table->fd, bytes, entry.length, entry.offset);
    if (good && checksum(&entry, bytes) == entry.crc)
        orr_put_raw(out, bytes, entry.length);
    else
        status = orr_error_set(err, good ? ORR_ERR_DATA : ORR_ERR_STORE, ORR_NO_SPAN,
                               good ? "a result does not match its checksum"
                                    : "results cannot be read");
    free(bytes);
    return status;
}
