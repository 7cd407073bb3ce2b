/* shard.c - fuzz target: shards that were damaged
 *
 * Files are made by the real writer at the start: two sessions of a run, one shard
 * still open when it was copied, and shards of another run. The input is a list of
 * edits to them, eight bytes each (see struct edit); then everything reads them, and
 * with one byte left over the shards are sealed and read again (ten times as slow).
 * Whatever the damage: no result is other than it was written, none is believed under a
 * wrong name or twice, and sealing changes nothing. Only after an edit that makes a
 * checksum right again may contents be anything. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* what store_kit.h wants of cmocka */
#define fail_msg(...)                                                                  \
    ((void)fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr), abort())
#define must(what) ((what) ? (void)0 : fail_msg("line %d: %s", __LINE__, #what))
#define assert_true(what) must(what)
#define assert_int_equal(a, b) must((a) == (b))

#include "../unit/store/store_kit.h"

#include "store/known.h"

#include <dirent.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    RESULTS = 24, /* of the run: 12 a session; as many of the other run follow */
    FILES = 12,
    EDITS = 24,
    MOST_BYTES = 4 << 20
};

struct file {
    char name[64];
    unsigned char *bytes; /* NULL: not there */
    size_t n;
};

struct files {
    struct file items[FILES];
    size_t n;
};

struct known_result { /* as it was at first */
    bool there;
    struct orr_place place;
    uint8_t *bytes;
    uint32_t n;
};

/* A fuzz target has no context of its own between two inputs. */
static struct world {
    bool made;
    char dir[64];
    struct orr_id run_id;
    struct files run, other;
    struct known_result results[RESULTS];
} world;

static uint64_t some_blob(uint64_t n) { return n % 5 == 2 ? 9000 + n : n % 3 * 300; }

/* ---- files ---- */

static char *shards_of(const char *dir) { return orr_path_join(dir, "shards"); }

static void keep_files(const char *dir, struct files *out)
{
    struct dirent *entry = NULL;
    char *folder = shards_of(dir);
    DIR *stream = opendir(folder);
    while (stream && (entry = readdir(stream)) != NULL && out->n < FILES) {
        if (entry->d_name[0] == '.')
            continue;
        struct file *file = &out->items[out->n++];
        struct orr_text text = ORR_TEXT_INIT;
        char *path = orr_path_join(folder, entry->d_name);
        must(orr_file_read(path, MOST_BYTES, &text, NULL) == ORR_OK);
        (void)snprintf(file->name, sizeof file->name, "%.63s", entry->d_name);
        file->bytes = (unsigned char *)text.s;
        file->n = text.length;
        free(path);
    }
    (void)closedir(stream);
    free(folder);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void empty_folder(const char *folder)
{
    struct dirent *entry = NULL;
    DIR *stream = opendir(folder);
    while (stream && (entry = readdir(stream)) != NULL)
        (void)unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream)
        (void)closedir(stream);
}

static void lay_files(const struct files *files)
{
    char *folder = shards_of(world.dir);
    empty_folder(folder);
    for (size_t i = 0; i < files->n; i++) {
        const struct file *file = &files->items[i];
        char *path = orr_path_join(folder, file->name);
        int fd = file->bytes
                     ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
                     : -1;
        if (fd >= 0) {
            must(orr_write_all(fd, file->bytes, file->n) == 0);
            (void)close(fd);
        }
        free(path);
    }
    free(folder);
}

/* ---- the originals ---- */

static void write_session(const struct orr_rundir *run, uint64_t first, uint64_t n,
                          bool close_it, struct files *open_files)
{
    struct orr_writer *writer = NULL;
    struct orr_error err = { .code = ORR_OK };
    struct orr_writer_options options = { .run_dir = orr_rundir_path(run),
                                          .run_id = orr_rundir_id(run),
                                          .writer = 1,
                                          .epoch = orr_rundir_epoch(run),
                                          .segment_bytes = 1 << 17,
                                          .group_results = 4 };
    int fds[2 * RESULTS];
    if (orr_writer_open(&options, &writer, &err) != ORR_OK)
        fail_msg("%s", err.text);
    for (uint64_t i = first; i < first + n; i++) {
        fds[i] = -1;
        must(kit_hand_over(writer, i, some_blob(i), &fds[i]));
        if (i % 4 == 3)
            must(orr_writer_drain(writer, NULL) == ORR_OK);
    }
    must(orr_writer_drain(writer, NULL) == ORR_OK);
    if (!close_it)
        keep_files(orr_rundir_path(run), open_files);
    must(orr_writer_close(writer, true, NULL) == ORR_OK);
    for (uint64_t i = first; i < first + n; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static orr_status keep_result(void *context, const struct orr_stored *stored,
                              const struct orr_place *place, struct orr_error *err)
{
    uint64_t n = kit_number(stored);
    (void)context;
    (void)err;
    must(n < RESULTS && !world.results[n].there);
    world.results[n] =
        (struct known_result) { true, *place, NULL, stored->results_bytes };
    world.results[n].bytes = orr_alloc(stored->results_bytes + 1, 1);
    if (stored->results_bytes)
        memcpy(world.results[n].bytes, stored->results, stored->results_bytes);
    return ORR_OK;
}

static void remove_world(void)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf '%s' '%s.other'", world.dir,
                   world.dir);
    (void)!system(command);
}

static struct orr_rundir *new_run(const char *dir)
{
    struct orr_rundir *run = NULL;
    struct orr_error err = { .code = ORR_OK };
    if (orr_rundir_create(dir, &run, &err) != ORR_OK)
        fail_msg("%s", err.text);
    return run;
}

static void make_world(void)
{
    char other[80];
    (void)snprintf(world.dir, sizeof world.dir, "%s/orr-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(world.dir));
    (void)atexit(remove_world);
    (void)snprintf(other, sizeof other, "%s.other", world.dir);
    struct orr_rundir *run = new_run(other);
    write_session(run, RESULTS, RESULTS, true, NULL);
    orr_rundir_close(run);
    keep_files(other, &world.other);
    run = new_run(world.dir);
    world.run_id = orr_rundir_id(run);
    write_session(run, 0, RESULTS / 2, true, NULL);
    orr_rundir_close(run);
    must(orr_rundir_open(world.dir, &run, NULL) == ORR_OK);
    write_session(run, RESULTS / 2, RESULTS / 2, false, &world.run);
    orr_rundir_close(run);
    qsort(world.run.items, world.run.n, sizeof(struct file), by_name);
    qsort(world.other.items, world.other.n, sizeof(struct file), by_name);
    lay_files(&world.run);
    struct orr_scan_options options = { .run_id = world.run_id };
    must(orr_shards_scan(world.dir, &options, keep_result, NULL, NULL, NULL) == ORR_OK);
    for (uint64_t n = 0; n < RESULTS; n++)
        must(world.results[n].there);
    world.made = true;
}

/* ---- edits ---- */

#define EDIT_KINDS(X)                                                                  \
    X(SET)      /* the byte at `at` becomes `value` */                                 \
    X(FLIP)     /* one bit of it */                                                    \
    X(FILL)     /* `n` bytes become `value` */                                         \
    X(CUT)      /* the file ends at `at` */                                            \
    X(GROW)     /* by `n` bytes of `value` */                                          \
    X(MOVE)     /* `n` bytes at `at` over those at `value` * 64 */                     \
    X(INSERT)   /* `n` bytes of zeros at `at`: all after it moves on */                \
    X(REMOVE)   /* `n` bytes at `at`: all after it moves up */                         \
    X(SWAP)     /* order of bytes of a number of 2, 4 or 8 bytes at `at` */            \
    X(OVER)     /* the file is also put in the place of file `value` */                \
    X(FOREIGN)  /* the file is one of the other run */                                 \
    X(RENAME)   /* other session, segment or writer by `value` */                      \
    X(GONE)     /* the file is not there */                                            \
    X(CHECKSUM) /* CRC32C of the `n` bytes at `at` is put behind them */
#define X(kind) EDIT_##kind,
enum edit_kind { EDIT_KINDS(X) N_EDITS };
#undef X

struct edit {
    enum edit_kind kind;
    struct file *file;
    size_t at, n;
    uint8_t value;
};

static void resize(struct file *file, size_t n)
{
    if (n > MOST_BYTES)
        n = MOST_BYTES;
    file->bytes = orr_realloc(file->bytes, n + 1, 1);
    if (n > file->n)
        memset(file->bytes + file->n, 0, n - file->n);
    file->n = n;
}

static void copy_file(struct file *to, const struct file *from)
{
    unsigned char *bytes = from->bytes ? orr_alloc(from->n + 1, 1) : NULL;
    if (bytes)
        memcpy(bytes, from->bytes, from->n);
    free(to->bytes);
    to->bytes = bytes;
    to->n = from->n;
}

static void swap_bytes(unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        unsigned char kept = at[i];
        at[i] = at[n - 1 - i];
        at[n - 1 - i] = kept;
    }
}

static void rename_file(struct files *files, struct file *file, uint8_t value)
{
    char shard[ORR_SHARD_NAME];
    char name[sizeof file->name];
    const char *dot = strchr(file->name, '.');
    orr_shard_name(value % 3 + 1, value / 3 % 4, value / 12 % 3, shard);
    (void)snprintf(name, sizeof name, "%s%.20s", shard, dot ? dot : "");
    for (size_t i = 0; i < files->n; i++)
        if (&files->items[i] != file && strcmp(files->items[i].name, name) == 0)
            return;
    memcpy(file->name, name, sizeof name);
}

static void edit_bytes(const struct edit *e)
{
    struct file *file = e->file;
    size_t left = file->n - e->at;
    size_t n = e->n < left ? e->n : left;
    unsigned char *at = file->bytes + e->at;
    size_t to = (size_t)e->value * 64;
    switch (e->kind) {
    case EDIT_SET: memset(at, e->value, left ? 1 : 0); break;
    case EDIT_FLIP: *at = (unsigned char)(*at ^ (left ? 1 << e->value % 8 : 0)); break;
    case EDIT_FILL: memset(at, e->value, n); break;
    case EDIT_CUT: resize(file, e->at); break;
    case EDIT_MOVE: memmove(file->bytes + (to + n <= file->n ? to : 0), at, n); break;
    case EDIT_SWAP: {
        size_t width = (size_t)2 << e->value % 3;
        swap_bytes(at, width <= left ? width : 0);
        break;
    }
    case EDIT_REMOVE:
        memmove(at, at + n, left - n);
        resize(file, file->n - n);
        break;
    case EDIT_CHECKSUM:
        if (n + 4 <= left) {
            uint32_t crc = orr_crc32c(0, at, n);
            for (int i = 0; i < 4; i++)
                at[n + (size_t)i] = (unsigned char)(crc >> 8 * i);
        }
        break;
    default: break;
    }
}

static void apply(struct files *files, const struct edit *e)
{
    struct file *file = e->file;
    switch (e->kind) {
    case EDIT_GROW: {
        size_t from = file->n;
        resize(file, file->n + e->n);
        memset(file->bytes + from, e->value, file->n - from);
        break;
    }
    case EDIT_INSERT: {
        size_t from = file->n;
        resize(file, file->n + e->n);
        memmove(file->bytes + e->at + (file->n - from), file->bytes + e->at,
                from - e->at);
        memset(file->bytes + e->at, 0, file->n - from);
        break;
    }
    case EDIT_OVER: copy_file(&files->items[e->value % files->n], file); break;
    case EDIT_FOREIGN:
        copy_file(file, &world.other.items[e->value % world.other.n]);
        break;
    case EDIT_RENAME: rename_file(files, file, e->value); break;
    case EDIT_GONE:
        free(file->bytes);
        file->bytes = NULL;
        file->n = 0;
        break;
    default: edit_bytes(e);
    }
}

/* One edit from eight bytes: kind, file, at (3), n (2), value. */
static bool read_edit(struct files *files, const uint8_t *data, struct edit *out)
{
    struct file *file = &files->items[data[1] % files->n];
    size_t at = data[2] | (size_t)data[3] << 8 | (size_t)data[4] << 16;
    *out =
        (struct edit) { (enum edit_kind)(data[0] % N_EDITS), file, at % (file->n + 1),
                        data[5] | (size_t)data[6] << 8, data[7] };
    return file->bytes != NULL;
}

/* ---- what must hold ---- */

struct look {
    uint8_t seen[RESULTS];
    struct orr_blob_reader *blobs;
    bool forged;
};

static void check_blob(const struct look *look, const struct orr_blob *blob, uint64_t n)
{
    void *bytes = NULL;
    if (orr_blob_load(look->blobs, blob, &bytes, NULL) != ORR_OK)
        return; /* said so: the attempt that wants it fails */
    for (uint64_t i = 0; i < blob->length; i++)
        must(((unsigned char *)bytes)[i] == kit_byte(n, i));
    free(bytes);
}

static orr_status look_at(void *context, const struct orr_stored *stored,
                          const struct orr_place *place, struct orr_error *err)
{
    struct look *look = context;
    struct orr_blob blob;
    uint64_t n = kit_number(stored);
    (void)err;
    if (look->forged)
        return ORR_OK;
    must(n < RESULTS && look->seen[n] == 0);
    must(kit_matches(stored, n, some_blob(n), &blob));
    const struct orr_place *was = &world.results[n].place;
    must(place->writer == was->writer && place->epoch == was->epoch &&
         place->segment == was->segment);
    look->seen[n] = 1;
    if (stored->results_bytes)
        check_blob(look, &blob, n);
    return ORR_OK;
}

static orr_status scan(struct look *look, bool verify)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_text notes = ORR_TEXT_INIT;
    struct orr_scan_options options = { .run_id = world.run_id,
                                        .verify_blobs = verify,
                                        .notes = &notes };
    memset(look->seen, 0, sizeof look->seen);
    orr_status status = orr_shards_scan(world.dir, &options, look_at, look, NULL, &err);
    must(status == ORR_OK || strlen(err.text) > 0);
    orr_text_release(&notes);
    return status;
}

static void check_known(bool forged)
{
    struct orr_known *known = NULL;
    if (orr_known_load(world.dir, world.run_id, false, &known, NULL) != ORR_OK)
        return;
    for (uint64_t n = 0; n < RESULTS && !forged; n++) {
        uint32_t length = 0;
        const void *found = orr_known_find(known, orr_hash(&n, sizeof n), &length);
        must(!found || (length == world.results[n].n &&
                        memcmp(found, world.results[n].bytes, length) == 0));
    }
    orr_known_free(known);
}

static void check(bool forged, bool seal)
{
    struct look look = { .blobs = orr_blob_reader_new(world.dir), .forged = forged };
    struct look sealed = { .blobs = NULL, .forged = forged };
    (void)scan(&look, true);
    orr_status status = scan(&look, false);
    orr_blob_reader_free(look.blobs);
    check_known(forged);
    if (!seal)
        return;
    struct orr_sealer *sealer = NULL;
    (void)orr_shards_seal(world.dir, world.run_id, UINT32_MAX, &sealer, NULL);
    (void)orr_sealer_end(sealer, true, NULL);
    sealed.blobs = orr_blob_reader_new(world.dir);
    orr_status after = scan(&sealed, false);
    orr_blob_reader_free(sealed.blobs);
    if (status == ORR_OK && !forged)
        must(after == ORR_OK && memcmp(look.seen, sealed.seen, RESULTS) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct files files = { .n = 0 };
    struct edit edit;
    bool forged = false;
    if (!world.made)
        make_world();
    for (size_t i = 0; i < world.run.n; i++) {
        files.items[i] = (struct file) { .bytes = NULL };
        memcpy(files.items[i].name, world.run.items[i].name,
               sizeof files.items[i].name);
        copy_file(&files.items[i], &world.run.items[i]);
    }
    files.n = world.run.n;
    for (size_t at = 0; at + 8 <= size && at < EDITS * 8; at += 8)
        if (read_edit(&files, data + at, &edit)) {
            forged = forged || edit.kind == EDIT_CHECKSUM;
            apply(&files, &edit);
        }
    lay_files(&files);
    check(forged, size % 8 == 1);
    for (size_t i = 0; i < files.n; i++)
        free(files.items[i].bytes);
    return 0;
}
