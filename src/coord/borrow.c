/* borrow.c - results of other runs: taken, told to the rules, and stored as our own
 *
 * A result that was taken is written to a shard like one that an agent made, as attempt
 * 0: a resume, `orrery why` and run.h5 find it there when the other run is gone. The
 * rules do not wait for the disk: what a power cut takes is found, or made, again.
 * What ended with an agent is stored here, too.
 * Owns: the writer of these. */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/writer.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { QUEUE_RESULTS = 1 << 20, TAKEN_AT_ONCE = 256, WAIT_MS = 100 };

static orr_status open_writer(struct orr_coord *coord, struct orr_error *err)
{
    const struct orr_coord_setup *setup = &coord->setup;
    struct orr_writer_options options = {
        .run_dir = setup->run_dir,
        .run_id = setup->run_id,
        .writer = setup->link->size, /* agents are ranks */
        .epoch = setup->epoch,
        .durability = setup->durability,
        .queue_results = QUEUE_RESULTS,
    };
    return orr_writer_open(&options, &coord->borrowed, err);
}

static void take_written(struct orr_coord *coord)
{
    struct orr_written written[TAKEN_AT_ONCE];
    while (orr_writer_take(coord->borrowed, written, TAKEN_AT_ONCE) > 0)
        continue;
}

/* Waits for the disk when a million results are in the queue. */
static orr_status put(struct orr_coord *coord, const struct orr_stored *stored,
                      struct orr_error *err)
{
    orr_status status = coord->borrowed ? ORR_OK : open_writer(coord, err);
    while (status == ORR_OK && !orr_writer_put(coord->borrowed, stored, -1, 0, 0)) {
        struct pollfd ready = { .fd = orr_writer_event_fd(coord->borrowed),
                                .events = POLLIN };
        (void)poll(&ready, 1, WAIT_MS);
        status = orr_writer_error(coord->borrowed, err);
        take_written(coord);
    }
    return status;
}

static orr_status keep(struct orr_coord *coord, const struct orr_task *task,
                       struct orr_value results, const char *origin,
                       struct orr_error *err)
{
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    struct orr_bytes bytes = ORR_BYTES_INIT;
    orr_value_put(&bytes, results);
    struct orr_stored stored = { .id = task->identity,
                                 .function = f->native ? f->native->name : f->name,
                                 .args = task->args,
                                 .args_bytes = task->args_length,
                                 .results = bytes.data,
                                 .results_bytes = (uint32_t)bytes.length,
                                 .host = origin,
                                 .t_start = orri_wall(coord) };
    stored.t_end = stored.t_start; /* its files are older */
    orr_status status = put(coord, &stored, err);
    orr_bytes_release(&bytes);
    return status;
}

void orri_store_loss(struct orr_coord *coord, const struct orri_loss *lost)
{
    const struct orr_task *task =
        orr_engine_task(coord->engine, (orr_task_id) { lost->task });
    const struct orr_graph_function *f = &coord->setup.graph->functions[task->function];
    struct orr_error err = { 0 };
    if (!coord->setup.run_dir)
        return;
    struct orr_stored stored = { .id = task->identity,
                                 .function = f->native ? f->native->name : f->name,
                                 .attempt = lost->attempt,
                                 .failure = ORR_FAIL_LOST,
                                 .code = lost->died ? ORR_LOST_DIED : 0,
                                 .message = lost->message,
                                 .args = task->args,
                                 .args_bytes = task->args_length,
                                 .host = coord->nodes[lost->node].host,
                                 .rank = lost->rank,
                                 .t_start = lost->when,
                                 .t_end = lost->when };
    if (put(coord, &stored, &err) != ORR_OK)
        orri_stop_for(coord, ORR_RUN_STOPPED, err.text);
}

uint16_t orri_origin(struct orr_coord *coord, const char *origin)
{
    if (!*origin)
        return 0;
    for (uint32_t i = coord->n_origins; i > 0; i--)
        if (strcmp(coord->origins[i - 1], origin) == 0)
            return (uint16_t)i;
    if (coord->n_origins == UINT16_MAX)
        return UINT16_MAX;
    coord->origins =
        orr_realloc(coord->origins, coord->n_origins + 1, sizeof *coord->origins);
    coord->origins[coord->n_origins++] = orr_arena_strdup(&coord->kept, origin);
    return (uint16_t)coord->n_origins;
}

/* Calls of microseconds, in the worker itself, are made sooner than found. */
bool orri_borrow(struct orr_coord *coord, orr_task_id id)
{
    const struct orr_task *task = orr_engine_task(coord->engine, id);
    if (!coord->setup.graph->functions[task->function].isolated)
        return false;
    const struct orr_type type = {
        .kind = ORR_KIND_RECORD,
        .record = coord->setup.graph->functions[task->function].results
    };
    struct orr_value v;
    struct orr_error err = { 0 };
    const char *origin = "";
    bool found = orr_reuse_find(coord->setup.reuse, task->identity, &type,
                                &coord->scratch, &v, &origin);
    if (found && keep(coord, task, v, origin, &err) != ORR_OK)
        orri_stop_for(coord, ORR_RUN_STOPPED, err.text);
    if (found)
        orr_engine_finished(coord->engine, id, v);
    orr_arena_reset(&coord->scratch);
    if (!found)
        return false;
    coord->taken++;
    orri_count_reused(coord, id, origin);
    return true;
}

void orri_step_borrowed(struct orr_coord *coord)
{
    struct orr_error err = { 0 };
    if (!coord->borrowed)
        return;
    take_written(coord);
    if (orr_writer_error(coord->borrowed, &err) != ORR_OK)
        orri_stop_for(coord, ORR_RUN_STOPPED, err.text);
}

orr_status orri_close_borrowed(struct orr_coord *coord, bool seal,
                               struct orr_error *err)
{
    orr_status status = orr_writer_close(coord->borrowed, seal, err);
    coord->borrowed = NULL;
    return status;
}
