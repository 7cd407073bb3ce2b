/* errands.c - attempts on their way to a child: which child, and its orders
 *
 * A child that is given several attempts runs them in turn; when it dies, the one it
 * was at ends with it and the others go to the next child. Owns: the errands. Hands on:
 * births (children.c). */
#include "node/hosted.h"

#include "base/clock.h"
#include "node/orders.h"

#include <stdlib.h>
#include <string.h>

enum { BACKSTOP_SECONDS = 15 };

void orri_errand_free(struct orri_errand *errand)
{
    if (!errand)
        return;
    orr_arena_release(&errand->arena);
    free(errand);
}

static void finish_early(struct orr_host *host, const struct orri_errand *errand,
                         const char *message)
{
    struct orri_finished *finished = orri_finished_of(host, errand);
    finished->done.outcome = (struct orr_outcome) {
        .failure = ORR_FAIL_INVALID,
        .message = orr_arena_strdup(&finished->arena, message),
        .t_start = orr_clock_wall(),
        .t_end = orr_clock_wall(),
    };
    orri_finished_push(host, finished);
}

static bool is_pinned_to(const struct orri_child *child, const uint32_t *cores,
                         uint32_t n)
{
    return child->n_pinned == n && memcmp(child->pinned, cores, n * sizeof *cores) == 0;
}

void orri_child_pin(struct orr_host *host, struct orri_child *child)
{
    struct orr_error err = { 0 };
    if (host->setup.topo && child->n_pinned)
        (void)orr_topo_bind(host->setup.topo, child->pid, child->pinned,
                            child->n_pinned, &err);
}

/* Its first errand is what the child is at from now on. */
void orri_child_begin_first(struct orr_host *host, struct orri_child *child)
{
    const struct orr_order *order = &child->first->order;
    child->kills = host->kills;
    orr_oom_mark(&child->kills);
    child->too_much_memory = false;
    orr_footprint_begin(&child->memory, child->pid,
                        order->function ? (uint64_t)order->memory : 0,
                        orr_clock_monotonic());
    child->state = ORRI_CHILD_BUSY;
    child->started = orr_clock_wall();
    child->deadline = INT64_MAX;
    child->looked = orr_clock_monotonic();
    if (order->timeout) /* a command's own clock comes first */
        child->deadline = orr_clock_monotonic() + order->timeout +
                          (order->function ? 0 : BACKSTOP_SECONDS * ORR_SECOND);
}

/* The order goes to the child, which is there. */
void orri_child_send(struct orri_child *child, const struct orri_errand *errand)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    orr_order_put(&bytes, &errand->order);
    orr_channel_send(&child->channel, bytes.data, bytes.length, -1);
    orr_bytes_release(&bytes);
}

/* The child that works on these cores, for calls that were sent together (one that is
 * dying hands on what waits behind its first); else an idle one, best one that is
 * pinned right already; else a place for a new one. */
static struct orri_child *choose_child(struct orr_host *host, const uint32_t *cores,
                                       uint32_t n)
{
    struct orri_child *best = NULL;
    struct orri_child *idle = NULL;
    struct orri_child *born = NULL;
    struct orri_child *none = NULL;
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct orri_child *child = &host->children[i];
        bool theirs = is_pinned_to(child, cores, n);
        if (theirs && child->first)
            return child;
        if (child->state == ORRI_CHILD_IDLE && theirs)
            best = child;
        if (child->state == ORRI_CHILD_IDLE && !idle)
            idle = child;
        if (child->state == ORRI_CHILD_BORN && !child->first && !born)
            born = child;
        if (child->state == ORRI_CHILD_NONE && !none)
            none = child;
    }
    if (!best && !idle && !born && !none)
        ORR_BUG("attempt without a free child");
    if (best || (idle && host->warm)) /* one that is there is quicker than a new one */
        return best ? best : idle;
    return born ? born : none ? none : idle;
}

static struct orri_errand *new_errand(struct orr_host *host)
{
    struct orri_errand *errand = host->unused;
    host->unused = NULL;
    return errand ? errand : orr_alloc(1, sizeof *errand);
}

static void drop_errand(struct orr_host *host, struct orri_errand *errand)
{
    orr_arena_reset(&errand->arena);
    if (host->unused)
        orri_errand_free(errand);
    else
        host->unused = errand;
}

void orri_child_drop_first(struct orr_host *host, struct orri_child *child)
{
    struct orri_errand *errand = child->first;
    child->first = errand->next;
    if (!child->first)
        child->last = &child->first;
    drop_errand(host, errand);
}

static orr_status take_order(struct orr_host *host, struct orri_errand *errand,
                             const struct orr_assignment *assignment, uint32_t n_cores,
                             struct orr_error *err)
{
    /* The order borrows from the assignment's bytes: keep a copy of them. */
    struct orr_assignment kept = *assignment;
    void *args = orr_arena_alloc(&errand->arena, assignment->args_length + 1);
    if (assignment->args_length)
        memcpy(args, assignment->args, assignment->args_length);
    kept.args = args;
    errand->next = NULL;
    errand->task = assignment->task;
    errand->attempt = assignment->attempt;
    errand->function = assignment->function;
    orr_status status = orri_order_make(host->setup.graph, &kept, host->setup.run_dir,
                                        n_cores, &errand->arena, &errand->order, err);
    errand->order.blobs_most = host->setup.memory / ORRI_BLOBS_PART;
    return status;
}

/* The lines come after what the function says of its environment, and before it counts
 * what is there: the first of a name wins. */
static void add_environment(struct orri_errand *errand, const char *lines)
{
    struct orr_order *order = &errand->order;
    uint32_t n = 0;
    for (const char *at = lines; *at; at++)
        n += *at == '\n';
    if (n == 0)
        return;
    const char **env =
        orr_arena_alloc(&errand->arena, (order->n_env + n) * sizeof *env);
    if (order->n_env)
        memcpy(env, order->env, order->n_env * sizeof *env);
    for (const char *at = lines; *at; at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        env[order->n_env++] = orr_arena_strndup(&errand->arena, at, length);
        at += length;
    }
    order->env = env;
}

static void append(struct orri_child *child, struct orri_errand *errand)
{
    *child->last = errand;
    child->last = &errand->next;
}

/* It has nothing to do, or is not there yet. */
static void employ(struct orr_host *host, struct orri_child *child,
                   const uint32_t *cores, uint32_t n_cores)
{
    bool moved = !is_pinned_to(child, cores, n_cores);
    child->timed_out = false;
    child->abandoned = false;
    child->n_pinned = n_cores < ORRI_PINNED_MAX ? n_cores : ORRI_PINNED_MAX;
    memcpy(child->pinned, cores, child->n_pinned * sizeof *cores);
    if (child->state == ORRI_CHILD_IDLE) {
        if (moved)
            orri_child_pin(host, child);
        orri_child_begin_first(host, child);
        orri_child_send(child, child->first);
        return;
    }
    if (child->state == ORRI_CHILD_NONE)
        orri_child_spawn(host, child);
}

void orr_host_start(struct orr_host *host, uint32_t token,
                    const struct orr_assignment *assignment, const uint32_t *cores,
                    uint32_t n_cores, const char *env)
{
    struct orri_child *child = choose_child(host, cores, n_cores);
    struct orri_errand *errand = new_errand(host);
    struct orr_error err = { 0 };
    errand->token = token;
    errand->core = cores[0];
    errand->cancelled = false;
    if (take_order(host, errand, assignment, n_cores, &err) != ORR_OK) {
        finish_early(host, errand, err.text);
        drop_errand(host, errand);
        return;
    }
    add_environment(errand, env);
    bool follows = child->first != NULL;
    append(child, errand);
    if (!follows)
        employ(host, child, cores, n_cores);
    else if (child->state == ORRI_CHILD_BUSY)
        orri_child_send(child, errand);
}

uint32_t orr_host_running(const struct orr_host *host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < host->setup.children; i++)
        n += host->children[i].first != NULL;
    return n;
}
