/* children.c - warm children are born, answer, and die
 * Owns: their channels. Hands on: what they are given (errands.c). */
#include "node/hosted.h"

#include "base/clock.h"
#include "node/orders.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void orri_child_spawn(struct orr_host *host, struct orri_child *child)
{
    child->state = ORRI_CHILD_BORN;
    child->started = 0;
    orr_nursery_spawn(host->setup.nursery, (uint32_t)(child - host->children));
}

static void take_answer(struct orr_host *host, struct orri_child *child,
                        const void *data, size_t length, int blob_fd)
{
    struct orri_errand *errand = child->first;
    struct orri_finished *finished = orri_finished_of(host, errand);
    char *copy = orr_arena_alloc(&finished->arena, length + 1);
    memcpy(copy, data, length);
    struct orr_reader in = orr_reader_of(copy, length);
    struct orr_outcome *outcome = &finished->done.outcome;
    if (orr_outcome_get(&in, &finished->arena, outcome) != ORR_OK)
        ORR_BUG("outcome of %zu bytes does not read back", length);
    orri_order_results(&host->setup.graph->functions[errand->function], &errand->order,
                       &finished->arena, outcome);
    if (outcome->failure != ORR_FAIL_NONE)
        outcome->blob_bytes = 0;
    if (outcome->blob_bytes)
        finished->done.blob_fd = blob_fd;
    else if (blob_fd >= 0)
        (void)close(blob_fd);
    orri_finished_push(host, finished);
    orri_child_drop_first(host, child);
    if (child->first)
        orri_child_begin_first(host, child);
    else
        child->state = ORRI_CHILD_IDLE;
}

static void describe_death(struct orri_child *child, int status,
                           struct orr_arena *arena, struct orr_outcome *out)
{
    const struct orr_order *order = &child->first->order;
    const char *what = order->function ? order->function : "the command's helper";
    char limit[ORR_TIME_TEXT];
    orr_duration_text((double)order->timeout / 1e9, limit);
    if (child->first->cancelled) {
        out->failure = ORR_FAIL_LOST;
        out->message = "it was made elsewhere meanwhile";
    } else if (child->abandoned) {
        out->failure = ORR_FAIL_LOST;
        out->message = "the run was stopped";
    } else if (child->timed_out) {
        out->failure = ORR_FAIL_TIMEOUT;
        out->message = orr_arena_printf(arena, "%s ran longer than its timeout of %s",
                                        what, limit);
    } else if (child->too_much_memory) {
        out->failure = ORR_FAIL_MEMORY;
        out->message =
            orr_memory_message(arena, what, child->memory.used, child->memory.limit);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
               orr_oom_happened(&child->kills)) {
        out->failure = ORR_FAIL_MEMORY;
        out->message = orr_oom_message(arena, what);
    } else if (WIFSIGNALED(status)) {
        out->failure = ORR_FAIL_SIGNAL;
        out->code = WTERMSIG(status);
        out->message = orr_arena_printf(
            arena, "%s was ended by signal %d (%s)%s", what, WTERMSIG(status),
            strsignal(WTERMSIG(status)),
            WTERMSIG(status) == SIGKILL ? ", perhaps because memory ran out" : "");
    } else {
        out->failure = ORR_FAIL_EXIT;
        out->code = WEXITSTATUS(status);
        out->message =
            orr_arena_printf(arena, "%s exited with code %d instead of a result", what,
                             WEXITSTATUS(status));
    }
}

/* What it was at ends with it; with an abandoned one, all that it was given. */
static void end_errands(struct orr_host *host, struct orri_child *child, int status)
{
    bool all = child->abandoned;
    do {
        struct orri_finished *finished = orri_finished_of(host, child->first);
        struct orr_outcome *outcome = &finished->done.outcome;
        outcome->t_start = child->started ? child->started : orr_clock_wall();
        outcome->t_end = orr_clock_wall();
        describe_death(child, status, &finished->arena, outcome);
        orri_finished_push(host, finished);
        orri_child_drop_first(host, child);
    } while (all && child->first);
}

static uint32_t alive(const struct orr_host *host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < host->setup.children; i++)
        n += host->children[i].state != ORRI_CHILD_NONE;
    return n;
}

/* `born`: it was a process. */
static void bury(struct orr_host *host, struct orri_child *child, bool born, int status)
{
    if (child->state != ORRI_CHILD_NONE && child->channel.fd >= 0)
        orr_channel_release(&child->channel);
    if (child->first && child->state != ORRI_CHILD_NONE)
        end_errands(host, child, status);
    child->state = ORRI_CHILD_NONE;
    child->started = 0;
    child->timed_out = false;
    child->abandoned = false;
    child->too_much_memory = false;
    if (!child->first)
        child->n_pinned = 0;
    if (child->first || (born && alive(host) < host->warm))
        orri_child_spawn(host, child); /* the others are for the next one */
}

void orri_child_hear(struct orr_host *host, struct orri_child *child)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    (void)orr_channel_flush(&child->channel);
    while (orr_channel_receive(&child->channel, &data, &length, &fd) == ORR_OK)
        if (child->first)
            take_answer(host, child, data, length, fd);
        else if (fd >= 0)
            (void)close(fd);
}

static void begin(struct orr_host *host, struct orri_child *child)
{
    if (child->abandoned || (child->first && child->first->cancelled)) {
        /* before it was born */
        child->state = ORRI_CHILD_DYING;
        (void)kill(child->pid, SIGKILL);
        return;
    }
    child->state = ORRI_CHILD_IDLE;
    if (!child->first)
        return;
    orri_child_pin(host, child);
    orri_child_begin_first(host, child);
    for (struct orri_errand *errand = child->first; errand; errand = errand->next)
        orri_child_send(child, errand);
}

/* No process could be made: errno instead of a status. */
static void miscarry(struct orr_host *host, struct orri_child *child, int error)
{
    while (child->first) {
        struct orri_finished *finished = orri_finished_of(host, child->first);
        finished->done.outcome = (struct orr_outcome) {
            .failure = ORR_FAIL_IO,
            .code = error,
            .message = orr_arena_printf(
                &finished->arena, "cannot start a child process: %s", strerror(error)),
            .t_start = orr_clock_wall(),
            .t_end = orr_clock_wall(),
        };
        orri_finished_push(host, finished);
        orri_child_drop_first(host, child);
    }
}

void orri_host_hear_nursery(struct orr_host *host)
{
    struct orr_nursery_event event;
    while (orr_nursery_next(host->setup.nursery, &event)) {
        if (event.label >= host->setup.children)
            continue;
        struct orri_child *child = &host->children[event.label];
        if (event.kind == ORR_NURSERY_BORN) {
            orr_channel_init(&child->channel, event.fd);
            child->pid = event.pid;
            begin(host, child);
        } else {
            if (child->state == ORRI_CHILD_BUSY)
                orri_child_hear(host, child); /* its last words */
            if (event.pid < 0)
                miscarry(host, child, event.status);
            bury(host, child, event.pid > 0, event.status);
        }
    }
}
