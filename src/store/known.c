/* known.c - what earlier epochs of a run, or another run, did, from its shards
 *
 * Results lie in pages, in the order of the shards; each has a row of 16 bytes, and the
 * rows are sorted by identity. Identities are hashes, evenly spread, so a look at where
 * one should be finds it in a few steps. The rules ask for results in about the order
 * in which they were stored: a page whose results were all used is freed.
 * Owns: rows, pages, failures, and how long functions took. */
#include "store/known.h"

#include "base/map.h"
#include "base/memory.h"
#include "store/handed.h"
#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_BYTES = 2 << 20,
    LOST_LIMIT = 3, /* workers that one task took down: then it is its fault */
    NEAR = 8        /* rows that are gone through one by one */
};

struct row {
    uint64_t hi; /* half of the identity; the item has the other */
    uint32_t page;
    uint32_t at; /* of its struct item; odd: it was used */
};

/* Before the bytes of a result. */
struct item {
    uint64_t lo;
    uint32_t length;
    uint32_t epoch;
    int64_t t_end;
    float seconds;
    uint16_t attempt;
    uint16_t origin; /* in `origins` + 1; 0: it was made here */
};

struct page {
    unsigned char *data;
    size_t size;
    size_t used;
    uint32_t left; /* results that were not used yet */
};

/* A file that results name. */
struct written {
    uint64_t by;    /* low half of the identity of the task that ended last */
    int64_t last;   /* when that was */
    int64_t others; /* the last end of another one */
};

struct spent { /* by one function */
    const char *function;
    int64_t time;
    int64_t n;
};

struct orr_known {
    struct row *rows; /* sorted by identity */
    size_t n;
    size_t cap;
    size_t unused; /* of them */
    struct page *pages;
    size_t n_pages;
    size_t cap_pages;
    struct orr_known_failure *failures; /* sorted by identity, attempt, epoch */
    size_t n_failures;
    size_t cap_failures;
    uint32_t since; /* failures of earlier epochs are forgiven */
    int64_t *began; /* by epoch: the first attempt that was started in it */
    size_t n_began;
    const char **origins;
    size_t n_origins;
    size_t cap_origins;
    struct spent *spent;
    size_t n_spent;
    size_t cap_spent;
    struct orr_map by_path; /* hash of a path below out/ -> file + 1 */
    struct written *files;
    size_t n_files;
    size_t cap_files;
    struct orr_blob_reader *blobs; /* while results are verified; else NULL */
    struct orr_arena scratch;
    const char *said; /* the last message: many are alike */
    struct orr_arena arena;
};

/* ---- finding ---- */

static int compare_ids(struct orr_id a, struct orr_id b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return a.lo < b.lo ? -1 : a.lo > b.lo;
}

/* Where between two rows the identity should be; every other look halves, so that ids
 * that are not evenly spread cost no more than a search by halves. */
static size_t guess(const struct orr_known *known, uint64_t hi, size_t from, size_t to,
                    bool halve)
{
    uint64_t least = known->rows[from].hi;
    uint64_t most = known->rows[to - 1].hi;
    if (halve || most <= least || hi < least || hi > most)
        return from + (to - from) / 2;
    __uint128_t part = (__uint128_t)(hi - least) * (to - 1 - from);
    return from + (size_t)(part / (most - least));
}

/* The first whose half is not below: `from`, or one of those up to `to`. */
static size_t first_of(const struct orr_known *known, uint64_t hi)
{
    size_t from = 0;
    size_t to = known ? known->n : 0;
    for (unsigned look = 0; to - from > NEAR; look++) {
        size_t at = guess(known, hi, from, to, look % 4 == 3);
        if (known->rows[at].hi < hi)
            from = at + 1;
        else
            to = at;
    }
    while (from < to && known->rows[from].hi < hi)
        from++;
    return from;
}

/* NULL: it was used. */
static const struct item *item_of(const struct orr_known *known, const struct row *row)
{
    const struct page *page = &known->pages[row->page];
    bool there = page->data && !(row->at & 1);
    return there ? (const void *)(page->data + row->at) : NULL;
}

/* Of one that was used half of the identity is enough: who asks again asked before. */
static struct row *find(const struct orr_known *known, struct orr_id id)
{
    for (size_t i = first_of(known, id.hi); known && i < known->n; i++) {
        struct row *row = &known->rows[i];
        const struct item *item = item_of(known, row);
        if (row->hi != id.hi)
            return NULL;
        if (!item || item->lo == id.lo)
            return row;
    }
    return NULL;
}

bool orr_known_result(const struct orr_known *known, struct orr_id id,
                      struct orr_known_result *out)
{
    const struct row *row = find(known, id);
    const struct item *item = row ? item_of(known, row) : NULL;
    if (!item)
        return false;
    *out = (struct orr_known_result) {
        .bytes = item + 1,
        .length = item->length,
        .epoch = item->epoch,
        .t_end = item->t_end,
        .attempt = item->attempt,
        .origin = item->origin ? known->origins[item->origin - 1] : "",
    };
    return true;
}

bool orr_known_overwritten(const struct orr_known *known, struct orr_id id,
                           const char *path, int64_t t_end)
{
    const uint64_t *at =
        known ? orr_map_find(&known->by_path, orr_hash64(path, strlen(path), 0)) : NULL;
    const struct written *file = at ? &known->files[*at - 1] : NULL;
    return file && (file->by == id.lo ? file->others : file->last) > t_end;
}

const void *orr_known_find(const struct orr_known *known, struct orr_id id,
                           uint32_t *length)
{
    struct orr_known_result result = { 0 };
    bool found = orr_known_result(known, id, &result);
    *length = result.length;
    return found ? result.bytes : NULL;
}

void orr_known_used(struct orr_known *known, struct orr_id id)
{
    struct row *row = find(known, id);
    if (!row || row->at & 1)
        return;
    struct page *page = &known->pages[row->page];
    row->at |= 1;
    if (--page->left == 0) {
        orr_pages_free(page->data, page->size);
        page->data = NULL;
    }
    if (--known->unused == 0) { /* nobody will look for one again */
        free(known->rows);
        known->rows = NULL;
        known->n = 0;
    }
}

size_t orr_known_results(const struct orr_known *known) { return known ? known->n : 0; }

int64_t orr_known_time(const struct orr_known *known, struct orr_id id)
{
    const struct row *row = find(known, id);
    const struct item *item = row ? item_of(known, row) : NULL;
    return item && item->attempt ? (int64_t)((double)item->seconds * 1e9) : -1;
}

static struct spent *spent_by(const struct orr_known *known, const char *function)
{
    for (size_t i = 0; known && i < known->n_spent; i++)
        if (strcmp(known->spent[i].function, function) == 0)
            return &known->spent[i];
    return NULL;
}

int64_t orr_known_mean(const struct orr_known *known, const char *function)
{
    const struct spent *spent = spent_by(known, function);
    return spent ? spent->time / spent->n : -1;
}

/* ---- failures ---- */

bool orr_failure_counts(enum orr_fail_kind kind, uint32_t *lost)
{
    return kind != ORR_FAIL_LOST || ++*lost >= LOST_LIMIT;
}

const struct orr_known_failure *orr_known_failure(const struct orr_known *known,
                                                  struct orr_id id, uint32_t attempt)
{
    size_t from = 0;
    size_t to = known ? known->n_failures : 0;
    while (from < to) { /* the first that is not before it */
        size_t at = from + (to - from) / 2;
        const struct orr_known_failure *f = &known->failures[at];
        int order = compare_ids(f->id, id);
        bool before = order ? order < 0
                            : f->attempt < attempt ||
                                  (f->attempt == attempt && f->epoch < known->since);
        from = before ? at + 1 : from;
        to = before ? to : at;
    }
    const struct orr_known_failure *f = known ? known->failures + from : NULL;
    return f && from < known->n_failures && orr_id_equal(f->id, id) &&
                   f->attempt == attempt
               ? f
               : NULL;
}

void orr_known_forgive(struct orr_known *known, uint32_t epoch)
{
    if (known)
        known->since = epoch;
}

static int by_end(const void *left, const void *right)
{
    const struct orr_known_failure *a = left;
    const struct orr_known_failure *b = right;
    int order = compare_ids(a->id, b->id);
    if (order == 0)
        order = a->epoch < b->epoch ? -1 : a->epoch > b->epoch;
    return order ? order : a->t_end < b->t_end ? -1 : a->t_end > b->t_end;
}

static int by_attempt(const void *left, const void *right)
{
    const struct orr_known_failure *a = left;
    const struct orr_known_failure *b = right;
    int order = compare_ids(a->id, b->id);
    if (order == 0)
        order = a->attempt < b->attempt ? -1 : a->attempt > b->attempt;
    return order ? order : a->epoch < b->epoch ? -1 : a->epoch > b->epoch;
}

/* What a session made after the next had begun (a stopped process that woke up) was
 * told to nobody. */
static bool came_too_late(const struct orr_known *known,
                          const struct orr_known_failure *failure)
{
    for (size_t e = failure->epoch + 1; e < known->n_began; e++)
        if (known->began[e] < failure->t_end)
            return true;
    return false;
}

static void note_epoch(struct orr_known *known, uint32_t epoch, int64_t started)
{
    enum { EPOCHS_MAX = 1 << 16 };
    if (epoch >= EPOCHS_MAX)
        return;
    if (epoch >= known->n_began)
        known->began = orr_realloc(known->began, epoch + 1, sizeof *known->began);
    for (; known->n_began <= epoch; known->n_began++)
        known->began[known->n_began] = INT64_MAX;
    if (started < known->began[epoch])
        known->began[epoch] = started;
}

/* Leave those that the rules were told of. */
static void sort_failures(struct orr_known *known)
{
    struct orr_known_failure *all = known->failures;
    size_t kept = 0;
    uint32_t lost = 0;
    struct orr_id id = { 0, 0 };
    uint32_t epoch = 0;
    if (known->n_failures)
        qsort(all, known->n_failures, sizeof *all, by_end);
    for (size_t i = 0; i < known->n_failures; i++) {
        if (!orr_id_equal(all[i].id, id) || all[i].epoch != epoch)
            lost = 0;
        id = all[i].id;
        epoch = all[i].epoch;
        if (orr_failure_counts(all[i].kind, &lost) && !came_too_late(known, &all[i]))
            all[kept++] = all[i];
    }
    known->n_failures = kept;
    if (kept)
        qsort(all, kept, sizeof *all, by_attempt);
}

static const char *keep_message(struct orr_known *known, const char *message)
{
    if (!known->said || strcmp(known->said, message) != 0)
        known->said = orr_arena_strdup(&known->arena, message);
    return known->said;
}

static void remember_failure(struct orr_known *known, const struct orr_stored *stored,
                             uint32_t epoch)
{
    known->failures = orr_grow(known->failures, known->n_failures, &known->cap_failures,
                               sizeof *known->failures);
    known->failures[known->n_failures++] = (struct orr_known_failure) {
        .id = stored->id,
        .attempt = stored->attempt,
        .epoch = epoch,
        .kind = stored->failure,
        .code = stored->code,
        .t_end = stored->t_end,
        .message = keep_message(known, stored->message ? stored->message : ""),
    };
}

/* ---- results ---- */

static void count(struct orr_known *known, const char *function, int64_t time)
{
    struct spent *spent = spent_by(known, function);
    if (!spent) {
        known->spent = orr_grow(known->spent, known->n_spent, &known->cap_spent,
                                sizeof *known->spent);
        spent = &known->spent[known->n_spent++];
        *spent =
            (struct spent) { .function = orr_arena_strdup(&known->arena, function) };
    }
    spent->time += time;
    spent->n++;
}

static struct page *page_for(struct orr_known *known, size_t bytes)
{
    struct page *last = known->n_pages ? &known->pages[known->n_pages - 1] : NULL;
    if (last && last->size - last->used >= bytes)
        return last;
    known->pages =
        orr_grow(known->pages, known->n_pages, &known->cap_pages, sizeof *known->pages);
    last = &known->pages[known->n_pages++];
    *last = (struct page) { .size = bytes > PAGE_BYTES ? bytes : PAGE_BYTES };
    last->data = orr_pages_alloc(last->size);
    return last;
}

/* Of a result that another run made. */
static uint16_t origin_of(struct orr_known *known, const struct orr_stored *stored)
{
    const char *from = stored->host ? stored->host : "";
    if (stored->attempt)
        return 0;
    for (size_t i = known->n_origins; i > 0; i--)
        if (strcmp(known->origins[i - 1], from) == 0)
            return (uint16_t)i;
    if (known->n_origins == UINT16_MAX)
        return UINT16_MAX;
    known->origins = orr_grow(known->origins, known->n_origins, &known->cap_origins,
                              sizeof *known->origins);
    known->origins[known->n_origins++] = orr_arena_strdup(&known->arena, from);
    return (uint16_t)known->n_origins;
}

static void note_file(struct orr_known *known, const struct orr_string *path,
                      struct orr_id id, int64_t t_end)
{
    bool fresh = false;
    uint64_t *at =
        orr_map_insert(&known->by_path, orr_hash64(path->s, path->length, 0), &fresh);
    if (fresh) {
        known->files = orr_grow(known->files, known->n_files, &known->cap_files,
                                sizeof *known->files);
        known->files[known->n_files++] = (struct written) { id.lo, t_end, INT64_MIN };
        *at = known->n_files;
    }
    struct written *file = &known->files[*at - 1];
    int64_t *end = file->by == id.lo ? &file->last : &file->others;
    *end = *end > t_end ? *end : t_end;
    if (file->others > file->last)
        *file = (struct written) { id.lo, file->others, file->last };
}

static void note_files(struct orr_known *known, struct orr_value v, struct orr_id id,
                       int64_t t_end)
{
    if (v.kind == ORR_KIND_PATH && strstr(v.as.s->s, "/out/"))
        note_file(known, v.as.s, id, t_end);
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n; i++)
        note_files(known, v.as.list->items[i], id, t_end);
    for (uint32_t i = 0; v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields;
         i++)
        note_files(known, v.as.record->fields[i], id, t_end);
}

/* Most results name none. */
static void look_for_files(struct orr_known *known, const struct orr_stored *stored)
{
    struct orr_value v;
    struct orr_reader in = orr_reader_of(stored->results, stored->results_bytes);
    if (!stored->results_bytes ||
        !memmem(stored->results, stored->results_bytes, "/out/", 5))
        return;
    if (orr_value_get(&in, NULL, &known->scratch, &v, NULL) == ORR_OK)
        note_files(known, v, stored->id, stored->t_end);
    orr_arena_reset(&known->scratch);
}

static void remember_result(struct orr_known *known, const struct orr_stored *stored,
                            uint32_t epoch)
{
    size_t bytes = sizeof(struct item) + (((size_t)stored->results_bytes + 7) & ~7UL);
    struct page *page = page_for(known, bytes);
    int64_t time = stored->t_end - stored->t_start;
    *(struct item *)(void *)(page->data + page->used) = (struct item) {
        .lo = stored->id.lo,
        .length = stored->results_bytes,
        .epoch = epoch,
        .t_end = stored->t_end,
        .seconds = (float)((double)time / 1e9),
        .attempt =
            (uint16_t)(stored->attempt < UINT16_MAX ? stored->attempt : UINT16_MAX),
        .origin = origin_of(known, stored),
    };
    look_for_files(known, stored);
    if (stored->results_bytes)
        memcpy(page->data + page->used + sizeof(struct item), stored->results,
               stored->results_bytes);
    known->rows = orr_grow(known->rows, known->n, &known->cap, sizeof *known->rows);
    known->rows[known->n++] = (struct row) {
        .hi = stored->id.hi,
        .page = (uint32_t)(page - known->pages),
        .at = (uint32_t)page->used,
    };
    page->used += bytes;
    page->left++;
    if (stored->attempt)
        count(known, stored->function ? stored->function : "", time);
}

static orr_status remember(void *context, const struct orr_stored *stored,
                           const struct orr_place *place, struct orr_error *err)
{
    struct orr_known *known = context;
    (void)err;
    if (stored->attempt)
        note_epoch(context, place->epoch, stored->t_start);
    if (stored->failure == ORR_FAIL_NONE && known->blobs &&
        !orri_handed_whole(known->blobs, stored->results, stored->results_bytes, place,
                           NULL))
        return ORR_OK; /* a result that names what is gone is none */
    if (stored->failure == ORR_FAIL_NONE)
        remember_result(context, stored, place->epoch);
    else
        remember_failure(context, stored, place->epoch);
    return ORR_OK;
}

/* Of equal identities the one that counts comes first: the newest epoch made again what
 * was gone; within one, later ones are duplicates after lost reports. */
static int by_identity(const void *left, const void *right, void *context)
{
    const struct row *a = left;
    const struct row *b = right;
    struct orr_id x = { a->hi, item_of(context, a)->lo };
    struct orr_id y = { b->hi, item_of(context, b)->lo };
    int order = compare_ids(x, y);
    if (order)
        return order;
    uint32_t a_epoch = item_of(context, a)->epoch;
    uint32_t b_epoch = item_of(context, b)->epoch;
    if (a_epoch != b_epoch)
        return a_epoch > b_epoch ? -1 : 1;
    if (a->page != b->page)
        return a->page < b->page ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static bool same_identity(const struct orr_known *known, const struct row *a,
                          const struct row *b)
{
    return a->hi == b->hi && item_of(known, a)->lo == item_of(known, b)->lo;
}

static void sort_results(struct orr_known *known)
{
    size_t kept = 0;
    if (known->n)
        qsort_r(known->rows, known->n, sizeof *known->rows, by_identity, known);
    for (size_t i = 0; i < known->n; i++) {
        if (kept && same_identity(known, &known->rows[kept - 1], &known->rows[i]))
            known->pages[known->rows[i].page].left--;
        else
            known->rows[kept++] = known->rows[i];
    }
    known->n = kept;
    known->unused = kept;
    if (kept) {
        known->rows = orr_realloc(known->rows, kept, sizeof *known->rows);
        known->cap = kept;
    }
}

orr_status orr_known_load(const char *run_dir, struct orr_id run_id, bool verify,
                          struct orr_known **out, struct orr_error *err)
{
    struct orr_known *known = orr_alloc(1, sizeof *known);
    struct orr_scan_options options = { .run_id = run_id,
                                        .verify_blobs = verify,
                                        .no_rows = !verify };
    known->blobs = verify ? orr_blob_reader_new(run_dir) : NULL;
    orr_status status = orr_shards_scan(run_dir, &options, remember, known, NULL, err);
    orr_blob_reader_free(known->blobs);
    known->blobs = NULL;
    if (status != ORR_OK) {
        orr_known_free(known);
        return status;
    }
    sort_results(known);
    sort_failures(known);
    *out = known;
    return ORR_OK;
}

void orr_known_free(struct orr_known *known)
{
    if (!known)
        return;
    for (size_t i = 0; i < known->n_pages; i++)
        if (known->pages[i].data)
            orr_pages_free(known->pages[i].data, known->pages[i].size);
    orr_arena_release(&known->arena);
    orr_arena_release(&known->scratch);
    orr_map_release(&known->by_path);
    free(known->files);
    free(known->rows);
    free(known->pages);
    free(known->failures);
    free(known->began);
    free(known->origins);
    free(known->spent);
    free(known);
}
