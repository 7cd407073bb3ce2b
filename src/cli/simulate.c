/* simulate.c - orrery simulate: a job on a cluster that is not there
 * Owns: where times and results come from. Hands on: the simulation (sim). */
#include "base/file.h"
#include "base/memory.h"
#include "cli/amounts.h"
#include "cli/simulation.h"
#include "store/rundir.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is known of times and results ---- */

struct source {
    const struct orr_graph *graph;
    struct orr_known *known; /* of an earlier run, or NULL */
    struct orr_files *files;
    double *given; /* seconds by function, of a file; NaN: none. Or NULL */
};

static const void *find_known(void *context, struct orr_id id, uint32_t *length)
{
    return orr_known_find(context, id, length);
}

static double known_seconds(void *context, struct orr_id id, uint32_t function)
{
    const struct source *source = context;
    if (source->given && !isnan(source->given[function]))
        return source->given[function];
    int64_t time = orr_known_time(source->known, id);
    return time < 0 ? NAN : (double)time * 1e-9;
}

static double typical_seconds(void *context, uint32_t function)
{
    const struct source *source = context;
    const struct orr_graph_function *f = &source->graph->functions[function];
    int64_t time = orr_known_mean(source->known, f->native ? f->native->name : f->name);
    return time < 0 ? NAN : (double)time * 1e-9;
}

static double *given_time(const struct source *source, const char *name, size_t length)
{
    for (uint32_t i = 0; i < source->graph->n_functions; i++) {
        const char *own = source->graph->functions[i].name;
        if (strlen(own) == length && strncmp(own, name, length) == 0)
            return &source->given[i];
    }
    return NULL;
}

/* "FUNCTION: TIME", a comment, or nothing. */
static bool read_line(const struct source *source, const char *line)
{
    line += strspn(line, " \t\r");
    size_t length = strcspn(line, ": \t\r\n#");
    const char *at = line + length + strspn(line + length, " \t");
    if (length == 0)
        return *line != ':';
    double *time = given_time(source, line, length);
    if (!time || *at != ':')
        return false;
    at += 1 + strspn(at + 1, " \t");
    if (!orri_seconds_in(at, &at, time))
        return false;
    at += strspn(at, " \t\r");
    return *at == '\0' || *at == '\n' || *at == '#';
}

static orr_status read_given(struct source *source, const char *path,
                             struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_status status = orr_file_read(path, 1 << 20, &text, err);
    uint32_t number = 1;
    source->given = orr_alloc(source->graph->n_functions + 1, sizeof *source->given);
    for (uint32_t i = 0; i < source->graph->n_functions; i++)
        source->given[i] = NAN;
    for (char *at = text.s; status == ORR_OK && at && *at; number++) {
        size_t length = strcspn(at, "\n");
        if (!read_line(source, at))
            status = orr_error_set(
                err, ORR_ERR_INPUT, (struct orr_span) { path, number, 1 },
                "a line is FUNCTION: TIME, such as encode: 12.5s, with a function of "
                "the workflow; this is '%.*s'",
                (int)(length < 60 ? length : 60), at);
        at += length + (at[length] == '\n');
    }
    orr_text_release(&text);
    return status;
}

static orr_status load_run(struct source *source, const char *path,
                           struct orr_error *err)
{
    struct orr_run_info info;
    orr_status status = orr_run_info_read(path, &info, err);
    if (status == ORR_OK)
        status = orr_known_load(path, info.id, false, &source->known, err);
    char *real = realpath(path, NULL);
    if (real)
        orr_files_of_run(source->files, real);
    free(real);
    return status;
}

static orr_status open_source(struct source *source, const char *costs,
                              struct orr_error *err)
{
    struct stat info;
    source->files = orr_files_new();
    if (!costs)
        return ORR_OK;
    if (stat(costs, &info) == 0 && S_ISREG(info.st_mode))
        return read_given(source, costs, err);
    return load_run(source, costs, err);
}

static void close_source(struct source *source)
{
    orr_known_free(source->known);
    orr_files_free(source->files);
    free(source->given);
}

/* ---- options ---- */

/* "N:REST"; false after a message. Not given: 0. */
static bool read_pair(const struct orr_line *line, const char *name, const char *form,
                      uint32_t nodes, uint32_t *n, const char **rest)
{
    const char *text = orri_option(line, name);
    char *end = NULL;
    *n = 0;
    *rest = NULL;
    if (!text)
        return true;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (end != text && *end == ':' && errno == 0 && value <= nodes) {
        *n = (uint32_t)value;
        *rest = end + 1;
        return true;
    }
    (void)fprintf(stderr,
                  "orrery simulate: --%s is %s with at most the %" PRIu32
                  " nodes there are, not '%s'\n",
                  name, form, nodes, text);
    return false;
}

static bool wrong_pair(const char *name, const char *form, const char *rest)
{
    (void)fprintf(stderr, "orrery simulate: --%s is %s, not with '%s'\n", name, form,
                  rest);
    return false;
}

static bool read_faults(const struct orr_line *line, uint32_t nodes,
                        struct orr_sim_faults *out)
{
    static const char slow[] = "NODES:FACTOR, such as 4:1.5";
    static const char taken[] = "NODES:TIME, such as 8:10min";
    const char *rest = NULL;
    char *end = NULL;
    long sick = 0;
    if (!orri_seconds(line, "mtbf", 0, &out->mtbf) ||
        !orri_part(line, "failures", 0, &out->failures) ||
        !orri_seconds(line, "until", 0, &out->told_to_end) ||
        !orri_seconds(line, "grace", 60, &out->grace) ||
        !orri_number(line, "sick", 0, nodes, 0, &sick) ||
        !read_pair(line, "slow", slow, nodes, &out->slow, &rest))
        return false;
    out->sick = (uint32_t)sick;
    if (rest) {
        out->slowness = strtod(rest, &end);
        if (end == rest || *end || !(out->slowness > 0 && out->slowness < 1e6))
            return wrong_pair("slow", slow, rest);
    }
    if (!read_pair(line, "preempt", taken, nodes, &out->taken, &rest))
        return false;
    return !rest || orri_seconds_in(rest, &rest, &out->taken_at) ||
           wrong_pair("preempt", taken, rest);
}

/* ---- the whole ---- */

static int finish_trace(FILE *trace, const char *path, const struct orr_sim_result *r,
                        uint64_t limit)
{
    if (!trace)
        return ORR_EXIT_OK;
    bool bad = ferror(trace) != 0;
    bad = fclose(trace) != 0 || bad;
    if (bad)
        (void)fprintf(stderr, "orrery: error: cannot write %s: %s\n", path,
                      strerror(errno));
    else if (r->traced == limit)
        (void)fprintf(stderr,
                      "orrery: %s has the first %" PRIu64
                      " attempts; --trace-limit changes that\n",
                      path, limit);
    return bad ? ORR_EXIT_MACHINE : ORR_EXIT_OK;
}

static void print(const struct orr_sim_result *result,
                  const struct orri_cluster *cluster, bool json)
{
    struct orr_text out = ORR_TEXT_INIT;
    if (json)
        orr_text_puts(&out, "{");
    (json ? orri_sim_json : orri_sim_print)(result, cluster, &out);
    if (json)
        orr_text_puts(&out, "}\n");
    (void)fputs(out.s, stdout);
    if (result->problems.length)
        orr_text_print(stderr, result->problems.s);
    orr_text_release(&out);
}

static int simulate(const struct orr_line *line, struct orr_sim_setup *setup,
                    const struct orri_cluster *cluster)
{
    struct orr_error err = { 0 };
    struct orr_sim_result result;
    const char *path = orri_option(line, "trace");
    setup->trace = path ? fopen(path, "we") : NULL;
    if (path && !setup->trace) {
        (void)orr_error_errno(&err, ORR_ERR_STORE, errno, "cannot write %s", path);
        return orri_complain(&err);
    }
    orr_status status = orr_simulate(setup, &result, &err);
    int code = finish_trace(setup->trace, path, &result, setup->trace_limit);
    if (status == ORR_OK)
        print(&result, cluster, orri_has(line, "json"));
    orr_text_release(&result.problems);
    if (status != ORR_OK)
        return orri_complain(&err);
    return code ? code : orr_run_state_exit_code(result.status.state);
}

static int prepare(const struct orr_line *line, const struct orr_job *job)
{
    struct orri_cluster cluster;
    struct orr_sim_faults faults = { 0 };
    struct source source = { .graph = job->graph };
    struct orr_answers answers = { .graph = job->graph };
    struct orr_error err = { 0 };
    long limit = 0;
    double time = 0;
    long here = sysconf(_SC_NPROCESSORS_ONLN);
    if (!orri_cluster_read(line, 1, here > 0 ? here : 1, &cluster) ||
        !read_faults(line, cluster.nodes, &faults) ||
        !orri_seconds(line, "time-limit", 0, &time) ||
        !orri_number(line, "trace-limit", 1, INT32_MAX, 1000000, &limit))
        return ORR_EXIT_INPUT;
    int code = ORR_EXIT_INPUT;
    if (open_source(&source, orri_option(line, "costs"), &err) != ORR_OK) {
        code = orri_complain(&err);
    } else {
        answers.known = source.known ? find_known : NULL;
        answers.known_context = source.known;
        cluster.times.known = known_seconds;
        cluster.times.typical = typical_seconds;
        cluster.times.context = &source;
        struct orr_sim_setup setup = { .graph = job->graph,
                                       .requests = job->requests,
                                       .n_requests = job->n_requests,
                                       .name = job->name,
                                       .nodes = cluster.nodes,
                                       .cores = cluster.cores,
                                       .memory = cluster.memory,
                                       .gpus = cluster.gpus,
                                       .costs = cluster.costs,
                                       .times = cluster.times,
                                       .faults = faults,
                                       .answers = &answers,
                                       .files = source.files,
                                       .seed = cluster.seed,
                                       .no_twins = orri_has(line, "no-twins"),
                                       .time_limit = time,
                                       .trace_limit = (uint64_t)limit };
        code = simulate(line, &setup, &cluster);
    }
    close_source(&source);
    orr_answers_release(&answers);
    return code;
}

static int simulate_main(const struct orr_line *line)
{
    struct orr_setting *settings = NULL;
    size_t n = 0;
    if (!orri_settings(line, &settings, &n))
        return ORR_EXIT_INPUT;
    struct orri_texts texts = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    struct orr_job *job =
        orr_job_compile(line->args[0], &sources, settings, n, orri_registry(), &diags);
    int code = ORR_EXIT_INPUT;
    if (!orri_print_findings(&diags, &texts, true))
        code = prepare(line, job);
    orr_job_free(job);
    orr_diags_release(&diags);
    orri_texts_release(&texts);
    orri_settings_free(settings, n);
    return code;
}

static const struct orr_option simulate_options[] = {
    ORRI_CLUSTER_OPTIONS,
    { "set", 's', "INPUT=VALUE",
      "give an input: YAML, or plain text for a string or path. May be repeated",
      true },
    { "request", 0, "N",
      "only this one of the job's requests, counted from 0, or of its sweep's", false },
    { "costs", 0, "RUN|FILE",
      "results and times of this earlier run; or times, lines of FUNCTION: TIME",
      false },
    { "mtbf", 0, "TIME", "mean time to the failure of a node", false },
    { "failures", 0, "PART", "so many attempts fail, as by a signal: 1%", false },
    { "slow", 0, "N:FACTOR", "N nodes are so many times slower", false },
    { "sick", 0, "N", "on N nodes every attempt fails, at once", false },
    { "preempt", 0, "N:TIME", "N nodes are taken away after so long", false },
    { "until", 0, "TIME", "tell the run to end after so long, as a time limit does",
      false },
    { "grace", 0, "TIME", "what running attempts get then (default 60s)", false },
    { "time-limit", 0, "TIME",
      "the run knows that it has so long: see orrery run --time-limit", false },
    { "no-twins", 0, NULL, "run nothing on a second node because it takes long",
      false },
    { "trace", 0, "FILE", "write attempts and queues as Chrome trace events", false },
    { "trace-limit", 0, "N", "attempts in the trace (default 1000000)", false },
    { "json", 0, NULL, "one JSON object", false },
    { 0 },
};

const struct orr_command_entry orri_simulate = {
    .name = "simulate",
    .arguments = "JOB",
    .summary = "predict a run on a cluster that is not there",
    .details =
        "The real rank 0 (rules, scheduler, messages) over a network and nodes that "
        "are "
        "models, with\na clock that is moved forward. Calls are answered from an "
        "earlier "
        "run, from examples, and\ntake as long as --mean, the earlier run or `cost:` "
        "say. Without --nodes and --cores: one\nnode like this one.",
    .options = simulate_options,
    .least = 1,
    .most = 1,
    .run = simulate_main,
};
