/* host.c - warm children at work
 * Owns: the children's channels, what each was given, and finished attempts not taken
 * yet. A child that is given several attempts runs them in turn; when it dies, the one
 * it was at ends with it and the others go to the next child. */
#include "node/host.h"

#include "base/channel.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/footprint.h"
#include "exec/scratch.h"
#include "node/orders.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum child_state { CHILD_NONE, CHILD_BORN, CHILD_IDLE, CHILD_BUSY, CHILD_DYING };

enum {
    PINNED_MAX = 256,
    BACKSTOP_SECONDS = 15,
    SPARE_MAX = 3,
    RESULTS_BYTES = 64 * 1024 /* of calls that are told together */
};
static const int64_t LOOK = ORR_SECOND;

/* In the hands of a child, the first of its list, or behind that one. */
struct errand {
    struct errand *next;
    uint32_t token;
    uint32_t task;
    uint32_t attempt;
    uint32_t function;
    uint32_t core;
    bool cancelled;         /* its twin elsewhere was faster */
    struct orr_order order; /* borrows from the arena */
    struct orr_arena arena;
};

struct child {
    enum child_state state;
    struct orr_channel channel;
    pid_t pid;
    uint32_t pinned[PINNED_MAX]; /* where it is bound, or is to be */
    uint32_t n_pinned;
    struct errand *first;
    struct errand **last;
    int64_t started;  /* the first errand; wall ns */
    int64_t deadline; /* of the first errand, monotonic ns; INT64_MAX: none */
    int64_t looked;   /* at the clock, for that: once a second */
    bool timed_out;
    bool abandoned;
    struct orr_footprint memory; /* of a function in C; commands are looked after */
    bool too_much_memory;        /* in their child */
    struct orr_oom_kills kills;  /* its count at the start; the host's descriptor */
};

struct finished {
    struct finished *next;
    struct orr_arena arena;
    struct orr_successes *calls; /* for `done`, when it is of many; or NULL */
    struct orr_host_done done;
};

enum { BLOBS_PART = 4 }; /* of the memory may the blobs of one attempt have */

struct orr_host {
    struct orr_host_setup setup;
    struct child *children;
    struct finished *first;
    struct finished **last;
    struct finished *held;
    struct finished *spare; /* some, with their memory */
    uint32_t n_spare;
    uint32_t warm;         /* children that are kept ready */
    struct errand *unused; /* one, with its memory */
    int spare_blob_fd;     /* for the next call in place; most leave it empty */
    struct orr_oom_kills kills;
};

static void spawn(struct orr_host *host, struct child *child)
{
    child->state = CHILD_BORN;
    child->started = 0;
    orr_nursery_spawn(host->setup.nursery, (uint32_t)(child - host->children));
}

/* `warm` of all functions together: any child runs any function. */
static uint32_t warm_of(const struct orr_host_setup *setup)
{
    uint32_t n = 0;
    for (uint32_t f = 0; f < setup->graph->n_functions && n < setup->children; f++)
        if (setup->graph->functions[f].isolated)
            n += setup->graph->functions[f].warm;
    return n < setup->children ? n : setup->children;
}

struct orr_host *orr_host_new(const struct orr_host_setup *setup)
{
    struct orr_host *host = orr_alloc(1, sizeof *host);
    host->setup = *setup;
    host->children = orr_alloc(setup->children, sizeof *host->children);
    host->last = &host->first;
    host->spare_blob_fd = -1;
    orr_oom_open(&host->kills, "");
    for (uint32_t i = 0; i < setup->children; i++) {
        host->children[i].channel.fd = -1;
        host->children[i].last = &host->children[i].first;
        host->children[i].memory.next = INT64_MAX;
        host->children[i].kills = host->kills;
    }
    host->warm = warm_of(setup);
    for (uint32_t i = 0; i < host->warm; i++)
        spawn(host, &host->children[i]);
    return host;
}

static void free_errand(struct errand *errand)
{
    if (!errand)
        return;
    orr_arena_release(&errand->arena);
    free(errand);
}

static void free_finished(struct finished *finished)
{
    if (!finished)
        return;
    orr_arena_release(&finished->arena);
    if (finished->calls)
        orr_successes_release(finished->calls);
    free(finished->calls);
    free(finished);
}

void orr_host_free(struct orr_host *host)
{
    if (!host)
        return;
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct child *child = &host->children[i];
        if (child->state != CHILD_NONE)
            orr_channel_release(&child->channel);
        orr_footprint_end(&child->memory);
        while (child->first) {
            struct errand *next = child->first->next;
            free_errand(child->first);
            child->first = next;
        }
    }
    orr_oom_close(&host->kills);
    free_errand(host->unused);
    while (host->first) {
        struct finished *next = host->first->next;
        if (host->first->done.blob_fd >= 0)
            (void)close(host->first->done.blob_fd);
        free_finished(host->first);
        host->first = next;
    }
    free_finished(host->held);
    while (host->spare) {
        struct finished *next = host->spare->next;
        free_finished(host->spare);
        host->spare = next;
    }
    if (host->spare_blob_fd >= 0)
        (void)close(host->spare_blob_fd);
    free(host->children);
    free(host);
}

/* ---- finished attempts ---- */

static struct finished *new_finished(struct orr_host *host, uint32_t token,
                                     uint32_t task, uint32_t attempt, uint32_t core)
{
    struct finished *finished = host->spare;
    if (finished) {
        host->spare = finished->next;
        host->n_spare--;
    } else {
        finished = orr_alloc(1, sizeof *finished);
    }
    finished->next = NULL;
    finished->done.token = token;
    finished->done.task = task;
    finished->done.attempt = attempt;
    finished->done.core = core;
    finished->done.blob_fd = -1;
    finished->done.calls = NULL;
    return finished;
}

static struct finished *finish_of(struct orr_host *host, const struct errand *errand)
{
    return new_finished(host, errand->token, errand->task, errand->attempt,
                        errand->core);
}

static void push_finished(struct orr_host *host, struct finished *finished)
{
    *host->last = finished;
    host->last = &finished->next;
}

static void drop_finished(struct orr_host *host, struct finished *finished)
{
    if (!finished)
        return;
    if (host->n_spare == SPARE_MAX) {
        free_finished(finished);
        return;
    }
    orr_arena_reset(&finished->arena);
    finished->next = host->spare;
    host->spare = finished;
    host->n_spare++;
}

bool orr_host_next(struct orr_host *host, struct orr_host_done *out)
{
    drop_finished(host, host->held);
    host->held = host->first;
    if (!host->held)
        return false;
    host->first = host->held->next;
    if (!host->first)
        host->last = &host->first;
    *out = host->held->done;
    return true;
}

/* ---- starting ---- */

static void finish_early(struct orr_host *host, const struct errand *errand,
                         const char *message)
{
    struct finished *finished = finish_of(host, errand);
    finished->done.outcome = (struct orr_outcome) {
        .failure = ORR_FAIL_INVALID,
        .message = orr_arena_strdup(&finished->arena, message),
        .t_start = orr_clock_wall(),
        .t_end = orr_clock_wall(),
    };
    push_finished(host, finished);
}

static int new_blob_file(void)
{
    int fd = memfd_create("orrery-results", MFD_CLOEXEC);
    if (fd < 0)
        ORR_BUG("memfd_create: %s", strerror(errno));
    return fd;
}

/* With room for one call more. */
static struct finished *calls_of(struct orr_host *host, struct finished *now,
                                 uint32_t token, const struct orr_assignment_run *run,
                                 uint32_t i, uint32_t core)
{
    if (now && now->calls->n < ORR_SUCCESSES_MAX &&
        now->calls->results.length < RESULTS_BYTES)
        return now;
    if (now)
        push_finished(host, now);
    now = new_finished(host, token, run->first.task + i, run->first.attempt, core);
    if (!now->calls)
        now->calls = orr_alloc(1, sizeof *now->calls);
    now->calls->n = 0;
    orr_bytes_clear(&now->calls->results);
    now->done.calls = now->calls;
    return now;
}

/* The calls before it are told first. */
static void push_single(struct orr_host *host, struct finished *before,
                        struct finished *single)
{
    if (before && before->calls->n)
        push_finished(host, before);
    else
        drop_finished(host, before);
    if (single->done.outcome.blob_bytes) {
        single->done.blob_fd = host->spare_blob_fd;
        host->spare_blob_fd = -1;
    }
    push_finished(host, single);
}

void orr_host_run(struct orr_host *host, uint32_t token,
                  const struct orr_assignment_run *run, uint32_t core)
{
    const struct orr_graph_function *function =
        &host->setup.graph->functions[run->first.function];
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_order order;
    struct orr_error err = { 0 };
    struct finished *now = NULL;
    struct finished *single = NULL;
    unsigned char *args = orr_arena_alloc(&arena, run->args.length + 1);
    (void)orri_order_make(host->setup.graph, &run->first, host->setup.run_dir, 1,
                          &arena, &order, &err);
    order.blobs_most = host->setup.memory / BLOBS_PART;
    struct orr_natives *natives =
        orr_natives_new(function->native, &order, &host->setup.blobs);
    for (uint32_t i = 0; i < run->n; i++) {
        if (host->spare_blob_fd < 0)
            host->spare_blob_fd = new_blob_file();
        now = calls_of(host, now, token, run, i, core);
        if (!single)
            single = new_finished(host, token, 0, run->first.attempt, core);
        single->done.task = run->first.task + i;
        orr_series_at(&run->args, i, args);
        if (orr_natives_call(natives, args, run->args.length, host->spare_blob_fd,
                             now->calls, &single->arena, &single->done.outcome))
            continue;
        push_single(host, now, single);
        now = NULL;
        single = NULL;
    }
    if (now)
        push_finished(host, now);
    drop_finished(host, single);
    orr_natives_free(natives);
    orr_arena_release(&arena);
}

static bool is_pinned_to(const struct child *child, const uint32_t *cores, uint32_t n)
{
    return child->n_pinned == n && memcmp(child->pinned, cores, n * sizeof *cores) == 0;
}

static void pin(struct orr_host *host, struct child *child)
{
    struct orr_error err = { 0 };
    if (host->setup.topo && child->n_pinned)
        (void)orr_topo_bind(host->setup.topo, child->pid, child->pinned,
                            child->n_pinned, &err);
}

/* Its first errand is what the child is at from now on. */
static void begin_first(struct orr_host *host, struct child *child)
{
    const struct orr_order *order = &child->first->order;
    child->kills = host->kills;
    orr_oom_mark(&child->kills);
    child->too_much_memory = false;
    orr_footprint_begin(&child->memory, child->pid,
                        order->function ? (uint64_t)order->memory : 0,
                        orr_clock_monotonic());
    child->state = CHILD_BUSY;
    child->started = orr_clock_wall();
    child->deadline = INT64_MAX;
    child->looked = orr_clock_monotonic();
    if (order->timeout) /* a command's own clock comes first */
        child->deadline = orr_clock_monotonic() + order->timeout +
                          (order->function ? 0 : BACKSTOP_SECONDS * ORR_SECOND);
}

/* The order goes to the child, which is there. */
static void send_order(struct child *child, const struct errand *errand)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    orr_order_put(&bytes, &errand->order);
    orr_channel_send(&child->channel, bytes.data, bytes.length, -1);
    orr_bytes_release(&bytes);
}

/* The child that works on these cores, for calls that were sent together; else an idle
 * one, best one that is pinned right already; else a place for a new one. */
static struct child *choose_child(struct orr_host *host, const uint32_t *cores,
                                  uint32_t n)
{
    struct child *best = NULL;
    struct child *idle = NULL;
    struct child *born = NULL;
    struct child *none = NULL;
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct child *child = &host->children[i];
        bool theirs = is_pinned_to(child, cores, n);
        if (theirs && child->first && child->state != CHILD_DYING)
            return child;
        if (child->state == CHILD_IDLE && theirs)
            best = child;
        if (child->state == CHILD_IDLE && !idle)
            idle = child;
        if (child->state == CHILD_BORN && !child->first && !born)
            born = child;
        if (child->state == CHILD_NONE && !none)
            none = child;
    }
    if (!best && !idle && !born && !none)
        ORR_BUG("attempt without a free child");
    if (best || (idle && host->warm)) /* one that is there is quicker than a new one */
        return best ? best : idle;
    return born ? born : none ? none : idle;
}

static struct errand *new_errand(struct orr_host *host)
{
    struct errand *errand = host->unused;
    host->unused = NULL;
    return errand ? errand : orr_alloc(1, sizeof *errand);
}

static void drop_errand(struct orr_host *host, struct errand *errand)
{
    orr_arena_reset(&errand->arena);
    if (host->unused)
        free_errand(errand);
    else
        host->unused = errand;
}

static void drop_first(struct orr_host *host, struct child *child)
{
    struct errand *errand = child->first;
    child->first = errand->next;
    if (!child->first)
        child->last = &child->first;
    drop_errand(host, errand);
}

static orr_status take_order(struct orr_host *host, struct errand *errand,
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
    errand->order.blobs_most = host->setup.memory / BLOBS_PART;
    return status;
}

/* The lines come after what the function says of its environment, and before it counts
 * what is there: the first of a name wins. */
static void add_environment(struct errand *errand, const char *lines)
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

static void append(struct child *child, struct errand *errand)
{
    *child->last = errand;
    child->last = &errand->next;
}

/* It has nothing to do, or is not there yet. */
static void employ(struct orr_host *host, struct child *child, const uint32_t *cores,
                   uint32_t n_cores)
{
    bool moved = !is_pinned_to(child, cores, n_cores);
    child->timed_out = false;
    child->abandoned = false;
    child->n_pinned = n_cores < PINNED_MAX ? n_cores : PINNED_MAX;
    memcpy(child->pinned, cores, child->n_pinned * sizeof *cores);
    if (child->state == CHILD_IDLE) {
        if (moved)
            pin(host, child);
        begin_first(host, child);
        send_order(child, child->first);
        return;
    }
    if (child->state == CHILD_NONE)
        spawn(host, child);
}

void orr_host_start(struct orr_host *host, uint32_t token,
                    const struct orr_assignment *assignment, const uint32_t *cores,
                    uint32_t n_cores, const char *env)
{
    struct child *child = choose_child(host, cores, n_cores);
    struct errand *errand = new_errand(host);
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
    else if (child->state == CHILD_BUSY)
        send_order(child, errand);
}

uint32_t orr_host_running(const struct orr_host *host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < host->setup.children; i++)
        n += host->children[i].first != NULL;
    return n;
}

/* ---- hearing ---- */

static void take_answer(struct orr_host *host, struct child *child, const void *data,
                        size_t length, int blob_fd)
{
    struct errand *errand = child->first;
    struct finished *finished = finish_of(host, errand);
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
    push_finished(host, finished);
    drop_first(host, child);
    if (child->first)
        begin_first(host, child);
    else
        child->state = CHILD_IDLE;
}

static void describe_death(struct child *child, int status, struct orr_arena *arena,
                           struct orr_outcome *out)
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
static void end_errands(struct orr_host *host, struct child *child, int status)
{
    bool all = child->abandoned;
    do {
        struct finished *finished = finish_of(host, child->first);
        struct orr_outcome *outcome = &finished->done.outcome;
        outcome->t_start = child->started ? child->started : orr_clock_wall();
        outcome->t_end = orr_clock_wall();
        describe_death(child, status, &finished->arena, outcome);
        push_finished(host, finished);
        drop_first(host, child);
    } while (all && child->first);
}

static uint32_t alive(const struct orr_host *host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < host->setup.children; i++)
        n += host->children[i].state != CHILD_NONE;
    return n;
}

/* `born`: it was a process. */
static void bury(struct orr_host *host, struct child *child, bool born, int status)
{
    if (child->state != CHILD_NONE && child->channel.fd >= 0)
        orr_channel_release(&child->channel);
    if (child->first && child->state != CHILD_NONE)
        end_errands(host, child, status);
    child->state = CHILD_NONE;
    child->started = 0;
    child->timed_out = false;
    child->too_much_memory = false;
    if (!child->first)
        child->n_pinned = 0;
    if (child->first || (born && alive(host) < host->warm))
        spawn(host, child); /* the others are for the next one */
}

static void hear_child(struct orr_host *host, struct child *child)
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

static void begin(struct orr_host *host, struct child *child)
{
    if (child->abandoned || (child->first && child->first->cancelled)) {
        /* before it was born */
        child->state = CHILD_DYING;
        (void)kill(child->pid, SIGKILL);
        return;
    }
    child->state = CHILD_IDLE;
    if (!child->first)
        return;
    pin(host, child);
    begin_first(host, child);
    for (struct errand *errand = child->first; errand; errand = errand->next)
        send_order(child, errand);
}

/* No process could be made: errno instead of a status. */
static void miscarry(struct orr_host *host, struct child *child, int error)
{
    while (child->first) {
        struct finished *finished = finish_of(host, child->first);
        finished->done.outcome = (struct orr_outcome) {
            .failure = ORR_FAIL_IO,
            .code = error,
            .message = orr_arena_printf(
                &finished->arena, "cannot start a child process: %s", strerror(error)),
            .t_start = orr_clock_wall(),
            .t_end = orr_clock_wall(),
        };
        push_finished(host, finished);
        drop_first(host, child);
    }
}

static void hear_nursery(struct orr_host *host)
{
    struct orr_nursery_event event;
    while (orr_nursery_next(host->setup.nursery, &event)) {
        if (event.label >= host->setup.children)
            continue;
        struct child *child = &host->children[event.label];
        if (event.kind == ORR_NURSERY_BORN) {
            orr_channel_init(&child->channel, event.fd);
            child->pid = event.pid;
            begin(host, child);
        } else {
            if (child->state == CHILD_BUSY)
                hear_child(host, child); /* its last words */
            if (event.pid < 0)
                miscarry(host, child, event.status);
            bury(host, child, event.pid > 0, event.status);
        }
    }
}

/* When nobody looked for longer than that we were suspended, and so was the child: its
 * time stood still. */
static void enforce_time(struct child *child, int64_t now)
{
    if (child->state != CHILD_BUSY || child->deadline == INT64_MAX)
        return;
    if (now - child->looked > 2 * LOOK)
        child->deadline += now - child->looked - LOOK;
    child->looked = now;
    if (now < child->deadline)
        return;
    child->timed_out = true;
    child->state = CHILD_DYING; /* what it still says comes too late */
    (void)kill(child->pid, SIGKILL);
}

static void enforce_memory(struct child *child, int64_t now)
{
    if (child->state != CHILD_BUSY || !orr_footprint_is_over(&child->memory, now))
        return;
    child->too_much_memory = true;
    child->state = CHILD_DYING;
    (void)kill(child->pid, SIGKILL);
}

void orr_host_step(struct orr_host *host, bool ready)
{
    int64_t now = orr_clock_monotonic();
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct child *child = &host->children[i];
        if (ready && (child->state == CHILD_BUSY || child->state == CHILD_IDLE))
            hear_child(host, child);
        enforce_time(child, now);
        enforce_memory(child, now);
    }
    if (ready)
        hear_nursery(host);
}

size_t orr_host_fds(const struct orr_host *host, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    if (max)
        fds[n++] = (struct pollfd) { .fd = orr_nursery_fd(host->setup.nursery),
                                     .events = POLLIN };
    for (uint32_t i = 0; i < host->setup.children && n < max; i++) {
        const struct child *child = &host->children[i];
        if (child->state != CHILD_BUSY || child->channel.closed)
            continue;
        short events = POLLIN;
        if (orr_channel_wants_write(&child->channel))
            events |= POLLOUT;
        fds[n++] = (struct pollfd) { .fd = child->channel.fd, .events = events };
    }
    return n;
}

int64_t orr_host_wake(const struct orr_host *host)
{
    int64_t wake = INT64_MAX;
    if (host->first)
        return 0;
    for (uint32_t i = 0; i < host->setup.children; i++) {
        const struct child *child = &host->children[i];
        if (child->state != CHILD_BUSY)
            continue;
        if (child->deadline != INT64_MAX) {
            int64_t look = child->looked + LOOK;
            int64_t next = child->deadline < look ? child->deadline : look;
            wake = next < wake ? next : wake;
        }
        wake = child->memory.next < wake ? child->memory.next : wake;
    }
    return wake;
}

static void end_child(struct child *child)
{
    if (child->state != CHILD_BUSY)
        return;
    child->state = CHILD_DYING;
    (void)kill(child->pid, SIGKILL);
}

void orr_host_abandon(struct orr_host *host)
{
    for (uint32_t i = 0; i < host->setup.children; i++) {
        host->children[i].abandoned = host->children[i].first != NULL;
        end_child(&host->children[i]);
    }
}

void orr_host_cancel(struct orr_host *host, uint32_t task, uint32_t attempt)
{
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct child *child = &host->children[i];
        struct errand *first = child->first;
        if (!first || first->task != task || first->attempt != attempt)
            continue; /* what waits behind another is short, and may as well run */
        first->cancelled = true;
        end_child(child);
    }
}

bool orr_host_broken(const struct orr_host *host)
{
    return orr_nursery_lost(host->setup.nursery);
}
