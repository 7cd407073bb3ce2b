/* crew.c - who owns which core, who is busy, and talking to workers
 * Owns: the listening socket, the channels to workers, the ledger of cores. */
#include "node/crew.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum worker_state { WORKER_EXPECTED, WORKER_HERE, WORKER_LEFT, WORKER_LOST };

/* Calls of microseconds that may wait at one worker. */
enum { IN_PLACE_MAX = 1024, LATE_SECONDS = 30, NUMAS_MAX = 64 };

/* What is in use together, and for how many attempts. */
struct place {
    uint32_t id;
    uint32_t aboard;
    uint32_t kind;
    uint32_t n_cores;
    uint32_t cores[ORRI_CORES_MAX]; /* cores[0] is the worker's own */
    uint32_t n_gpus;
    uint32_t gpus[ORR_GPUS_MAX];
    uint64_t memory;
};

struct worker {
    enum worker_state state;
    struct orr_channel channel; /* not for worker 0 */
    const orr_host_call *call;  /* likewise */
    uint32_t rank;
    struct place *places; /* on its cores, now */
    size_t n_places;
    size_t cap_places;
    uint32_t in_place;
    struct orr_bytes out;
};

struct newcomer { /* connected, has not said who it is */
    struct orr_channel channel;
    bool used;
};

enum { NEWCOMERS = 64 };

struct orri_crew {
    struct orri_crew_setup setup;
    int listener;
    struct worker *workers;
    bool *busy;     /* per core */
    uint32_t *numa; /* its domain */
    uint32_t n_cores;
    uint32_t n_idle; /* cores of live workers */
    bool *gpu_busy;
    uint32_t n_gpus_idle;
    uint64_t memory_idle;
    struct newcomer newcomers[NEWCOMERS];
    uint32_t n_here;
    uint32_t last_place; /* id */
    int64_t started;
    int64_t cpu;
    bool dismissed;
};

orr_status orri_crew_new(const struct orri_crew_setup *setup, struct orri_crew **out,
                         struct orr_error *err)
{
    struct orri_crew *crew = orr_alloc(1, sizeof *crew);
    crew->setup = *setup;
    crew->workers = orr_alloc(setup->workers, sizeof *crew->workers);
    crew->n_cores = setup->workers * setup->cores_each;
    crew->busy = orr_alloc(crew->n_cores, sizeof *crew->busy);
    crew->numa = orr_alloc(crew->n_cores, sizeof *crew->numa);
    for (uint32_t c = 0; c < crew->n_cores && setup->topo; c++)
        crew->numa[c] = orr_topo_numa_of(setup->topo, c) % NUMAS_MAX;
    crew->gpu_busy = orr_alloc(setup->gpus + 1, sizeof *crew->gpu_busy);
    crew->n_gpus_idle = setup->gpus;
    crew->memory_idle = setup->memory ? setup->memory : UINT64_MAX;
    crew->started = orr_clock_monotonic();
    crew->workers[0].state = WORKER_HERE;
    crew->workers[0].rank = setup->agent;
    crew->n_here = 1;
    crew->n_idle = setup->cores_each;
    crew->listener = -1;
    if (setup->workers > 1) {
        crew->listener = orri_local_listen(setup->token, setup->agent, err);
        if (crew->listener < 0) {
            orri_crew_free(crew);
            return ORR_ERR_MACHINE;
        }
    }
    *out = crew;
    return ORR_OK;
}

void orri_crew_free(struct orri_crew *crew)
{
    if (!crew)
        return;
    for (uint32_t w = 0; w < crew->setup.workers; w++) {
        if (w > 0 && crew->workers[w].state != WORKER_EXPECTED)
            orr_channel_release(&crew->workers[w].channel);
        orri_local_forget_call(crew->workers[w].call);
        orr_bytes_release(&crew->workers[w].out);
        free(crew->workers[w].places);
    }
    for (uint32_t i = 0; i < NEWCOMERS; i++)
        if (crew->newcomers[i].used)
            orr_channel_release(&crew->newcomers[i].channel);
    if (crew->listener >= 0)
        (void)close(crew->listener);
    free(crew->workers);
    free(crew->busy);
    free(crew->numa);
    free(crew->gpu_busy);
    free(crew);
}

/* ---- the ledger ---- */

static bool is_here(const struct orri_crew *crew, uint32_t worker)
{
    return crew->workers[worker].state == WORKER_HERE;
}

static bool is_idle(const struct orri_crew *crew, uint32_t core)
{
    return !crew->busy[core] && is_here(crew, core / crew->setup.cores_each);
}

/* Workers came or left. */
static void count_idle(struct orri_crew *crew)
{
    crew->n_idle = 0;
    for (uint32_t c = 0; c < crew->n_cores; c++)
        crew->n_idle += is_idle(crew, c);
}

/* Take `n` idle cores: `own` first, then those of its NUMA domain, then any. */
static void take_cores(struct orri_crew *crew, uint32_t own, uint32_t n,
                       struct place *place)
{
    place->n_cores = 0;
    place->cores[place->n_cores++] = own;
    for (int any_domain = 0; any_domain < 2; any_domain++)
        for (uint32_t c = 0; c < crew->n_cores && place->n_cores < n; c++)
            if (c != own && is_idle(crew, c) &&
                (crew->numa[c] == crew->numa[own]) != any_domain)
                place->cores[place->n_cores++] = c;
    for (uint32_t i = 0; i < n; i++)
        crew->busy[place->cores[i]] = true;
}

/* The first idle core of the NUMA domain that `n` cores fill best; where none has so
 * many idle ones, of that with most. */
static uint32_t choose_core(const struct orri_crew *crew, uint32_t n)
{
    uint32_t idle[NUMAS_MAX] = { 0 };
    uint32_t best = UINT32_MAX;
    uint32_t of_best = 0;
    for (uint32_t c = 0; c < crew->n_cores; c++)
        idle[crew->numa[c]] += is_idle(crew, c);
    for (uint32_t c = 0; c < crew->n_cores; c++) {
        uint32_t here = idle[crew->numa[c]];
        bool fits = here >= n;
        bool best_fits = of_best >= n;
        if (!is_idle(crew, c) ||
            (best != UINT32_MAX &&
             (fits == best_fits ? (fits ? here >= of_best : here <= of_best)
                                : best_fits)))
            continue;
        best = c;
        of_best = here;
    }
    return best;
}

static void take_gpus(struct orri_crew *crew, uint32_t n, struct place *place)
{
    place->n_gpus = 0;
    for (uint32_t g = 0; g < crew->setup.gpus && place->n_gpus < n; g++) {
        if (crew->gpu_busy[g])
            continue;
        crew->gpu_busy[g] = true;
        place->gpus[place->n_gpus++] = g;
    }
    crew->n_gpus_idle -= n;
}

static struct place *new_place(struct orri_crew *crew, struct worker *worker)
{
    worker->places = orr_grow(worker->places, worker->n_places, &worker->cap_places,
                              sizeof *worker->places);
    struct place *place = &worker->places[worker->n_places++];
    if (++crew->last_place == 0) /* after four billion */
        ++crew->last_place;
    place->id = crew->last_place;
    place->aboard = 1;
    place->kind = UINT32_MAX;
    return place;
}

bool orri_crew_place(struct orri_crew *crew, const struct orr_resources *needs,
                     struct orri_seat *seat)
{
    struct orr_resources idle = orri_crew_idle(crew);
    if (needs->cores > ORRI_CORES_MAX || needs->gpus > ORR_GPUS_MAX ||
        !orr_resources_fit(&idle, needs))
        return false;
    uint32_t own = choose_core(crew, needs->cores);
    uint32_t worker = own / crew->setup.cores_each;
    struct place *place = new_place(crew, &crew->workers[worker]);
    take_cores(crew, own, needs->cores, place);
    take_gpus(crew, needs->gpus, place);
    place->memory = needs->memory;
    crew->memory_idle -= needs->memory;
    crew->n_idle -= needs->cores;
    *seat = (struct orri_seat) { worker, place->id, own };
    return true;
}

/* They go to the worker with the fewest; to the agent only when it is alone. */
bool orri_crew_place_calls(struct orri_crew *crew, uint32_t n, struct orri_seat *out)
{
    uint32_t best = UINT32_MAX;
    uint32_t first = crew->n_here > 1 ? 1 : 0;
    for (uint32_t w = first; w < crew->setup.workers; w++)
        if (is_here(crew, w) && crew->workers[w].in_place < IN_PLACE_MAX &&
            (best == UINT32_MAX ||
             crew->workers[w].in_place < crew->workers[best].in_place))
            best = w;
    if (best == UINT32_MAX)
        return false;
    *out = (struct orri_seat) { best, 0, best * crew->setup.cores_each };
    crew->workers[best].in_place += n;
    return true;
}

uint32_t orri_crew_callers(const struct orri_crew *crew)
{
    return crew->n_here > 1 ? crew->n_here - 1 : 1;
}

static struct place *find_place(const struct orri_crew *crew,
                                const struct orri_seat *seat)
{
    const struct worker *worker = &crew->workers[seat->worker];
    for (size_t i = 0; i < worker->n_places; i++)
        if (worker->places[i].id == seat->place)
            return &worker->places[i];
    ORR_BUG("worker %u has no place %u", seat->worker, seat->place);
}

const uint32_t *orri_crew_cores_of(const struct orri_crew *crew,
                                   const struct orri_seat *seat, uint32_t *n)
{
    *n = 1;
    if (!seat->place)
        return &seat->core;
    const struct place *place = find_place(crew, seat);
    *n = place->n_cores;
    return place->cores;
}

const uint32_t *orri_crew_gpus_of(const struct orri_crew *crew,
                                  const struct orri_seat *seat, uint32_t *n)
{
    const struct place *place = find_place(crew, seat);
    *n = place->n_gpus;
    return place->gpus;
}

void orri_crew_board(struct orri_crew *crew, const struct orri_seat *seat)
{
    find_place(crew, seat)->aboard++;
}

void orri_crew_mark(struct orri_crew *crew, const struct orri_seat *seat, uint32_t kind)
{
    find_place(crew, seat)->kind = kind;
}

bool orri_crew_runs_low(const struct orri_crew *crew, uint32_t kind, uint32_t low,
                        struct orri_seat *out)
{
    for (uint32_t w = 0; w < crew->setup.workers; w++) {
        const struct worker *worker = &crew->workers[w];
        for (size_t i = 0; i < worker->n_places && is_here(crew, w); i++) {
            const struct place *place = &worker->places[i];
            if (place->kind != kind || place->aboard > low)
                continue;
            *out = (struct orri_seat) { w, place->id, place->cores[0] };
            return true;
        }
    }
    return false;
}

/* Cores of workers that are gone come back to nobody. */
static void give_back(struct orri_crew *crew, const struct place *place)
{
    for (uint32_t i = 0; i < place->n_cores; i++) {
        crew->busy[place->cores[i]] = false;
        crew->n_idle += is_idle(crew, place->cores[i]);
    }
    for (uint32_t i = 0; i < place->n_gpus; i++)
        crew->gpu_busy[place->gpus[i]] = false;
    crew->n_gpus_idle += place->n_gpus;
    crew->memory_idle += place->memory;
}

void orri_crew_release(struct orri_crew *crew, const struct orri_seat *seat, uint32_t n)
{
    struct worker *worker = &crew->workers[seat->worker];
    if (!seat->place) {
        worker->in_place -= n;
        return;
    }
    struct place *place = find_place(crew, seat);
    place->aboard -= n;
    if (place->aboard)
        return;
    give_back(crew, place);
    *place = worker->places[--worker->n_places];
}

/* ---- talking ---- */

void orri_crew_send(struct orri_crew *crew, uint32_t w,
                    const struct orri_local_assignment *assignment)
{
    struct worker *worker = &crew->workers[w];
    if (worker->out.length == 0)
        orr_batch_begin(&worker->out, ORR_MESSAGE_ASSIGN);
    orri_local_assignment_put(&worker->out, assignment);
}

void orri_crew_flush(struct orri_crew *crew)
{
    for (uint32_t w = 1; w < crew->setup.workers; w++) {
        struct worker *worker = &crew->workers[w];
        if (worker->out.length)
            orr_channel_send(&worker->channel, worker->out.data, worker->out.length,
                             -1);
        orr_bytes_clear(&worker->out);
    }
}

void orri_crew_tell(struct orri_crew *crew, enum orr_message message)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_signal_put(&out, message, "");
    for (uint32_t w = 1; w < crew->setup.workers; w++)
        if (is_here(crew, w))
            orr_channel_send(&crew->workers[w].channel, out.data, out.length, -1);
    orr_bytes_release(&out);
}

void orri_crew_cancel(struct orri_crew *crew, uint32_t w, struct orr_attempt_name name)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orri_crew_flush(crew); /* it may be among what waits to be sent */
    orr_attempt_name_put(&out, ORR_MESSAGE_CANCEL, name);
    if (is_here(crew, w))
        orr_channel_send(&crew->workers[w].channel, out.data, out.length, -1);
    orr_bytes_release(&out);
}

static void lose(struct orri_crew *crew, uint32_t w)
{
    struct worker *worker = &crew->workers[w];
    if (worker->state != WORKER_HERE)
        return;
    worker->state = WORKER_LOST;
    crew->n_here--;
    count_idle(crew);
    crew->setup.lost(crew->setup.context, w, worker->rank, atomic_load(worker->call));
}

static void hear_worker(struct orri_crew *crew, uint32_t w)
{
    struct worker *worker = &crew->workers[w];
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    (void)orr_channel_flush(&worker->channel);
    while (orr_channel_receive(&worker->channel, &data, &length, &fd) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        enum orr_message message = orr_message_of(&in);
        struct orr_bye bye;
        if (message == ORR_MESSAGE_DONE) {
            crew->setup.ended(crew->setup.context, w, worker->rank, &in, fd);
        } else if (message == ORR_MESSAGE_BYE && orr_bye_get(&in, &bye) == ORR_OK) {
            crew->cpu += bye.worker_cpu;
            worker->state = WORKER_LEFT;
            count_idle(crew);
        }
    }
    if (worker->channel.closed)
        lose(crew, w);
}

/* Seats are handed out as workers come: which core a worker has does not matter. */
static void seat(struct orri_crew *crew, struct newcomer *newcomer, uint32_t rank,
                 const orr_host_call *call)
{
    for (uint32_t w = 1; w < crew->setup.workers; w++) {
        struct worker *worker = &crew->workers[w];
        if (worker->state != WORKER_EXPECTED)
            continue;
        worker->state = WORKER_HERE;
        worker->rank = rank;
        worker->call = call;
        worker->channel = newcomer->channel;
        newcomer->used = false;
        crew->n_here++;
        count_idle(crew);
        return;
    }
    orri_local_forget_call(call);
    orr_channel_release(&newcomer->channel);
    newcomer->used = false;
}

static void hear_newcomer(struct orri_crew *crew, struct newcomer *newcomer)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    struct orr_hello hello;
    struct orr_arena arena = ORR_ARENA_INIT;
    if (orr_channel_receive(&newcomer->channel, &data, &length, &fd) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        const orr_host_call *call = orri_local_see_call(fd);
        bool good = call && orr_message_of(&in) == ORR_MESSAGE_HELLO &&
                    orr_hello_get(&in, &arena, &hello) == ORR_OK &&
                    hello.wire_version == ORR_WIRE_VERSION;
        if (good) {
            seat(crew, newcomer, hello.rank, call);
        } else {
            orri_local_forget_call(call);
            newcomer->channel.closed = true;
        }
    }
    if (newcomer->used && newcomer->channel.closed) {
        orr_channel_release(&newcomer->channel);
        newcomer->used = false;
    }
    orr_arena_release(&arena);
}

static void accept_newcomers(struct orri_crew *crew)
{
    for (uint32_t i = 0; i < NEWCOMERS && crew->listener >= 0; i++) {
        struct newcomer *newcomer = &crew->newcomers[i];
        if (!newcomer->used) {
            int fd = accept4(crew->listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd < 0)
                break;
            if (!orri_local_is_ours(fd)) {
                (void)close(fd);
                continue;
            }
            orr_channel_init(&newcomer->channel, fd);
            newcomer->used = true;
        }
    }
    for (uint32_t i = 0; i < NEWCOMERS; i++)
        if (crew->newcomers[i].used)
            hear_newcomer(crew, &crew->newcomers[i]);
}

void orri_crew_step(struct orri_crew *crew)
{
    if (crew->n_here < crew->setup.workers)
        accept_newcomers(crew);
    for (uint32_t w = 1; w < crew->setup.workers; w++)
        if (is_here(crew, w))
            hear_worker(crew, w);
}

size_t orri_crew_fds(const struct orri_crew *crew, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    if (crew->listener >= 0 && n < max)
        fds[n++] = (struct pollfd) { .fd = crew->listener, .events = POLLIN };
    for (uint32_t i = 0; i < NEWCOMERS && n < max; i++)
        if (crew->newcomers[i].used)
            fds[n++] = (struct pollfd) { .fd = crew->newcomers[i].channel.fd,
                                         .events = POLLIN };
    for (uint32_t w = 1; w < crew->setup.workers && n < max; w++) {
        if (!is_here(crew, w))
            continue;
        short events = POLLIN;
        if (orr_channel_wants_write(&crew->workers[w].channel))
            events |= POLLOUT;
        fds[n++] =
            (struct pollfd) { .fd = crew->workers[w].channel.fd, .events = events };
    }
    return n;
}

/* ---- figures ---- */

bool orri_crew_complete(const struct orri_crew *crew)
{
    return crew->n_here == crew->setup.workers ||
           orr_clock_monotonic() - crew->started > LATE_SECONDS * ORR_SECOND;
}

void orri_crew_dismiss(struct orri_crew *crew)
{
    if (!crew->dismissed)
        orri_crew_tell(crew, ORR_MESSAGE_STOP);
    crew->dismissed = true;
}

bool orri_crew_dismissed(const struct orri_crew *crew)
{
    for (uint32_t w = 1; w < crew->setup.workers; w++)
        if (is_here(crew, w))
            return false;
    return crew->dismissed;
}

uint32_t orri_crew_busy(const struct orri_crew *crew)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < crew->n_cores; c++)
        n += crew->busy[c];
    for (uint32_t w = 0; w < crew->setup.workers; w++)
        n += crew->workers[w].in_place > 0;
    return n;
}

uint32_t orri_crew_cores(const struct orri_crew *crew)
{
    return crew->n_here * crew->setup.cores_each;
}

struct orr_resources orri_crew_has(const struct orri_crew *crew)
{
    return (struct orr_resources) {
        .cores = orri_crew_cores(crew),
        .gpus = crew->setup.gpus,
        .memory = crew->setup.memory ? crew->setup.memory : UINT64_MAX,
    };
}

struct orr_resources orri_crew_idle(const struct orri_crew *crew)
{
    return (struct orr_resources) {
        .cores = crew->n_idle,
        .gpus = crew->n_gpus_idle,
        .memory = crew->memory_idle,
    };
}

uint32_t orri_crew_workers(const struct orri_crew *crew) { return crew->n_here; }

int64_t orri_crew_cpu(const struct orri_crew *crew) { return crew->cpu; }

void orri_crew_describe(const struct orri_crew *crew, struct orr_text *out)
{
    uint32_t *cores = orr_alloc(crew->n_cores, sizeof *cores);
    for (uint32_t i = 0; i < crew->n_cores; i++)
        cores[i] = i;
    if (crew->setup.topo)
        orr_topo_cpus(crew->setup.topo, cores, crew->n_cores, out);
    else
        orr_text_puts(out, "none");
    free(cores);
}
