/* serve.c - the loop of rank 0 and of agents: signals, naps, the lock
 * Owns: what signals asked for. Hands on: deciding (coord), running (node). */
#include "cli/rank.h"

#include "base/clock.h"
#include "base/nap.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* ---- signals: the one thing that must be file-scope ---- */

static volatile sig_atomic_t asked_to_drain;     /* SIGTERM */
static volatile sig_atomic_t warned_of_end;      /* SIGUSR1 */
static volatile sig_atomic_t asked_to_interrupt; /* SIGINT, SIGUSR2 */

static void note_signal(int number)
{
    if (number == SIGTERM)
        asked_to_drain = 1;
    else if (number == SIGUSR1)
        warned_of_end = 1;
    else
        asked_to_interrupt++;
}

/* Workers ignore them. An agent only has to know that its attempts got them too. */
void orri_listen_to_signals(bool listens)
{
    static const int numbers[] = { SIGTERM, SIGUSR1, SIGINT, SIGUSR2 };
    struct sigaction action = { .sa_handler = listens ? note_signal : SIG_IGN };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        (void)sigaction(numbers[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool orri_asked_to_leave(void)
{
    return asked_to_drain || warned_of_end || asked_to_interrupt;
}

/* The launcher may have learnt that the end is another. */
static void hear_of_end(struct orri_rank *rank)
{
    const char *file = getenv(ORRI_EXIT_FILE);
    if (rank->coord && rank->time.timed && file && orri_time_hear(&rank->time, file))
        orr_coord_set_end(rank->coord, rank->time.end);
}

/* How near it is, the launcher may know, and said so before: rank 0 may have heard it
 * in between. Else nothing more is started. */
static void take_warning(struct orri_rank *rank)
{
    hear_of_end(rank);
    if (rank->time.answered == rank->time.taken)
        orr_coord_drain(rank->coord, ORR_RUN_DRAINED,
                        rank->session->grace * ORR_SECOND);
    rank->time.taken = rank->time.answered;
}

static void obey_signals(struct orri_rank *rank)
{
    if (rank->agent && (asked_to_interrupt || asked_to_drain || warned_of_end))
        orr_agent_told_to_end(rank->agent);
    if (rank->idle && (asked_to_interrupt || asked_to_drain || warned_of_end))
        orr_agent_leave(rank->agent);
    if (!rank->coord)
        return;
    if (asked_to_interrupt)
        orr_coord_drain(rank->coord, ORR_RUN_INTERRUPTED, 0);
    else if (asked_to_drain)
        orr_coord_drain(rank->coord, ORR_RUN_DRAINED,
                        rank->session->grace * ORR_SECOND);
    else if (warned_of_end)
        take_warning(rank);
    asked_to_drain = 0;
    warned_of_end = 0;
    asked_to_interrupt = 0;
}

/* ---- the loop of rank 0 and of agents ---- */

enum { FDS_MAX = 2048 };
static const int64_t longest_urgent_nap = 1000 * 1000; /* ns */

/* Where a pool keeps cores free, its calls are to start at once: that costs rank 0 and
 * agents three percent of a core. */
static int64_t longest_nap_of(const struct orri_rank *rank)
{
    const struct orr_graph *graph = rank->job->graph;
    for (uint32_t p = 0; p < graph->n_pools; p++)
        if (graph->pools[p].reserve && !graph->pools[p].borrow)
            return longest_urgent_nap;
    return INT64_MAX;
}

/* ns of work that waits for all cores; 0: a core that gets free has nothing to do but
 * what a message brings. */
static int64_t work_ahead(const struct orri_rank *rank)
{
    int64_t ahead = INT64_MAX;
    if (rank->coord)
        ahead = orr_coord_ahead(rank->coord);
    if (rank->agent && orr_agent_ahead(rank->agent) < ahead)
        ahead = orr_agent_ahead(rank->agent);
    return ahead;
}

/* What happens on the node ends it. False when no descriptor of the agent was ready. */
static bool nap(struct orri_rank *rank, int64_t quiet, int64_t longest)
{
    struct pollfd fds[FDS_MAX];
    int64_t now = orr_clock_monotonic();
    int64_t length = orr_nap(quiet, work_ahead(rank));
    length = length > longest ? longest : length;
    if (rank->agent && orr_agent_wake(rank->agent) - now < length)
        length = orr_agent_wake(rank->agent) - now;
    if (rank->coord && orr_coord_wake(rank->coord) - now < length)
        length = orr_coord_wake(rank->coord) - now;
    if (length < 0)
        length = 0;
    struct timespec limit = { length / ORR_SECOND, length % ORR_SECOND };
    size_t n = rank->agent ? orr_agent_fds(rank->agent, fds, FDS_MAX) : 0;
    return ppoll(fds, (nfds_t)n, &limit, NULL) != 0 || n == FDS_MAX;
}

static bool was_busy(const struct orri_rank *rank)
{
    return (rank->coord && orr_coord_was_busy(rank->coord)) ||
           (rank->agent && orr_agent_was_busy(rank->agent));
}

/* A process that stood still (stopped, a hung host) may have been given up meanwhile:
 * before it does anything else it looks whether the run is still its own. */
enum { STOOD_STILL = 1 /* s */, BEAT_SECONDS = 10 };

static orr_status check_owner(struct orri_rank *rank, int64_t stall,
                              struct orr_error *err)
{
    struct orr_run_info info;
    if (rank->dir || stall < STOOD_STILL * ORR_SECOND ||
        orr_run_info_read(rank->shared.run_dir, &info, NULL) != ORR_OK ||
        info.epoch <= rank->shared.epoch)
        return ORR_OK;
    return orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN,
                         "rank %u on %s stood still for %.1f s, and session %u has "
                         "gone on with the run: it leaves",
                         rank->world.link->rank, rank->host, (double)stall / 1e9,
                         info.epoch);
}

static orr_status keep_lock(struct orri_rank *rank, int64_t now, int64_t stall,
                            int64_t *beaten, struct orr_error *err)
{
    if (!rank->dir ||
        (stall < STOOD_STILL * ORR_SECOND && now - *beaten < BEAT_SECONDS * ORR_SECOND))
        return check_owner(rank, stall, err);
    *beaten = now;
    hear_of_end(rank);
    return orr_rundir_beat(rank->dir, err);
}

orr_status orri_serve(struct orri_rank *rank, struct orr_error *err)
{
    int64_t last_busy = orr_clock_monotonic();
    int64_t longest = longest_nap_of(rank);
    int64_t beaten = last_busy;
    int64_t turned = last_busy;
    bool agent_there = rank->agent != NULL;
    bool coord_there = rank->coord != NULL;
    bool ready = true;
    orr_status status = ORR_OK;
    while ((agent_there || coord_there) && status == ORR_OK) {
        int64_t now = orr_clock_monotonic();
        status = keep_lock(rank, now, now - turned, &beaten, err);
        turned = now;
        obey_signals(rank);
        if (coord_there && status == ORR_OK) {
            status = orr_coord_step(rank->coord, err);
            coord_there = status == ORR_OK;
            status = status == ORR_END ? ORR_OK : status;
        }
        if (agent_there && status == ORR_OK) {
            status = orr_agent_step(rank->agent, ready, err);
            agent_there = status == ORR_OK;
            status = status == ORR_END ? ORR_OK : status;
        }
        ready = true;
        if (was_busy(rank))
            last_busy = now;
        else
            ready = nap(rank, now - last_busy, longest);
    }
    return status;
}

void orri_flush_link(struct orri_rank *rank)
{
    int64_t until = orr_clock_monotonic() + 5 * ORR_SECOND;
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    struct orr_link *link = rank->relay ? rank->relay : rank->world.link;
    while (!orr_link_sent(link) && orr_clock_monotonic() < until)
        (void)orr_link_receive(link, &from, &data, &length, NULL);
}
