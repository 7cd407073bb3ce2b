/* join.c - orrery join: a process that works for a run of another job, as long as it
 * may
 *
 * It is one more node to rank 0: an agent with all cores of this machine. It may be
 * killed at any moment. Owns: coming and going. Hands on: the door (guests.c), serving
 * (serve.c). */
#include "base/clock.h"
#include "base/memory.h"
#include "cli/amounts.h"
#include "cli/batch.h"
#include "cli/prepare.h"
#include "cli/rank.h"
#include "cli/request.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAUSE_MS = 500 };

struct visit {
    const char *run_dir; /* absolute */
    double idle;         /* s */
    long cores;          /* 0: all, in a job of Slurm all that it has here */
    bool was_in;         /* rank 0 let us in */
    bool over;           /* we leave for good */
};

/* As rank 0 does; what the node has is not said by it. */
static orr_status learn(struct orri_rank *rank, const struct visit *visit,
                        struct orr_error *err)
{
    struct orri_shared *shared = &rank->shared;
    struct orri_session same = { .job = shared->job,
                                 .settings = shared->settings,
                                 .n_settings = shared->n_settings };
    orr_status status = orr_topo_load(NULL, NULL, &rank->topo, err);
    if (status != ORR_OK)
        return status;
    uint32_t all = orr_topo_cores(rank->topo);
    shared->cores_per_rank =
        visit->cores && (uint32_t)visit->cores < all ? (uint32_t)visit->cores : all;
    rank->world.n_node = 1;
    orri_choose_bind(rank);
    shared->memory = 0;
    shared->gpus = 0;
    /* What is on this node's disk alone would be lost with it. */
    shared->local_dir[0] = '\0';
    if (shared->durability == ORR_DURABILITY_NODE)
        shared->durability = ORR_DURABILITY_SHARED;
    rank->job = orri_compile_job(&same, &rank->texts, true);
    return rank->job ? ORR_OK
                     : orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                                     "this machine cannot compile what rank 0 could");
}

/* What rank 0 says at the door (guests.c); then what it works on is compiled here. What
 * is wrong with that will not be better the next time. */
static orr_status hear_welcome(struct orri_rank *rank, const struct visit *visit,
                               const struct orr_bytes *welcome, struct orr_error *err)
{
    struct orr_reader in = orr_reader_of(welcome->data, welcome->length);
    struct orr_id digest = { .hi = orr_get_u64(&in) };
    digest.lo = orr_get_u64(&in);
    struct orr_bytes shared = { .data = welcome->data + in.at,
                                .length = welcome->length - in.at };
    if (in.bad || orri_shared_get(&shared, &rank->shared, &rank->texts) != ORR_OK)
        return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "damaged welcome");
    orr_status status = learn(rank, visit, err);
    if (status == ORR_OK && !orr_id_equal(digest, rank->job->graph->digest))
        status = orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                               "what is compiled here is not what rank 0 has: this is "
                               "another build of orrery, or other files are here");
    return status;
}

static orr_status enter(struct orri_rank *rank, struct visit *visit,
                        struct orr_error *err)
{
    struct orr_relay_place place;
    struct orr_bytes welcome = ORR_BYTES_INIT;
    char host[256];
    if (!orri_find_door(visit->run_dir, host, &place))
        return ORR_END;
    orr_status status = orri_start_nursery(rank, err);
    if (status == ORR_OK)
        status = orr_relay_join(host, &place, &rank->world.link, &welcome, err);
    visit->was_in = status == ORR_OK;
    if (status == ORR_OK) {
        status = hear_welcome(rank, visit, &welcome, err);
        visit->over = status != ORR_OK;
    }
    orr_bytes_release(&welcome);
    rank->world.agent = status == ORR_OK ? rank->world.link->rank : 0;
    return status == ORR_OK ? orri_start_agent(rank, err) : status;
}

/* ORR_OK: rank 0 said good-bye, or we did (over). ORR_END: there was no door. */
static orr_status visit_once(struct visit *visit, struct orr_error *err)
{
    struct orri_session session = { 0 };
    struct orri_rank rank = { .session = &session,
                              .idle = (int64_t)(visit->idle * 1e9) };
    (void)gethostname(rank.host, sizeof rank.host - 1);
    orri_listen_to_signals(true);
    orr_status status = enter(&rank, visit, err);
    if (status == ORR_OK) {
        (void)fprintf(stderr, "orrery: joined as rank %u with %u cores\n",
                      rank.world.link->rank, rank.shared.cores_per_rank);
        status = orri_serve(&rank, err);
        visit->over = orr_agent_wants_to_leave(rank.agent);
        orri_flush_link(&rank);
    }
    struct orr_link *link = rank.world.link;
    orri_release_rank(&rank);
    orr_relay_leave(link);
    return status;
}

/* Is there nothing to come any more? */
static bool is_over(const char *run_dir)
{
    struct orr_run_status status;
    if (orri_batch_done(run_dir) >= 0)
        return true;
    if (orr_status_read(run_dir, &status, NULL) != ORR_OK)
        return false;
    return status.state == ORR_RUN_SUCCEEDED || status.state == ORR_RUN_FAILED;
}

/* Visit after visit, until there is nothing to come, or none was let in for `wait`
 * seconds. */
static int stay(struct visit *visit, double wait)
{
    struct orr_error err = { 0 };
    int64_t came = orr_clock_monotonic();
    bool is_run = orri_is_run(visit->run_dir);
    if (!is_run)
        (void)fprintf(stderr,
                      "orrery join: %s is not a run: waiting for one, for %.0f s\n",
                      visit->run_dir, wait);
    while (!visit->over && !is_over(visit->run_dir) && !orri_asked_to_leave() &&
           orr_clock_monotonic() - came < (int64_t)(wait * 1e9)) {
        struct orr_error bad = { 0 };
        visit->was_in = false;
        if (visit_once(visit, &bad) != ORR_END)
            err = bad;
        if (visit->was_in)
            came = orr_clock_monotonic();
        if (!visit->over)
            (void)poll(NULL, 0, PAUSE_MS);
    }
    if (err.text[0] && !is_over(visit->run_dir))
        (void)fprintf(stderr, "orrery join: %s\n", err.text);
    if (visit->over && err.text[0])
        return ORR_EXIT_MACHINE;
    is_run = err.text[0] || orri_is_run(visit->run_dir);
    return is_run || orri_asked_to_leave() ? ORR_EXIT_OK : ORR_EXIT_INPUT;
}

static int join_main(const struct orr_line *line)
{
    struct visit visit = { 0 };
    double wait = 0;
    if (!orri_seconds(line, "idle", 120, &visit.idle) ||
        !orri_seconds(line, "wait", 900, &wait) ||
        !orri_number(line, "cores", 1, 65536, 0, &visit.cores))
        return ORR_EXIT_INPUT;
    const char *given = getenv("SLURM_CPUS_ON_NODE");
    if (!visit.cores && given)
        visit.cores = strtol(given, NULL, 10);
    visit.idle = visit.idle > 0 ? visit.idle : 1e9;
    char *run_dir = orri_canonical(line->args[0]);
    visit.run_dir = run_dir;
    int code = stay(&visit, wait);
    free(run_dir);
    return code;
}

static const struct orr_option join_options[] = {
    { "idle", 0, "TIME", "leave after so long without work (default 2min; 0s: never)",
      false },
    { "wait", 0, "TIME",
      "for a session of the run that lets guests in, at the start and between two "
      "(default 15min)",
      false },
    { "cores", 0, "N", "use N cores (default: all that we may)", false },
    { 0 },
};

const struct orr_command_entry orri_join = {
    .name = "join",
    .arguments = "RUN",
    .summary = "work for a run of another job, as long as this one may",
    .details = "For jobs that come and go around a run that was started with --guests: "
               "this process is one\nmore node to it, with all cores of the machine. "
               "It may be killed at any moment: what it was\nat is made elsewhere. "
               "orrery submit --opportunistic submits such jobs.",
    .options = join_options,
    .least = 1,
    .most = 1,
    .run = join_main,
};
