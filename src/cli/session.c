/* session.c - the ranks of a run: how each starts, serves as what it is, and ends
 * Owns: what the roles of this process share. Hands on: their loop (serve.c), deciding
 * (coord), running (node). */
#include "cli/rank.h"

#include "base/clock.h"
#include "base/memory.h"
#include "cli/batch.h"
#include "cli/request.h"
#include "cli/reuse.h"
#include "media/media.h"
#include "node/worker.h"
#include "store/keeper.h"
#include "store/nodedisk.h"
#include "store/rundir.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- blobs for functions ---- */

static orr_status load_blob(void *context, const struct orr_blob *blob, void **bytes,
                            struct orr_error *err)
{
    return orr_blob_load(context, blob, bytes, err);
}

static void unload_blob(void *context, const struct orr_blob *blob, void *bytes)
{
    (void)context;
    (void)blob;
    free(bytes);
}

static struct orr_blob_source blobs_of(void *context, const char *run_dir)
{
    (void)context;
    return (struct orr_blob_source) { load_blob, unload_blob,
                                      orr_blob_reader_new(run_dir) };
}

static const struct orr_function *find_function(void *context, const char *name)
{
    (void)context;
    return orr_registry_find(orri_registry(), name);
}

static void prepare(void *context, const char *function)
{
    (void)context;
    if (strncmp(function, "media.", strlen("media.")) == 0)
        orr_media_load();
}

/* A rank that dies between mpirun and the first message would leave the others waiting
 * in a collective for ever. */
enum { START_SECONDS = 900 };

static void give_up_start(int number)
{
    static const char text[] =
        "orrery: error: the ranks did not come together in time: was one killed?\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(ORR_EXIT_MACHINE);
}

static void limit_start(bool on)
{
    (void)signal(SIGALRM, give_up_start);
    (void)alarm(on ? START_SECONDS : 0);
}

/* Results wait for the disk as descriptors: more than the usual 1024 may be open. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum { KEEP_SECONDS = 10 };

/* ---- start ---- */

/* Where logs are on the disks of the nodes, now and in earlier sessions. */
static orr_status describe_disks(struct orri_rank *rank, struct orr_error *err)
{
    struct orri_request request = { 0 };
    struct orri_shared *shared = &rank->shared;
    orr_status status = orri_request_read(shared->run_dir, &request, err);
    shared->local_dir =
        orr_strdup(rank->session->local_dir ? rank->session->local_dir : "");
    shared->local = orr_alloc(request.n_local + 1, sizeof *shared->local);
    for (size_t i = 0; i < request.n_local && shared->epoch > 1; i++)
        shared->local[shared->n_local++] = orr_strdup(request.local[i]);
    orri_request_release(&request);
    return status;
}

static orr_status describe_run(struct orri_rank *rank, bool alone,
                               struct orr_error *err)
{
    const struct orri_session *session = rank->session;
    bool told = alone || getenv(ORRI_EXIT_FILE); /* by the launcher */
    rank->job = orri_compile_job(session, &rank->texts, told || session->quiet);
    if (rank->job && session->resume) { /* finished tasks need no inputs */
        if (!told)
            (void)orri_inputs_readable(rank->job, "warning");
    } else if (rank->job && !orri_inputs_readable(rank->job, "error")) {
        orr_job_free(rank->job);
        rank->job = NULL;
    }
    if (!rank->job)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "nothing was run");
    orr_status status =
        orri_open_run(session, rank->job, &rank->texts, &rank->dir, err);
    if (status != ORR_OK)
        return status;
    const char *durability = session->durability ? session->durability : "shared";
    rank->shared = (struct orri_shared) {
        .go = true,
        .token = orri_random_token(),
        .run_dir = orr_strdup(orr_rundir_path(rank->dir)),
        .run_id = orr_rundir_id(rank->dir),
        .epoch = orr_rundir_epoch(rank->dir),
        .durability = strcmp(durability, "none") == 0   ? ORR_DURABILITY_NONE
                      : strcmp(durability, "node") == 0 ? ORR_DURABILITY_NODE
                                                        : ORR_DURABILITY_SHARED,
        .cores_per_rank = (uint32_t)session->cores_per_rank,
        .bind = session->bind,
        .memory = session->memory_per_node,
        .gpus = (uint32_t)session->gpus_per_node,
        .job = orr_strdup(session->job),
    };
    rank->shared.settings =
        orr_alloc(session->n_settings + 1, sizeof(struct orr_setting));
    for (size_t i = 0; i < session->n_settings; i++) {
        const struct orr_setting *from = &session->settings[i];
        rank->shared.settings[rank->shared.n_settings++] = (struct orr_setting) {
            .name = orr_strdup(from->name),
            .value = orr_strdup(from->value),
            .directory = orr_strdup(from->directory ? from->directory : "."),
        };
    }
    return describe_disks(rank, err);
}

/* Rank 0 describes, the others hear and compile the same texts. */
static orr_status share(struct orri_rank *rank, bool alone, struct orr_error *err)
{
    bool first = rank->world.link->rank == 0;
    struct orr_bytes bytes = ORR_BYTES_INIT;
    orr_status described = first ? describe_run(rank, alone, err) : ORR_OK;
    orr_status status = described;
    if (!alone) {
        if (first)
            orri_shared_put(&bytes, &rank->shared, &rank->texts);
        status =
            orr_mpi_share(rank->world.link, &bytes, described == ORR_OK ? err : NULL);
        if (!first && status == ORR_OK)
            status = orri_shared_get(&bytes, &rank->shared, &rank->texts);
    }
    orr_bytes_release(&bytes);
    if (described != ORR_OK || status != ORR_OK)
        return described != ORR_OK ? described : status;
    if (!rank->shared.go)
        return ORR_END;
    if (!first) {
        struct orri_session same = { .job = rank->shared.job,
                                     .settings = rank->shared.settings,
                                     .n_settings = rank->shared.n_settings };
        rank->job = orri_compile_job(&same, &rank->texts, true);
    }
    return rank->job ? ORR_OK
                     : orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                                     "this rank cannot compile what rank 0 could");
}

static struct orr_host_setup host_setup(struct orri_rank *rank)
{
    rank->blobs = orr_blob_reader_new(rank->shared.run_dir);
    return (struct orr_host_setup) {
        .graph = rank->job->graph,
        .nursery = rank->nursery,
        .topo = rank->bind == ORR_BIND_NONE ? NULL : rank->topo,
        .memory = orr_topo_memory(rank->topo),
        .run_dir = rank->shared.run_dir,
        .children = rank->shared.cores_per_rank,
        .blobs = { load_blob, unload_blob, rank->blobs },
    };
}

/* What a killed session left on this node's disk, to where rank 0 reads. */
static orr_status salvage(struct orri_rank *rank, struct orr_error *err)
{
    const struct orri_shared *shared = &rank->shared;
    orr_status status = ORR_OK;
    for (size_t i = 0; i < shared->n_local && status == ORR_OK; i++) {
        char *folder = orr_nodedisk_folder(shared->local[i], shared->run_id);
        status = orr_nodedisk_salvage(folder, shared->run_dir, shared->run_id,
                                      shared->epoch, err);
        orr_nodedisk_remove(folder);
        free(folder);
    }
    return status;
}

/* For tests: who is silent for longer is lost. 0: what there is. */
static int64_t silence(void)
{
    const char *text = getenv("ORRERY_SILENCE");
    long seconds = text ? strtol(text, NULL, 10) : 0;
    return seconds > 0 && seconds < INT32_MAX ? seconds * ORR_SECOND : 0;
}

orr_status orri_start_agent(struct orri_rank *rank, struct orr_error *err)
{
    rank->gpus = orr_gpus_new(rank->shared.gpus, "");
    if (rank->shared.local_dir[0]) {
        rank->node_folder =
            orr_nodedisk_folder(rank->shared.local_dir, rank->shared.run_id);
        orr_status made = orr_nodedisk_make(rank->node_folder, err);
        if (made != ORR_OK)
            return made;
    }
    struct orr_agent_setup setup = {
        .link = rank->world.link,
        .host = host_setup(rank),
        .store = { .run_dir = rank->shared.run_dir,
                   .run_id = rank->shared.run_id,
                   .writer = rank->world.link->rank,
                   .epoch = rank->shared.epoch,
                   .durability = rank->shared.durability,
                   .node_folder = rank->node_folder,
                   .queue_results = 65536,
                   /* without syncs a lone result costs little */
                   .linger_ns =
                       rank->shared.durability == ORR_DURABILITY_NONE ? 100000 : 0 },
        .token = rank->shared.token,
        .workers = rank->world.n_node,
        .host_name = rank->host,
        .memory =
            rank->shared.memory ? rank->shared.memory : orr_topo_memory(rank->topo),
        .gpus = rank->gpus,
        .idle = rank->idle,
        .silence = silence(),
    };
    return orr_agent_new(&setup, &rank->agent, err);
}

static orr_status start_coordinator(struct orri_rank *rank, struct orr_error *err)
{
    const char *columns = getenv(ORRI_COLUMNS);
    uint32_t width = columns ? (uint32_t)strtoul(columns, NULL, 10) : 0;
    rank->progress = orr_progress_new(stderr, width, rank->session->quiet);
    struct orri_request request = { 0 };
    orr_status status = orri_request_read(rank->shared.run_dir, &request, err);
    if (status != ORR_OK)
        return status;
    status = orri_open_door(rank, err);
    if (status != ORR_OK) {
        orri_request_release(&request);
        return status;
    }
    struct orr_coord_input *inputs = orr_alloc(request.n_inputs + 1, sizeof *inputs);
    for (size_t i = 0; i < request.n_inputs; i++)
        inputs[i] =
            (struct orr_coord_input) { request.inputs[i].seen, request.inputs[i].hashed,
                                       request.inputs[i].content };
    orri_reuse_open(rank->session, &request, rank->shared.run_dir, rank->shared.run_id,
                    rank->progress, &rank->reuse);
    struct orr_coord_setup setup = {
        .reuse = orr_reuse_has_sources(rank->reuse) ? rank->reuse : NULL,
        .durability = rank->shared.durability,
        .inputs = inputs,
        .n_inputs = request.n_inputs,
        .link = rank->relay ? rank->relay : rank->world.link,
        .ranks = rank->relay ? rank->world.link->size : 0,
        .graph = rank->job->graph,
        .requests = rank->job->requests,
        .n_requests = rank->job->n_requests,
        .agents = rank->world.n_agents,
        .run_dir = rank->shared.run_dir,
        .run_id = rank->shared.run_id,
        .epoch = rank->shared.epoch,
        .forgive = request.forgive,
        .name = rank->job->name,
        .progress = rank->progress,
        .verify = rank->session->verify,
        .no_twins = rank->session->no_twins,
        .lost_after = silence(),
        .expand_first = rank->session->expand_first,
        .max_failures = (uint32_t)rank->session->max_failures,
        .max_failed_part = rank->session->max_failed_part,
        .timed = rank->session->time.timed,
        .end = rank->session->time.end,
        .end_yields = rank->session->time.yields,
    };
    struct orr_keeper *keeper = orr_keeper_start(rank->dir, KEEP_SECONDS * ORR_SECOND);
    status = orr_coord_new(&setup, &rank->coord, err);
    if (status == ORR_OK)
        status = orri_show_door(rank, err);
    orr_status kept = orr_keeper_end(keeper, status == ORR_OK ? err : NULL);
    orri_request_release(&request);
    free(inputs);
    return status == ORR_OK ? kept : status;
}

/* ---- the end ---- */

static void print_problems(const struct orr_text *problems)
{
    struct orr_text out = ORR_TEXT_INIT;
    for (char *at = problems->s; at && *at;) {
        size_t length = strcspn(at, "\n");
        bool detail = *at == ' '; /* goes on with the line before */
        orr_text_puts(&out, detail ? "" : "orrery: error: ");
        orr_text_append(&out, at, length);
        orr_text_puts(&out, "\n");
        at += length + (at[length] == '\n');
    }
    orr_text_print(stderr, out.s ? out.s : "");
    orr_text_release(&out);
}

/* The run is what counts, and it is over: a summary that nobody takes does not change
 * how it ended. */
static void print_summary(const struct orri_rank *rank, const struct orr_text *summary)
{
    if (rank->session->quiet)
        return;
    orr_text_print(stdout, summary->s);
    (void)printf("run         %s\n", rank->shared.run_dir);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    (void)fprintf(stderr,
                  "orrery: cannot write the summary to standard output; the run itself "
                  "is in %s\n",
                  rank->shared.run_dir);
    __fpurge(stdout);
    clearerr(stdout);
}

static int conclude(struct orri_rank *rank)
{
    struct orr_text summary = ORR_TEXT_INIT;
    struct orr_text problems = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    struct orr_keeper *keeper = orr_keeper_start(rank->dir, KEEP_SECONDS * ORR_SECOND);
    orr_status status = orr_coord_conclude(rank->coord, &summary, &problems, &err);
    orr_status kept = orr_keeper_end(keeper, status == ORR_OK ? &err : NULL);
    if (status == ORR_OK)
        status = kept;
    enum orr_run_state state = orr_coord_status(rank->coord)->state;
    int code = orr_run_state_exit_code(state);
    print_summary(rank, &summary);
    print_problems(&problems);
    if (status == ORR_OK && (code == ORR_EXIT_OK || code == ORR_EXIT_FAILED))
        orri_cache_enter(rank->session, rank->job, rank->shared.run_dir,
                         rank->shared.run_id);
    if (status != ORR_OK)
        code = orri_complain(&err);
    if (code != ORR_EXIT_OK && code != ORR_EXIT_FAILED)
        (void)fprintf(stderr, "orrery: go on with: orrery resume %s\n",
                      rank->shared.run_dir);
    if (code == ORR_EXIT_FAILED)
        (void)fprintf(stderr, "orrery: what is missing, and why: orrery why %s\n",
                      rank->shared.run_dir);
    orr_text_release(&summary);
    orr_text_release(&problems);
    return code < 0 ? ORR_EXIT_MACHINE : code;
}

static void leave_exit_code(int code)
{
    const char *path = getenv(ORRI_EXIT_FILE);
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    (void)fprintf(file, "%d\n", code);
    (void)fclose(file);
}

/* This rank cannot serve: rank 0 says so and ends the run. */
static void report_fault(struct orri_rank *rank, const struct orr_error *err)
{
    struct orr_bytes fault = ORR_BYTES_INIT;
    orr_signal_put(&fault, ORR_MESSAGE_FAULT, err->text);
    (void)orr_link_send(rank->world.link, (orr_rank) { 0 }, fault.data, fault.length,
                        NULL);
    orr_bytes_release(&fault);
    orri_flush_link(rank);
}

enum { SEE_TRIES = 20, SEE_WAIT_MS = 500 };

/* Is the run directory the one of rank 0? A file system of the network may show it a
 * moment late; a disk of this node never does, or has another there. */
static orr_status see_run(const struct orri_rank *rank, struct orr_error *err)
{
    const struct orri_shared *shared = &rank->shared;
    struct orr_run_info info = { 0 };
    for (int i = 0; i < SEE_TRIES; i++) {
        if (orr_run_info_read(shared->run_dir, &info, NULL) == ORR_OK &&
            orr_id_equal(info.id, shared->run_id))
            return ORR_OK;
        (void)poll(NULL, 0, SEE_WAIT_MS);
    }
    return orr_error_set(
        err, ORR_ERR_MACHINE, ORR_NO_SPAN,
        "%s does not see the run directory of rank 0, %s: it has to be "
        "on a file system that all nodes share (--run-dir)",
        rank->host, shared->run_dir);
}

static int serve_as_rank(struct orri_rank *rank, bool alone, struct orr_error *err)
{
    bool is_coordinator = rank->world.link->rank == 0;
    bool is_agent = rank->world.agent == rank->world.link->rank;
    orr_status status = ORR_OK;
    orri_listen_to_signals(is_agent || is_coordinator);
    if (is_agent && !is_coordinator)
        status = see_run(rank, err);
    if (status == ORR_OK && is_agent)
        status = salvage(rank, err);
    if (!alone && rank->shared.n_local) /* all of it, before rank 0 reads */
        (void)orr_mpi_unready(rank->world.link, true);
    if (status == ORR_OK && is_agent)
        status = orri_start_agent(rank, err);
    if (status == ORR_OK && is_coordinator)
        status = start_coordinator(rank, err);
    /* From here on the agents listen. */
    uint32_t size = rank->world.link->size;
    uint32_t unready =
        alone ? size : orr_mpi_unready(rank->world.link, status == ORR_OK);
    limit_start(false);
    if (status != ORR_OK && !is_coordinator) {
        report_fault(rank, err);
        return ORR_EXIT_MACHINE;
    }
    if (status != ORR_OK)
        return orri_complain(err);
    if (unready == 0 && !is_coordinator) /* there will be no run; rank 0 said why */
        return ORR_EXIT_MACHINE;
    if (is_coordinator || is_agent) {
        status = orri_serve(rank, err);
        if (status != ORR_OK && is_coordinator)
            orr_coord_abandon(rank->coord);
        if (!is_coordinator && orr_agent_is_forsaken(rank->agent))
            orri_batch_ask_again();
    } else {
        struct orr_host_setup setup = host_setup(rank);
        status = orr_worker_run(&setup, rank->shared.token, rank->world.agent,
                                rank->world.link->rank, err);
        rank->forsaken = status != ORR_OK;
        if (status == ORR_ERR_MACHINE &&
            unready == size) /* else it follows from what another rank says */
            (void)orri_complain(err);
        return ORR_EXIT_OK;
    }
    orri_flush_link(rank);
    if (status != ORR_OK)
        return orri_complain(err);
    return is_coordinator ? conclude(rank) : ORR_EXIT_OK;
}

void orri_release_rank(struct orri_rank *rank)
{
    orri_close_door(rank);
    orr_agent_free(rank->agent);
    if (rank->node_folder)
        orr_nodedisk_remove(rank->node_folder);
    free(rank->node_folder);
    orr_coord_free(rank->coord);
    orr_reuse_free(rank->reuse);
    orr_progress_free(rank->progress);
    orr_nursery_stop(rank->nursery);
    orr_blob_reader_free(rank->blobs);
    orr_rundir_close(rank->dir);
    orr_topo_free(rank->topo);
    orr_gpus_free(rank->gpus);
    orr_job_free(rank->job);
    orri_shared_release(&rank->shared);
    orri_texts_release(&rank->texts);
    orr_loop_hub_free(rank->hub);
}

static orr_status join(struct orri_rank *rank, bool alone, struct orr_error *err)
{
    if (!alone)
        return orr_mpi_start(NULL, NULL, &rank->world, err);
    rank->hub = orr_loop_hub_new(1);
    rank->world = (struct orr_mpi_world) { orr_loop_hub_link(rank->hub, 0), 0, 1, 1 };
    return ORR_OK;
}

void orri_choose_bind(struct orri_rank *rank)
{
    rank->bind = orr_topo_bind_for(rank->topo, rank->shared.bind,
                                   rank->world.n_node * rank->shared.cores_per_rank);
    orr_topo_set_bind(rank->topo, rank->bind);
}

orr_status orri_start_nursery(struct orri_rank *rank, struct orr_error *err)
{
    struct orr_nursery_setup setup = { .find = find_function,
                                       .blobs = blobs_of,
                                       .prepare = prepare };
    allow_descriptors();
    return orr_nursery_start(&setup, &rank->nursery, err);
}

int orri_session_run(const struct orri_session *session, bool alone)
{
    struct orri_rank rank = { .session = session, .time = session->time };
    struct orr_error err = { 0 };
    orri_listen_to_signals(false);
    orr_status status = orri_start_nursery(&rank, &err);
    limit_start(!alone);
    if (status == ORR_OK)
        status = join(&rank, alone, &err);
    if (status != ORR_OK)
        return orri_complain(&err);
    bool first = rank.world.link->rank == 0;
    orri_listen_to_signals(first);
    (void)gethostname(rank.host, sizeof rank.host - 1);
    status = share(&rank, alone, &err);
    if (status == ORR_OK)
        status = orr_topo_load(NULL, NULL, &rank.topo, &err);
    if (status == ORR_OK)
        orri_choose_bind(&rank);
    if (status != ORR_OK && status != ORR_END && !alone && rank.shared.go && !first) {
        (void)orr_mpi_unready(rank.world.link, false); /* the others wait there */
        report_fault(&rank, &err);
    }
    int code = status == ORR_OK    ? serve_as_rank(&rank, alone, &err)
               : status == ORR_END ? ORR_EXIT_OK
                                   : orri_complain(&err);
    bool orderly = rank.coord ? code != ORR_EXIT_MACHINE &&
                                    orr_coord_status(rank.coord)->lost_nodes == 0
                              : !rank.forsaken;
    orri_release_rank(&rank);
    if (first)
        leave_exit_code(code);
    (void)fflush(NULL);
    if (!alone)
        orr_mpi_leave(first && getenv(ORRI_EXIT_FILE) ? 0 : code, orderly);
    return code;
}
