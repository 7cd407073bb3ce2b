/* bench_store.c - orrery bench store: what the disk keeps, against a plain file; and
 * small results through the whole way worker, agent, disk, acknowledged
 * Owns: a directory under the one that it is told, while it runs. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "exec/nursery.h"
#include "link/link.h"
#include "node/agent.h"
#include "node/worker.h"
#include "store/identity.h"
#include "store/rundir.h"
#include "store/scan.h"
#include "store/writer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS = 5,
    GROUP_BYTES = 16 << 20,
    ROUND_BYTES = 256 << 20,
    RECORDS = 300000,
    RECORD_BYTES = 100,
    AHEAD = 4096 /* records given to the agent and not acknowledged */
};

struct place {
    char *directory;
    char *run_dir;
    struct orr_rundir *run;
};

static bool prepare(const char *where, struct place *place, struct orr_error *err)
{
    struct orr_text path = ORR_TEXT_INIT;
    orr_text_printf(&path, "%s/orrery-bench-XXXXXX", where);
    place->directory = path.s;
    if (!mkdtemp(place->directory)) {
        (void)orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                            "cannot make a directory in %s", where);
        free(place->directory);
        place->directory = NULL;
        return false;
    }
    place->run_dir = orr_path_join(place->directory, "run");
    return orr_rundir_create(place->run_dir, &place->run, err) == ORR_OK;
}

static void clean(struct place *place)
{
    orr_rundir_close(place->run);
    pid_t pid = place->directory ? fork() : -1;
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", "--", place->directory, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    free(place->run_dir);
    free(place->directory);
}

static struct orr_writer_options options_of(const struct place *place, uint32_t writer)
{
    return (struct orr_writer_options) { .run_dir = place->run_dir,
                                         .run_id = orr_rundir_id(place->run),
                                         .writer = writer,
                                         .epoch = orr_rundir_epoch(place->run),
                                         .queue_blobs = UINT32_MAX, /* one file */
                                         .no_index = true };
}

/* ---- blobs: against write(2) and fdatasync(2) ---- */

/* Bytes that no file system makes smaller. */
static unsigned char *noise(size_t length)
{
    unsigned char *bytes = orr_alloc(length, 1);
    uint64_t state = 88172645463325252U;
    for (size_t i = 0; i + 8 <= length; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(bytes + i, &state, 8);
    }
    return bytes;
}

/* Seconds; negative on an error. */
static double plain_round(const struct place *place, const unsigned char *blob,
                          size_t length)
{
    char *path = orr_path_join(place->directory, "plain");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int64_t start = orr_clock_monotonic();
    bool good = fd >= 0;
    size_t unsynced = 0;
    for (size_t done = 0; good && done < ROUND_BYTES; done += length) {
        good = orr_write_all(fd, blob, length) == 0;
        unsynced += length;
        if (good && (unsynced >= GROUP_BYTES || done + length >= ROUND_BYTES)) {
            good = fdatasync(fd) == 0;
            unsynced = 0;
        }
    }
    double took = (double)(orr_clock_monotonic() - start) / 1e9;
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(path);
    free(path);
    return good ? took : -1;
}

static size_t take_all(struct orr_writer *writer)
{
    struct orr_written written[256];
    size_t total = 0;
    size_t n = 0;
    while ((n = orr_writer_take(writer, written, 256)) > 0)
        total += n;
    return total;
}

/* What a worker hands over, `length` bytes in a memory file. */
static orr_status store_blobs(struct orr_writer *writer, int blob, size_t length,
                              struct orr_error *err)
{
    size_t acknowledged = 0;
    size_t given = 0;
    while (acknowledged * length < ROUND_BYTES) {
        struct orr_stored s = { .id = { given, 1 },
                                .function = "bench.blob",
                                .attempt = 1,
                                .host = "localhost" };
        if (given * length < ROUND_BYTES &&
            orr_writer_put(writer, &s, blob, length, given)) {
            given++;
            continue;
        }
        struct pollfd ready = { orr_writer_event_fd(writer), POLLIN, 0 };
        (void)poll(&ready, 1, 1000);
        acknowledged += take_all(writer);
        if (orr_writer_error(writer, err) != ORR_OK)
            return ORR_ERR_STORE;
    }
    return ORR_OK;
}

static orr_status store_round(const struct place *place, int blob, size_t length,
                              uint32_t number, double *took, struct orr_error *err)
{
    struct orr_writer *writer = NULL;
    struct orr_writer_options options = options_of(place, number);
    orr_status status = orr_writer_open(&options, &writer, err);
    int64_t start = orr_clock_monotonic();
    if (status == ORR_OK)
        status = store_blobs(writer, blob, length, err);
    *took = (double)(orr_clock_monotonic() - start) / 1e9;
    if (status == ORR_OK)
        status = orr_writer_close(writer, false, err);
    char name[ORR_SHARD_NAME];
    struct orr_text path = ORR_TEXT_INIT;
    orr_shard_name(number, options.epoch, 0, name);
    orr_text_printf(&path, "%s/shards/%s.blob.h5", place->run_dir, name);
    (void)unlink(path.s);
    orr_text_release(&path);
    return status;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void note_ratios(double *ratio, const char *name, const char *size, double rate,
                        struct orri_figures *out)
{
    char metric[80];
    qsort(ratio, ROUNDS, sizeof *ratio, by_value);
    (void)snprintf(metric, sizeof metric, "append_ratio_%s", name);
    orri_figure(out, metric, 3, ratio[ROUNDS / 2], NULL);
    (void)snprintf(metric, sizeof metric, "append_mb_per_second_%s", name);
    orri_figure(out, metric, 0, rate, NULL);
    orr_text_printf(&out->lines,
                    "blobs of %s: %.0f MB/s; of a plain file with the same syncs: min "
                    "%.2f median %.2f max %.2f\n",
                    size, rate, ratio[0], ratio[ROUNDS / 2], ratio[ROUNDS - 1]);
}

static orr_status bench_blobs(const struct place *place, struct orri_figures *out,
                              struct orr_error *err)
{
    static const struct {
        size_t length;
        const char *name, *size;
    } sizes[] = { { 64 << 10, "64k", "64 KiB" },
                  { 1 << 20, "1m", "1 MiB" },
                  { 8 << 20, "8m", "8 MiB" } };
    unsigned char *bytes = noise(8 << 20);
    int blob = memfd_create("blob", MFD_CLOEXEC);
    orr_status status = ORR_OK;
    uint32_t number = 10;
    if (blob < 0 || orr_write_all(blob, bytes, 8 << 20) != 0)
        status = orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN, "no memory file");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == ORR_OK; i++) {
        double ratio[ROUNDS];
        double store = 0;
        double fastest = 0;
        for (int r = 0; r < ROUNDS && status == ORR_OK; r++) {
            double plain = plain_round(place, bytes, sizes[i].length);
            status = store_round(place, blob, sizes[i].length, number++, &store, err);
            ratio[r] = plain / store;
            double rate = ROUND_BYTES / 1e6 / store;
            fastest = rate > fastest ? rate : fastest;
            if (plain < 0)
                status = orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                                       "cannot write in %s", place->directory);
        }
        if (status == ORR_OK)
            note_ratios(ratio, sizes[i].name, sizes[i].size, fastest, out);
    }
    if (blob >= 0)
        (void)close(blob);
    free(bytes);
    return status;
}

/* ---- small results: worker, agent, disk, acknowledged ---- */

static int make_record(struct orr_call *call)
{
    static const char text[] = "012345678901234567890123456789012345678901234567"
                               "890123456789012345678901";
    orr_set_int(call, "i", orr_arg_int(orr_arg(call, "i"), 0));
    orr_set_string(call, "text", text);
    return 0;
}

static const struct orr_param record_params[] = { { "i", "int", "0", "a number" },
                                                  { 0 } };
static const struct orr_result_field record_results[] = {
    { "i", "int", NULL, "the number" }, { "text", "string", NULL, "72 bytes" }, { 0 }
};
/* Argument and results are encoded in 100 bytes. */
static const struct orr_function record_function = {
    .name = "bench.record",
    .version = "1",
    .doc = "A record of 100 bytes.",
    .params = record_params,
    .results = record_results,
    .in_worker = true,
    .run = make_record,
};

static const char workflow[] = "orrery: 1\nworkflow: records\n"
                               "facts:\n  made: {i: int}\n"
                               "functions:\n  record: {use: bench.record}\n"
                               "rules:\n"
                               "  - rule: one\n    match: {j: job}\n"
                               "    action: {call: record, with: {i: 1}}\n"
                               "    reaction: [{assert: made, with: {i: result.i}}]\n"
                               "outputs:\n  made: {fact: made}\n";

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)path, (void)err;
    orr_text_puts(out, context);
    return ORR_OK;
}

static struct orr_graph *compile(void)
{
    static const struct orr_function *const functions[] = { &record_function };
    static const struct orr_registry registry = { functions, 1 };
    struct orr_sources sources = { read_text, (void *)(uintptr_t)workflow };
    struct orr_diags diags = { 0 };
    struct orr_graph *graph =
        orr_graph_compile("bench.yaml", &sources, &registry, &diags);
    if (!graph)
        ORR_BUG("the benchmark's workflow does not compile");
    orr_diags_release(&diags);
    return graph;
}

/* The part of rank 0: gives orders ahead, counts what is acknowledged. */
struct client {
    struct orr_link *link;
    uint32_t given, done;
};

static orr_status give(struct client *client, struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_bytes args = ORR_BYTES_INIT;
    orr_status status = ORR_OK;
    while (client->given < RECORDS && client->given - client->done < AHEAD) {
        orr_bytes_clear(&args);
        orr_value_put(&args, orr_int(client->given));
        struct orr_assignment a = { .task = client->given,
                                    .attempt = 1,
                                    .identity = orr_hash(args.data, args.length),
                                    .queued = orr_clock_wall(),
                                    .args = args.data,
                                    .args_length = (uint32_t)args.length };
        if (!out.length)
            orr_batch_begin(&out, ORR_MESSAGE_ASSIGN);
        orr_assignment_put(&out, &a);
        client->given++;
    }
    if (out.length)
        status =
            orr_link_send(client->link, (orr_rank) { 1 }, out.data, out.length, err);
    orr_bytes_release(&out);
    orr_bytes_release(&args);
    return status;
}

static orr_status count(struct client *client, struct orr_error *err)
{
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    struct orr_arena arena = ORR_ARENA_INIT;
    orr_status status = ORR_OK;
    while (status == ORR_OK &&
           orr_link_receive(client->link, &from, &data, &length, err) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        enum orr_message message = orr_message_of(&in);
        struct orr_done_run done;
        if (message == ORR_MESSAGE_FAULT)
            status = orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN, "%s",
                                   orr_signal_get(&in, &arena));
        while (message == ORR_MESSAGE_DONE && orr_reader_left(&in) &&
               orr_done_run_get(&in, &arena, &done) == ORR_OK)
            client->done += done.n;
        orr_arena_reset(&arena);
    }
    orr_arena_release(&arena);
    return status;
}

static orr_status drive(struct client *client, struct orr_agent *agent, double *took,
                        struct orr_error *err)
{
    struct pollfd fds[64];
    int64_t start = 0;
    bool ready = true;
    orr_status status = ORR_OK;
    while (status == ORR_OK && client->done < RECORDS) {
        status = orr_agent_step(agent, ready, err);
        if (status == ORR_OK)
            status = count(client, err);
        if (client->done && !start) /* the first came: all are there */
            start = orr_clock_monotonic();
        if (status == ORR_OK)
            status = give(client, err);
        if (orr_agent_was_busy(agent))
            continue;
        size_t n = orr_agent_fds(agent, fds, 64);
        ready = poll(fds, (nfds_t)n, 1) != 0;
    }
    *took = (double)(orr_clock_monotonic() - start) / 1e9;
    return status == ORR_END ? ORR_ERR_MACHINE : status;
}

/* Forked before the agent has threads; comes to work when `go` is closed. */
static pid_t start_worker(const struct orr_host_setup *host, uint64_t token, int *go)
{
    int ends[2];
    char byte = 0;
    struct orr_error err = { 0 };
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    *go = ends[1];
    if (pid != 0) {
        (void)close(ends[0]);
        return pid;
    }
    (void)close(ends[1]);
    (void)!read(ends[0], &byte, 1);
    (void)orr_worker_run(host, token, 1, 2, &err);
    _exit(0);
}

static void note_records(const struct place *place, double took,
                         struct orri_figures *out)
{
    char name[ORR_SHARD_NAME];
    struct orr_text path = ORR_TEXT_INIT;
    struct orr_file_seen seen = { 0 };
    orr_shard_name(1, orr_rundir_epoch(place->run), 0, name);
    orr_text_printf(&path, "%s/shards/%s.blob.h5", place->run_dir, name);
    (void)orr_file_look(path.s, &seen);
    double each = (double)seen.size / RECORDS - RECORD_BYTES;
    orri_figure(out, "records_per_second", 0, RECORDS / took, NULL);
    orri_figure(out, "log_bytes_per_record", 1, each, NULL);
    orr_text_printf(&out->lines,
                    "%d records of %d bytes, worker to agent to disk, acknowledged: "
                    "%.0f/s, %.1f bytes more than their own each\n",
                    RECORDS, RECORD_BYTES, RECORDS / took, each);
    orr_text_release(&path);
}

static orr_status bench_records(const struct place *place, struct orri_figures *out,
                                struct orr_error *err)
{
    uint64_t token = (uint64_t)orr_clock_wall() ^ (uint64_t)getpid();
    struct orr_loop_hub *hub = orr_loop_hub_new(2);
    struct orr_graph *graph = compile();
    struct client client = { .link = orr_loop_hub_link(hub, 0) };
    struct orr_agent *agent = NULL;
    double took = 0;
    struct orr_agent_setup setup = { .link = orr_loop_hub_link(hub, 1),
                                     .host = { .graph = graph,
                                               .run_dir = place->run_dir },
                                     .store = options_of(place, 1),
                                     .token = token,
                                     .workers = 2,
                                     .host_name = "localhost" };
    const struct orr_nursery_setup nobody = { 0 };
    int go = -1;
    pid_t worker = -1;
    setup.host.children = 1;
    orr_status status = orr_nursery_start(&nobody, &setup.host.nursery, err);
    if (status == ORR_OK)
        worker = start_worker(&setup.host, token, &go);
    if (status == ORR_OK)
        status = orr_agent_new(&setup, &agent, err);
    if (go >= 0)
        (void)close(go);
    if (status == ORR_OK)
        status = drive(&client, agent, &took, err);
    if (worker > 0) {
        (void)kill(worker, SIGKILL);
        (void)waitpid(worker, NULL, 0);
    }
    orr_agent_free(agent);
    if (status == ORR_OK)
        note_records(place, took, out);
    orr_nursery_stop(setup.host.nursery);
    orr_graph_free(graph);
    orr_loop_hub_free(hub);
    return status;
}

static int run(const struct orr_line *line, struct orri_figures *out)
{
    const char *where = orri_option(line, "directory");
    struct place place = { 0 };
    struct orr_error err = { 0 };
    orr_status status = ORR_OK;
    if (!prepare(where ? where : "/tmp", &place, &err))
        status = err.code;
    if (status == ORR_OK)
        status = bench_records(&place, out, &err);
    if (status == ORR_OK)
        status = bench_blobs(&place, out, &err);
    clean(&place);
    return status == ORR_OK ? ORR_EXIT_OK : orri_complain(&err);
}

const struct orri_bench orri_bench_store = {
    .name = "store",
    .summary = "blobs a second against a plain file, small results a second",
    .run = run,
};
