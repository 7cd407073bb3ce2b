/* damage.c - whatever happens to a shard file, what is read from it is true */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/entry.h"
#include "store/shard.h"
#include "store_kit.h"

#include <sys/stat.h>

enum { ATTEMPTS = 90, GROUP = 7, MUTATIONS = 2500, FILES_MAX = 16 };

static uint64_t blob_of(uint64_t n) { return n % 5 == 0 ? 900 + n : n * 7; }

struct file {
    char *path;
    unsigned char *bytes;
    size_t length;
};

/* A run whose shards are kept in memory, to be spoilt and made good again. */
struct bench {
    struct kit_run run;
    struct file files[FILES_MAX];
    size_t n;
};

static void load(struct file *file)
{
    struct orr_text text = ORR_TEXT_INIT;
    assert_int_equal(orr_file_read(file->path, 64 << 20, &text, NULL), ORR_OK);
    file->bytes = (unsigned char *)text.s;
    file->length = text.length;
}

static void put(const struct file *file, const unsigned char *bytes, size_t length)
{
    int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(orr_write_all(fd, bytes, length), 0);
    close(fd);
}

static void restore(const struct bench *b)
{
    for (size_t i = 0; i < b->n; i++)
        put(&b->files[i], b->files[i].bytes, b->files[i].length);
}

static void bench_begin(struct bench *b, uint64_t n, uint64_t segment)
{
    struct orr_writer_stats stats;
    struct orri_shard_id *all = NULL;
    *b = (struct bench) { .n = 0 };
    kit_begin(&b->run);
    b->run.options.durability = ORR_DURABILITY_NONE;
    b->run.options.no_index = true;
    b->run.options.group_results = GROUP;
    /* groups of 7, whatever the machine does: neither age nor quiet ends one */
    b->run.options.group_ns = 600 * ORR_SECOND;
    b->run.options.linger_ns = 600 * ORR_SECOND;
    b->run.options.segment_bytes = segment;
    kit_write(&b->run.options, n, blob_of, false, &stats);
    assert_int_equal(orri_shard_list(b->run.dir, &all, &b->n, NULL), ORR_OK);
    assert_true(b->n <= FILES_MAX);
    for (size_t i = 0; i < b->n; i++) {
        b->files[i].path = orri_shard_path(b->run.dir, &all[i], ".blob.h5");
        load(&b->files[i]);
    }
    free(all);
}

static void bench_end(struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->files[i].path);
        free(b->files[i].bytes);
    }
    kit_end(&b->run);
}

/* --- what a scan sees ------------------------------------------------------- */

struct seen {
    struct orr_blob_reader *blobs;
    struct orr_place places[ATTEMPTS];
    uint32_t record_bytes[ATTEMPTS];
    uint8_t times[ATTEMPTS];
    uint64_t n;
    uint64_t bad_blobs;
};

static orr_status see(void *context, const struct orr_stored *stored,
                      const struct orr_place *place, struct orr_error *err)
{
    struct seen *seen = context;
    struct orr_blob blob;
    void *bytes = NULL;
    uint64_t n = kit_number(stored);
    (void)err;
    assert_true(n < ATTEMPTS);
    assert_true(
        kit_matches(stored, n, blob_of(n), &blob)); /* never anything but the truth */
    seen->places[n] = *place;
    seen->times[n]++;
    seen->n++;
    if (!stored->results_bytes)
        return ORR_OK;
    if (orr_blob_load(seen->blobs, &blob, &bytes, NULL) != ORR_OK) {
        seen->bad_blobs++;
        return ORR_OK;
    }
    for (uint64_t i = 0; i < blob.length; i++)
        assert_int_equal(((unsigned char *)bytes)[i], kit_byte(n, i));
    free(bytes);
    return ORR_OK;
}

static orr_status look(const struct bench *b, bool verify, struct seen *seen,
                       struct orr_scan_stats *stats, struct orr_error *err)
{
    struct orr_text notes = ORR_TEXT_INIT;
    struct orr_scan_options options = { .run_id = b->run.options.run_id,
                                        .verify_blobs = verify,
                                        .notes = &notes };
    *seen = (struct seen) { .blobs = orr_blob_reader_new(b->run.dir) };
    orr_status status = orr_shards_scan(b->run.dir, &options, see, seen, stats, err);
    if (status == ORR_OK)
        assert_int_equal(!notes.length, !(stats->damaged + stats->damaged_logs));
    orr_blob_reader_free(seen->blobs);
    orr_text_release(&notes);
    return status;
}

/* --- single wounds ---------------------------------------------------------- */

/* What the notes of a scan say of the attempt at `place`. */
static bool is_left_out(const struct bench *b, const struct orr_place *place)
{
    char text[64];
    struct seen seen = { .blobs = orr_blob_reader_new(b->run.dir) };
    struct orr_text notes = ORR_TEXT_INIT;
    struct orr_scan_options options = { .run_id = b->run.options.run_id,
                                        .notes = &notes };
    assert_int_equal(orr_shards_scan(b->run.dir, &options, see, &seen, NULL, NULL),
                     ORR_OK);
    (void)snprintf(text, sizeof text,
                   "attempt at %llu left out:", (unsigned long long)place->entry);
    bool is = notes.s && strstr(notes.s, text);
    orr_blob_reader_free(seen.blobs);
    orr_text_release(&notes);
    return is;
}

static void flip(const struct file *file, uint64_t log_offset)
{
    unsigned char *copy = orr_alloc(file->length, 1);
    memcpy(copy, file->bytes, file->length);
    copy[ORRI_LOG_OFFSET + log_offset] ^= 0x10;
    put(file, copy, file->length);
    free(copy);
}

/* Where the header of the group of attempt n is: its first attempt, which did not fail,
 * has its bulk behind it. */
static uint64_t group_header(const struct seen *all, uint64_t n)
{
    uint64_t first = n / GROUP * GROUP;
    uint64_t rows = first % 3 == 0 ? first % 50 * KIT_ROW_BYTES : 0;
    return all->places[first].blob - rows - ORRI_FRAME_HEADER;
}

static uint64_t size_of_group(uint64_t n)
{
    uint64_t first = n / GROUP * GROUP;
    return ATTEMPTS - first < GROUP ? ATTEMPTS - first : GROUP;
}

static void test_one_bit(void **state)
{
    (void)state;
    struct bench b;
    struct seen all;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    bench_begin(&b, ATTEMPTS, 64 << 20);
    assert_int_equal(b.n, 1);
    assert_int_equal(look(&b, true, &all, &stats, &err), ORR_OK);
    assert_int_equal(all.n, ATTEMPTS);
    assert_int_equal(all.bad_blobs, 0);
    for (uint64_t n = 0; n < ATTEMPTS; n += 4) {
        struct orr_place at = all.places[n];
        bool in_last = n >= (ATTEMPTS - 1) / GROUP * GROUP;
        /* in the record: this attempt is lost, no other */
        flip(&b.files[0], at.entry + ORRI_ENTRY_HEADER + 5);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_int_equal(seen.n, ATTEMPTS - 1);
        assert_int_equal(seen.times[n], 0);
        assert_int_equal(stats.damaged, 1);
        assert_true(is_left_out(&b, &at));
        /* in its length: those of the group from it on */
        flip(&b.files[0], at.entry + 2);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_int_equal(stats.damaged, size_of_group(n) - n % GROUP);
        assert_int_equal(seen.n, ATTEMPTS - stats.damaged);
        /* in the group's header: the group, none before or after */
        flip(&b.files[0], group_header(&all, n) + 33);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_int_equal(seen.n, ATTEMPTS - size_of_group(n));
        assert_int_equal(stats.damaged, 0); /* how many there were is not known */
        assert_int_equal(stats.damaged_logs, 1);
        assert_true(in_last || stats.skipped_bytes > ORRI_FRAME_HEADER);
        /* in the blob: found when all is verified, or when it is loaded */
        if (!at.blob_bytes)
            continue;
        flip(&b.files[0], at.blob + at.blob_bytes / 2);
        assert_int_equal(look(&b, true, &seen, &stats, &err), ORR_OK);
        assert_int_equal(seen.n, ATTEMPTS - 1);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_int_equal(seen.n + stats.damaged, ATTEMPTS);
        assert_int_equal(seen.bad_blobs + stats.damaged, 1);
        /* the last group is verified always: a power cut may have taken its bytes */
        assert_int_equal(stats.damaged, in_last);
    }
    bench_end(&b);
}

/* Cut at every place near the end, and at many before. */
static void test_truncated(void **state)
{
    (void)state;
    struct bench b;
    struct seen all;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    bench_begin(&b, 30, 64 << 20);
    assert_int_equal(look(&b, false, &all, &stats, &err), ORR_OK);
    assert_int_equal(all.n, 30);
    const struct file *file = &b.files[0];
    for (size_t length = file->length; length > 97; length -= length % 97 + 1) {
        uint64_t most = 0;
        put(file, file->bytes, length);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_true(seen.n % 7 == 0 || seen.n == 30);
        assert_int_equal(seen.bad_blobs, 0);
        for (uint64_t n = 0; n < 30; n++) /* whole frames that the cut leaves */
            most += ORRI_LOG_OFFSET + all.places[n].entry < length;
        assert_true(seen.n <= most);
        assert_true(seen.n + 7 >= most);
    }
    bench_end(&b);
}

/* --- foreign files ---------------------------------------------------------- */

static void test_foreign(void **state)
{
    (void)state;
    struct bench a;
    struct bench b;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    char id[ORR_ID_TEXT];
    bench_begin(&a, 8, 64 << 20);
    bench_begin(&b, 8, 64 << 20);
    put(&b.files[0], a.files[0].bytes, a.files[0].length);
    assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_ERR_DATA);
    orr_id_text(a.run.options.run_id, id);
    assert_non_null(strstr(err.text, id));
    assert_non_null(strstr(err.text, "belongs to run"));
    assert_int_equal(seen.n, 0);
    bench_end(&a);
    bench_end(&b);
}

static void test_renamed(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    bench_begin(&b, ATTEMPTS, 40000);
    assert_true(b.n >= 2);
    put(&b.files[0], b.files[1].bytes, b.files[1].length);
    assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_ERR_DATA);
    assert_non_null(
        strstr(err.text, "is shard w00001-e001-s000001 under a wrong name"));
    restore(&b);
    assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
    assert_int_equal(seen.n, ATTEMPTS);
    bench_end(&b);
}

/* Headers of the first frame as others would write them: refused by name, never taken
 * for damage, and nothing is read. */
static void test_other_forms(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        unsigned char bytes[8];
        bool checksum;
    } forms[] = {
        { "written by an older Orrery: go on with the version that began the run",
          { 'O', 'R', 'R', 'F', 4, 1 },
          true },
        { "written by a newer Orrery", { 'O', 'R', 'R', 'F', 4, 3 }, true },
        { "written in another byte order", { 'F', 'R', 'R', 'O', 4, 2 }, false },
    };
    struct bench b;
    struct seen seen;
    struct orr_scan_stats stats;
    bench_begin(&b, 8, 64 << 20);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct orr_error err = { .code = ORR_OK };
        unsigned char *copy = orr_alloc(b.files[0].length, 1);
        unsigned char *header = copy + ORRI_LOG_OFFSET;
        memcpy(copy, b.files[0].bytes, b.files[0].length);
        memcpy(header, forms[i].bytes, 8);
        uint32_t crc = orr_crc32c(0, header, 60);
        for (int k = 0; k < 4 && forms[i].checksum; k++)
            header[60 + k] = (unsigned char)(crc >> (8 * k));
        put(&b.files[0], copy, b.files[0].length);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_ERR_DATA);
        assert_non_null(strstr(err.text, b.files[0].path));
        assert_non_null(strstr(err.text, forms[i].says));
        assert_int_equal(seen.n, 0);
        free(copy);
    }
    bench_end(&b);
}

/* A page of zeros where a header was, as a disk that lies about a sync leaves it: the
 * groups behind it are found. */
static void test_hole(void **state)
{
    (void)state;
    struct bench b;
    struct seen all;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    bench_begin(&b, ATTEMPTS, 64 << 20);
    assert_int_equal(look(&b, false, &all, &stats, &err), ORR_OK);
    unsigned char *copy = orr_alloc(b.files[0].length, 1);
    memcpy(copy, b.files[0].bytes, b.files[0].length);
    uint64_t from = group_header(&all, 2 * GROUP);
    uint64_t to = group_header(&all, 4 * GROUP);
    memset(copy + ORRI_LOG_OFFSET + from, 0, to - from);
    put(&b.files[0], copy, b.files[0].length);
    assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
    assert_int_equal(seen.n, ATTEMPTS - 2 * GROUP);
    assert_int_equal(stats.skipped_bytes, to - from);
    free(copy);
    bench_end(&b);
}

/* The first `n` bytes of the log are lost, or only a bit of the last is wrong. */
static void spoil_start(const struct file *file, size_t n, bool zeros)
{
    unsigned char *copy = orr_alloc(file->length, 1);
    memcpy(copy, file->bytes, file->length);
    if (zeros)
        memset(copy + ORRI_LOG_OFFSET, 0, n);
    else
        copy[ORRI_LOG_OFFSET + n - 1] ^= 0x10;
    put(file, copy, file->length);
    free(copy);
}

static size_t size_of(const struct file *file)
{
    struct stat info;
    assert_int_equal(stat(file->path, &info), 0);
    return (size_t)info.st_size;
}

/* Groups do not need the first frame: they say themselves where they belong. A resume
 * cuts nothing off behind it. */
static void test_first_frame(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        bool zeros;
    } wounds[] = { { 34, false }, { 70, false }, { 64, true }, { 4096, true } };
    struct bench b;
    struct seen all;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    struct orri_shard_id shard = { .writer = 1, .epoch = 1 };
    bench_begin(&b, ATTEMPTS, 64 << 20);
    shard.run = b.run.options.run_id;
    assert_true(b.files[0].length > ORRI_LOG_OFFSET + 4 * 4096);
    assert_int_equal(look(&b, false, &all, &stats, &err), ORR_OK);
    for (size_t i = 0; i < sizeof wounds / sizeof *wounds; i++) {
        uint64_t gone = 0;
        for (uint64_t n = 0; n < ATTEMPTS; n++)
            gone += group_header(&all, n) < wounds[i].bytes;
        spoil_start(&b.files[0], wounds[i].bytes, wounds[i].zeros);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_int_equal(seen.n, ATTEMPTS - gone);
        assert_int_equal(stats.damaged_logs, 1);
        assert_true(stats.skipped_bytes > 0);
        assert_int_equal(orri_shard_seal(b.run.dir, &shard, false, &err), ORR_OK);
        assert_int_equal(size_of(&b.files[0]), b.files[0].length);
        assert_int_equal(look(&b, false, &seen, &stats, &err), ORR_OK);
        assert_int_equal(seen.n, ATTEMPTS - gone);
    }
    bench_end(&b);
}

/* --- many wounds ------------------------------------------------------------ */

static size_t below(size_t n) { return n ? (size_t)rand() % n : 0; }

/* One random wound; the new length is returned. `bytes` has room for twice `length`. */
static size_t wound(const struct bench *b, unsigned char *bytes, size_t length)
{
    const struct file *other = &b->files[below(b->n)];
    size_t log = length > ORRI_LOG_OFFSET ? ORRI_LOG_OFFSET : 0;
    size_t at = log + below(length - log);
    size_t n = 1 + below(600);
    if (n > length - at)
        n = length - at;
    switch (rand() % 7) {
    case 0: bytes[at] ^= (unsigned char)(1 << (rand() % 8)); return length;
    case 1: bytes[at] = (unsigned char)rand(); return length;
    case 2: return at; /* truncated */
    case 3: memset(bytes + at, 0, n); return length;
    case 4: /* bytes of elsewhere, perhaps whole frames */
        memmove(bytes + at, bytes + below(length - n + 1), n);
        return length;
    case 5: /* the same place of another shard */
        if (at + n <= other->length)
            memcpy(bytes + at, other->bytes + at, n);
        return length;
    default: /* something between, the rest moves */
        memmove(bytes + at + n, bytes + at, length - at);
        return length + n;
    }
}

static void test_random_wounds(void **state)
{
    (void)state;
    struct bench b;
    struct seen seen;
    struct orr_scan_stats stats;
    struct orr_error err = { .code = ORR_OK };
    uint64_t visited = 0;
    bench_begin(&b, ATTEMPTS, 40000);
    assert_true(b.n >= 2);
    srand(20261122);
    for (int i = 0; i < MUTATIONS; i++) {
        const struct file *file = &b.files[below(b.n)];
        unsigned char *copy = orr_alloc(file->length + 8 * 1024, 1);
        memcpy(copy, file->bytes, file->length);
        size_t length = file->length;
        for (int wounds = 1 + rand() % 4; wounds > 0; wounds--)
            length = wound(&b, copy, length);
        put(file, copy, length);
        orr_status status = look(&b, i % 2 == 0, &seen, &stats, &err);
        assert_true(status == ORR_OK || status == ORR_ERR_DATA);
        for (int n = 0; n < ATTEMPTS; n++)
            assert_true(seen.times[n] <= 1);
        visited += seen.n;
        put(file, file->bytes, file->length);
        free(copy);
    }
    assert_true(visited >
                (uint64_t)MUTATIONS * ATTEMPTS / 4); /* it was not all thrown away */
    assert_int_equal(look(&b, true, &seen, &stats, &err), ORR_OK);
    assert_int_equal(seen.n, ATTEMPTS);
    bench_end(&b);
}

/* Blob references come from results: nothing that they say can be harmful. */
static void test_wrong_blobs(void **state)
{
    (void)state;
    static const struct orr_blob wrong[] = {
        { .length = 10, .writer = ORR_BLOB_LOCAL },
        { .length = 10, .writer = 77, .epoch = 1 },
        { .length = UINT64_MAX, .writer = 1, .epoch = 1 },
        { .length = 10, .writer = 1, .epoch = 1, .offset = UINT64_MAX - 4 },
        { .length = UINT64_C(1) << 62, .writer = 1, .epoch = 1, .offset = 1 << 20 },
        { .length = 10, .writer = 1, .epoch = 1, .offset = 64 },
    };
    struct bench b;
    struct orr_error err = { .code = ORR_OK };
    bench_begin(&b, 8, 64 << 20);
    struct orr_blob_reader *reader = orr_blob_reader_new(b.run.dir);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        void *bytes = NULL;
        err.text[0] = '\0';
        orr_status status = orr_blob_load(reader, &wrong[i], &bytes, &err);
        assert_true(status == ORR_ERR_DATA || status == ORR_ERR_STORE);
        assert_null(bytes);
        assert_true(strstr(err.text, "blob") != NULL);
        if (i + 1 <
            sizeof wrong / sizeof wrong[0]) /* the last would be written first */
            assert_int_equal(orr_blob_copy(reader, &wrong[i], -1, &err), status);
    }
    orr_blob_reader_free(reader);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bit),     cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_foreign),     cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_other_forms), cmocka_unit_test(test_hole),
        cmocka_unit_test(test_first_frame), cmocka_unit_test(test_random_wounds),
        cmocka_unit_test(test_wrong_blobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
