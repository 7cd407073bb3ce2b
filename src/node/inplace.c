/* inplace.c - calls of microseconds, made in the rank itself, one after the other
 * Owns: the memory file for the blobs of the next one. Hands on: what came of them
 * (finished.c). */
#include "node/hosted.h"

#include "base/clock.h"
#include "node/orders.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

enum { RESULTS_BYTES = 64 * 1024 /* of calls that are told together */ };

/* Where the next call's blobs go. Without a descriptor for it the call fails. */
static bool has_blob_file(struct orr_host *host, struct orri_finished *call)
{
    if (host->spare_blob_fd < 0)
        host->spare_blob_fd = memfd_create("orrery-results", MFD_CLOEXEC);
    if (host->spare_blob_fd >= 0)
        return true;
    int error = errno;
    call->done.outcome = (struct orr_outcome) {
        .failure = ORR_FAIL_IO,
        .code = error,
        .message = orr_arena_printf(&call->arena, "cannot make a file for blobs: %s",
                                    strerror(error)),
        .t_start = orr_clock_wall(),
        .t_end = orr_clock_wall(),
    };
    return false;
}

static void note_call(struct orr_host *host, uint64_t call)
{
    if (host->setup.call)
        atomic_store_explicit(host->setup.call, call, memory_order_relaxed);
}

/* With room for one call more. */
static struct orri_finished *calls_of(struct orr_host *host, struct orri_finished *now,
                                      uint32_t token,
                                      const struct orr_assignment_run *run, uint32_t i,
                                      uint32_t core)
{
    if (now && now->calls->n < ORR_SUCCESSES_MAX &&
        now->calls->results.length < RESULTS_BYTES)
        return now;
    if (now)
        orri_finished_push(host, now);
    now = orri_finished_new(host, token, run->first.task + i, run->first.attempt, core);
    if (!now->calls)
        now->calls = orr_alloc(1, sizeof *now->calls);
    now->calls->n = 0;
    orr_bytes_clear(&now->calls->results);
    now->done.calls = now->calls;
    return now;
}

/* The calls before it are told first. */
static void push_single(struct orr_host *host, struct orri_finished *before,
                        struct orri_finished *single)
{
    if (before && before->calls->n)
        orri_finished_push(host, before);
    else
        orri_finished_drop(host, before);
    if (single->done.outcome.blob_bytes) {
        single->done.blob_fd = host->spare_blob_fd;
        host->spare_blob_fd = -1;
    }
    orri_finished_push(host, single);
}

void orr_host_run(struct orr_host *host, uint32_t token,
                  const struct orr_assignment_run *run, uint32_t core)
{
    const struct orr_graph_function *function =
        &host->setup.graph->functions[run->first.function];
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_order order;
    struct orr_error err = { 0 };
    struct orri_finished *now = NULL;
    struct orri_finished *single = NULL;
    unsigned char *args = orr_arena_alloc(&arena, run->args.length + 1);
    (void)orri_order_make(host->setup.graph, &run->first, host->setup.run_dir, 1,
                          &arena, &order, &err);
    order.blobs_most = host->setup.memory / ORRI_BLOBS_PART;
    struct orr_natives *natives =
        orr_natives_new(function->native, &order, &host->setup.blobs);
    for (uint32_t i = 0; i < run->n; i++) {
        now = calls_of(host, now, token, run, i, core);
        if (!single)
            single = orri_finished_new(host, token, 0, run->first.attempt, core);
        single->done.task = run->first.task + i;
        note_call(host, (uint64_t)token << 32 | single->done.task);
        orr_series_at(&run->args, i, args);
        if (has_blob_file(host, single) &&
            orr_natives_call(natives, args, run->args.length, host->spare_blob_fd,
                             now->calls, &single->arena, &single->done.outcome))
            continue;
        push_single(host, now, single);
        now = NULL;
        single = NULL;
    }
    note_call(host, ORR_HOST_NO_CALL);
    if (now)
        orri_finished_push(host, now);
    orri_finished_drop(host, single);
    orr_natives_free(natives);
    orr_arena_release(&arena);
}
