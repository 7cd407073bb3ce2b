/* power.c - the power is cut at any moment: what was acknowledged is there, and right
 *
 *     power [--images N] [--seed S] [--unsynced]
 *
 * A writer is recorded over several sessions, with small segments and blobs of all
 * sizes. Then disks are made as a power cut at some moment may leave them (replay.h),
 * and read: each result that the writer had handed back by then is there with every
 * byte; what else is there is right as well; every HDF5 file opens. On some the run
 * goes on: shards are sealed, a new session writes, and all is read again. A disk that
 * is not right stays.
 * `--unsynced` has a writer that syncs nothing: then it must fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../unit/store/store_kit.h"
#include "record.h"
#include "replay.h"

#include "store/known.h"

#include <dirent.h>
#include <getopt.h>
#include <hdf5.h>
#include <sys/stat.h>

enum {
    SESSIONS = 3,
    IN_A_SESSION = 120,
    RESULTS = SESSIONS * IN_A_SESSION,
    AFTERWARDS = 5, /* results of a session on the image */
    TOTAL = RESULTS + AFTERWARDS,
    GOES_ON = 4, /* every so many images */
};

struct power {
    uint64_t images, seed;
    bool unsynced, good;
    struct recording recording;
    struct orr_id run_id;
    char *base;
};

/* None, small ones, some of many pages, some larger than a segment. */
static uint64_t some_blob(uint64_t n)
{
    if (n % 41 == 17)
        return 1300000 + n;
    return n % 11 == 3 ? 150000 + n * 7 : n % 4 * 1500;
}

/* ---- the recorded writer ---- */

static void take(struct orr_writer *writer, int *fds)
{
    struct orr_written done[64];
    size_t n = 0;
    while ((n = orr_writer_take(writer, done, 64)) > 0)
        for (size_t i = 0; i < n; i++) {
            record_ack(done[i].token);
            if (fds[done[i].token] >= 0)
                close(fds[done[i].token]);
            fds[done[i].token] = -1;
        }
}

static void write_results(const struct orr_writer_options *options, uint64_t first,
                          uint64_t n, bool seal)
{
    struct orr_writer *writer = NULL;
    struct orr_error err = { .code = ORR_OK };
    int fds[TOTAL];
    if (orr_writer_open(options, &writer, &err) != ORR_OK)
        fail_msg("%s", err.text);
    for (uint64_t i = first; i < first + n; i++) {
        fds[i] = -1;
        while (!kit_hand_over(writer, i, some_blob(i), &fds[i])) {
            struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
            (void)poll(&wait, 1, 1000);
            if (orr_writer_error(writer, &err) != ORR_OK)
                fail_msg("%s", err.text);
            take(writer, fds);
        }
        if (i % 16 == 5) { /* some wait for their group alone */
            struct pollfd wait = { orr_writer_event_fd(writer), POLLIN, 0 };
            (void)poll(&wait, 1, 1000);
        }
        take(writer, fds);
    }
    if (orr_writer_drain(writer, &err) != ORR_OK)
        fail_msg("%s", err.text);
    take(writer, fds);
    if (orr_writer_close(writer, seal, &err) != ORR_OK)
        fail_msg("%s", err.text);
}

static struct orr_writer_options options_for(const struct orr_rundir *run)
{
    return (struct orr_writer_options) { .run_dir = orr_rundir_path(run),
                                         .run_id = orr_rundir_id(run),
                                         .writer = 1,
                                         .epoch = orr_rundir_epoch(run),
                                         .segment_bytes = 1 << 20,
                                         .group_bytes = 400000,
                                         .group_results = 16,
                                         .queue_results = 24 };
}

static void record(struct power *p)
{
    struct orr_rundir *run = NULL;
    struct orr_error err = { .code = ORR_OK };
    char *dir = orr_path_join(p->base, "run");
    assert_int_equal(mkdir(dir, 0700), 0);
    record_begin(dir);
    for (uint64_t i = 0; i < SESSIONS; i++) {
        orr_status status =
            i ? orr_rundir_open(dir, &run, &err) : orr_rundir_create(dir, &run, &err);
        if (status != ORR_OK)
            fail_msg("%s", err.text);
        p->run_id = orr_rundir_id(run);
        struct orr_writer_options options = options_for(run);
        if (p->unsynced)
            options.durability = ORR_DURABILITY_NONE;
        write_results(&options, i * IN_A_SESSION, IN_A_SESSION, i != 1);
        orr_rundir_close(run);
    }
    record_end(&p->recording);
    free(dir);
}

/* ---- what an image must hold ---- */

struct image {
    const char *path;
    uint8_t acknowledged[TOTAL];
    uint8_t seen[TOTAL];
    uint64_t n_acknowledged, n_seen;
    struct orr_blob_reader *blobs;
};

static orr_status look_at(void *context, const struct orr_stored *stored,
                          const struct orr_place *place, struct orr_error *err)
{
    struct image *image = context;
    struct orr_blob blob;
    void *bytes = NULL;
    uint64_t n = kit_number(stored);
    (void)place;
    if (n >= TOTAL || image->seen[n]++)
        fail_msg("%s: attempt %llu %s", image->path, (unsigned long long)n,
                 n < TOTAL ? "is there twice" : "was never made");
    if (!kit_matches(stored, n, some_blob(n), &blob))
        fail_msg("%s: attempt %llu is not as it was written", image->path,
                 (unsigned long long)n);
    image->n_seen++;
    if (!stored->results_bytes)
        return ORR_OK;
    if (orr_blob_load(image->blobs, &blob, &bytes, err) != ORR_OK)
        fail_msg("%s: attempt %llu: %s", image->path, (unsigned long long)n, err->text);
    for (uint64_t i = 0; i < blob.length; i++)
        if (((unsigned char *)bytes)[i] != kit_byte(n, i))
            fail_msg("%s: attempt %llu: wrong byte in its blob", image->path,
                     (unsigned long long)n);
    free(bytes);
    return ORR_OK;
}

static void scan(struct image *image, struct orr_id run_id)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_scan_options options = { .run_id = run_id };
    memset(image->seen, 0, sizeof image->seen);
    image->n_seen = 0;
    image->blobs = orr_blob_reader_new(image->path);
    if (orr_shards_scan(image->path, &options, look_at, image, NULL, &err) != ORR_OK)
        fail_msg("%s: %s", image->path, err.text);
    orr_blob_reader_free(image->blobs);
    for (uint64_t n = 0; n < TOTAL; n++)
        if (image->acknowledged[n] && !image->seen[n])
            fail_msg("%s: attempt %llu was acknowledged and is lost", image->path,
                     (unsigned long long)n);
}

static void open_hdf5(const char *path)
{
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        fail_msg("%s is no HDF5 file any more", path);
    hid_t log = strstr(path, ".blob.h5") ? H5Dopen2(file, "log", H5P_DEFAULT) : -1;
    if (log < 0 && strstr(path, ".blob.h5"))
        fail_msg("%s: HDF5 cannot open its log", path);
    unsigned char piece[64];
    hsize_t n = sizeof piece;
    hid_t space = log < 0 ? -1 : H5Dget_space(log);
    hid_t memory = H5Screate_simple(1, &n, NULL);
    if (log >= 0) { /* its last bytes: is the file as long as it says? */
        hsize_t length = 0;
        (void)H5Sget_simple_extent_dims(space, &length, NULL);
        hsize_t start = length < n ? 0 : length - n;
        (void)H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &n, NULL);
        if (H5Dread(log, H5T_STD_U8LE, memory, space, H5P_DEFAULT, piece) < 0)
            fail_msg("%s: HDF5 cannot read the end of its log", path);
        (void)H5Sclose(space);
        (void)H5Dclose(log);
    }
    (void)H5Sclose(memory);
    (void)H5Fclose(file);
}

/* All that have their final names. */
static uint64_t open_all_hdf5(const char *run_dir)
{
    struct dirent *entry = NULL;
    uint64_t n = 0;
    char *folder = orr_path_join(run_dir, "shards");
    DIR *stream = opendir(folder);
    while (stream && (entry = readdir(stream)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (length < 3 || strcmp(entry->d_name + length - 3, ".h5") != 0)
            continue;
        char *path = orr_path_join(folder, entry->d_name);
        open_hdf5(path);
        free(path);
        n++;
    }
    if (stream)
        (void)closedir(stream);
    free(folder);
    return n;
}

/* A session on what the power cut left, as `orrery resume` has it. */
static void go_on(struct image *image)
{
    struct orr_rundir *run = NULL;
    struct orr_known *known = NULL;
    struct orr_error err = { .code = ORR_OK };
    struct orr_sealer *sealer = NULL;
    uint64_t before = image->n_seen;
    if (orr_rundir_open(image->path, &run, &err) != ORR_OK ||
        orr_known_load(image->path, orr_rundir_id(run), false, &known, &err) != ORR_OK ||
        orr_shards_seal(image->path, orr_rundir_id(run), orr_rundir_epoch(run), &sealer,
                        &err) != ORR_OK ||
        orr_sealer_end(sealer, true, &err) != ORR_OK)
        fail_msg("%s: %s", image->path, err.text);
    for (uint64_t n = 0; n < RESULTS; n++) {
        uint32_t length = 0;
        const void *found = orr_known_find(known, orr_hash(&n, sizeof n), &length);
        if ((found != NULL) != (image->seen[n] && n % 7 != 6)) /* (those fail) */
            fail_msg("%s: a resume %s of attempt %llu", image->path,
                     found ? "knows a result" : "knows no result",
                     (unsigned long long)n);
    }
    orr_known_free(known);
    scan(image, orr_rundir_id(run));
    assert_int_equal(image->n_seen, before);
    struct orr_writer_options options = options_for(run);
    write_results(&options, RESULTS, AFTERWARDS, true);
    for (uint64_t n = RESULTS; n < TOTAL; n++)
        image->acknowledged[n] = 1;
    scan(image, orr_rundir_id(run));
    assert_int_equal(image->n_seen, before + AFTERWARDS);
    (void)open_all_hdf5(image->path);
    orr_rundir_close(run);
}

/* The lock names this very process; a power cut would have ended it. */
static void remove_locks(const char *run_dir)
{
    struct dirent *entry = NULL;
    DIR *stream = opendir(run_dir);
    while (stream && (entry = readdir(stream)) != NULL)
        if (strncmp(entry->d_name, "lock", 4) == 0)
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream)
        (void)closedir(stream);
}

static bool is_there(const char *directory, const char *name)
{
    char *path = orr_path_join(directory, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

struct counts {
    uint64_t acknowledged, more, files, resumed;
};

static void check_image(const struct power *p, uint64_t index, struct counts *counts)
{
    struct chance chance = { p->seed + index * 1000003 };
    struct image image = { .n_acknowledged = 0 };
    char name[32];
    (void)snprintf(name, sizeof name, "image%llu", (unsigned long long)index);
    char *path = orr_path_join(p->base, name);
    image.path = path;
    size_t moment = replay_moment(&p->recording, &chance);
    replay_image(&p->recording, moment, &chance, path);
    remove_locks(path);
    for (size_t i = 0; i < moment; i++)
        if (p->recording.ops[i].kind == OP_ACK) {
            image.acknowledged[p->recording.ops[i].token] = 1;
            image.n_acknowledged++;
        }
    if (is_there(path, "shards"))
        scan(&image, p->run_id);
    else if (image.n_acknowledged)
        fail_msg("%s: the shards are lost", path);
    counts->files += open_all_hdf5(path);
    counts->acknowledged += image.n_acknowledged;
    counts->more += image.n_seen - image.n_acknowledged;
    if (image.n_acknowledged && !is_there(path, "run"))
        fail_msg("%s: the file 'run' is lost", path);
    if (index % GOES_ON == 0 && is_there(path, "run") && is_there(path, "shards")) {
        go_on(&image);
        counts->resumed++;
    }
    char command[300];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
    free(path);
}

static void test_power(void **state)
{
    struct power *p = *state;
    struct counts counts = { 0 };
    p->base = kit_directory();
    record(p);
    size_t syncs = 0;
    for (size_t i = 0; i < p->recording.n; i++)
        syncs += p->recording.ops[i].kind == OP_SYNC;
    print_message("seed %llu: %zu operations, %zu syncs, in %s\n",
                  (unsigned long long)p->seed, p->recording.n, syncs, p->base);
    for (uint64_t i = 0; i < p->images; i++)
        check_image(p, i, &counts);
    print_message("%llu power cuts: %llu acknowledged results there and right, %llu "
                  "more were right, %llu HDF5 files opened; %llu went on\n",
                  (unsigned long long)p->images,
                  (unsigned long long)counts.acknowledged,
                  (unsigned long long)counts.more, (unsigned long long)counts.files,
                  (unsigned long long)counts.resumed);
    assert_true(counts.acknowledged > 0 && counts.resumed > 0);
    recording_release(&p->recording);
    p->good = true;
}

/* What is not right stays, to be looked at. */
static int tidy(void **state)
{
    struct power *p = *state;
    if (p->good || p->unsynced)
        kit_remove(p->base);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = { { "images", required_argument, NULL, 'i' },
                                           { "seed", required_argument, NULL, 's' },
                                           { "unsynced", no_argument, NULL, 'u' },
                                           { NULL, 0, NULL, 0 } };
    struct power power = { .images = 40, .seed = 1 };
    for (int code = 0; (code = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (code == '?')
            return 2;
        if (code == 'u')
            power.unsynced = true;
        else
            *(code == 'i' ? &power.images : &power.seed) = strtoull(optarg, NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        { "power", test_power, NULL, tidy, &power },
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
