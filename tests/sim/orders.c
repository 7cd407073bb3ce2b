/* orders.c - the same workflow under 200 orders of results and failures
 *
 * Real compiler, coordinator, scheduler, engine, messages and store; the agents are
 * played here, over the loop link. A seed decides which attempt in flight ends next,
 * which reports come twice, which workers and which node are lost, whether the run is
 * drained in the middle and resumed. What an attempt comes to is decided by the task's
 * identity and the number of the attempt alone, so all seeds have the same outcomes,
 * in another order.
 *
 * What is promised, and compared with seed 0:
 * - how each request ended, and why;
 * - all facts of requests that succeeded, of the calls of workflows in them too.
 * What is not promised:
 * - facts of a request that failed: it stops at the failure, wherever else it was;
 * - the reason, when several things fail a request: the first one stays. Here only
 *   one does;
 * - who is asked first, when rules with different handlers share a task that fails: who
 *   gives up after one failure, and asks when another has retried it already, gets the
 *   result. Here those that share a task treat its failures alike.
 * Checked besides: no attempt whose end was stored is made again, in no session; but
 * for what failed, once, by another agent.
 *
 * `sim_orders SEED` runs one seed alone and prints what it came to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "cli/command.h"
#include "coord/internal.h"
#include "link/link.h"
#include "store/rundir.h"
#include "store/writer.h"
#include "wire/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 200, AGENTS = 3, CORES = 6 };

#define FUNCTION(name, more)                                                           \
    "  " name ":\n    command: [" name                                                 \
    "]\n    in: {i: int, salt: int, mode: string?}\n"                                  \
    "    out: {i: int, q: float, tag: string}\n    stdout: json\n" more

static const char main_text[] =
    "orrery: 1\nworkflow: orders\n"
    "inputs:\n  n: {type: int, default: 6}\n  salt: {type: int, default: 0}\n"
    "  fatal: {type: bool, default: false}\n  short: {type: bool, default: false}\n"
    "facts:\n"
    "  item: {i: int, group: int}\n"
    "  made: {i: int, group: int, q: float}\n"
    "  pair: {a: int, b: int}\n"
    "  triple: {a: int, b: int, c: int}\n"
    "  group: {g: int}\n"
    "  whole: {g: int, items: list<int>, best: float}\n"
    "  all: {groups: list<int>, sizes: list<int>}\n"
    "  none: {n: int}\n"
    "  trial: {i: int, attempt: int, q: float}\n"
    "  good:\n    fields: {i: int, attempts: int}\n    key: [i]\n"
    "  mood: {i: int, tag: string}\n"
    "  refined: {g: int, total: float}\n"
    "  end: {n: int}\n"
    "  short: {n: int}\n"
    "  hopeless: {i: int, attempts: int}\n"
    "functions:\n" FUNCTION(
        "doomed",
        "    retries: 2\n    retry-delay: 1ms\n") FUNCTION("flaky",
                                                           "    retries: 3\n    "
                                                           "retry-delay: 1ms\n")
        FUNCTION("moody", "") FUNCTION("fatal", "") FUNCTION(
            "look",
            "") "  refine: {workflow: refine.yaml}\n"
                "rules:\n"
                "  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item,"
                " with: {i: i, group: i % 3}}\n"
                "  - {rule: groups, match: {t: item}, assert: group, with: {g: "
                "t.group}}\n"
                "  - rule: make\n    match: {j: job, t: item}\n"
                "    action: {call: flaky, with: {i: t.i, salt: j.salt}}\n"
                "    reaction: [{assert: made, with: {i: t.i, group: t.group, q: "
                "result.q}}]\n"
                "  - rule: make them again\n    match: {j: job, t: item}\n    where: "
                "t.i % 2 == 0\n"
                "    action: {call: flaky, with: {i: t.i, salt: j.salt}}\n"
                "    reaction: [{assert: made, with: {i: t.i, group: t.group, q: "
                "result.q}}]\n"
                "  - rule: pairs\n    match: {a: made, b: made}\n"
                "    where: a.group == b.group and a.i < b.i\n"
                "    assert: pair\n    with: {a: a.i, b: b.i}\n"
                "  - rule: triples\n    match: {p: pair, m: made, t: trial}\n"
                "    where: p.b == m.i and t.i == p.a and t.attempt == 1\n"
                "    assert: triple\n    with: {a: p.a, b: p.b, c: round(t.q * 100)}\n"
                "  - rule: whole\n    match: {j: job, g: group}\n"
                "    gather: {m: made, where: m.group == g.g, count: (j.n + 2 - g.g) "
                "// 3,"
                " order: -m.i}\n"
                "    assert: whole\n    with: {g: g.g, items: m.i, best: max(m.q)}\n"
                "  - rule: all\n    match: {j: job}\n"
                "    gather: {w: whole, where: w.g >= 0, count: min(j.n, 3), order: "
                "w.g}\n"
                "    assert: all\n    with: {groups: w.g, sizes: [len(x) for x in "
                "w.items]}\n"
                "  - rule: none\n    match: {j: job}\n"
                "    gather: {m: made, where: m.i > 1000, count: 0}\n"
                "    assert: none\n    with: {n: len(m.i)}\n"
                "  - rule: try\n    match: {j: job, t: item}\n"
                "    action: {call: look, with: {i: t.i, salt: 1}}\n"
                "    reaction: [{assert: trial, with: {i: t.i, attempt: 1, q: "
                "result.q}}]\n"
                "  - rule: try harder\n    match: {t: trial}\n"
                "    where: t.q < 0.8 and t.attempt < 6\n"
                "    action: {call: look, with: {i: t.i, salt: t.attempt + 1}}\n"
                "    reaction: [{assert: trial, with: {i: t.i, attempt: t.attempt + 1,"
                " q: result.q}}]\n"
                "  - rule: good\n    match: {t: trial}\n    where: t.q >= 0.8 or "
                "t.attempt >= 6\n"
                "    assert: good\n    with: {i: t.i, attempts: t.attempt}\n"
                "  - rule: moods\n    match: {t: item}\n"
                "    action: {call: moody, with: {i: t.i, salt: 0}}\n"
                "    reaction: [{assert: mood, with: {i: t.i, tag: result.tag}}]\n"
                "    error:\n"
                "      - {when: error.kind == \"timeout\", retry: {max: 2, with: "
                "{mode: \"safe\"}}}\n"
                "      - {when: error.kind == \"memory\", retry: {max: 2}}\n"
                "      - {when: error.code == 7, assert: mood, with: {i: t.i, tag: "
                "error.message}}\n"
                "      - {when: error.code == 5, skip: true}\n"
                "      - fail: \"mood {t.i}: {error.message}\"\n"
                "  - rule: doomed\n    match: {t: item}\n"
                "    action: {call: doomed, with: {i: t.i, salt: 0}}\n"
                "    error: [{assert: hopeless, with: {i: t.i, attempts: attempt}}]\n"
                "  - rule: refine\n    match: {j: job, w: whole}\n"
                "    action: {call: refine, with: {parts: w.items, salt: w.g}}\n"
                "    reaction: [{assert: refined, with: {g: w.g, total: "
                "result.total.q}}]\n"
                "  - rule: fatal\n    match: {j: job, a: all}\n    where: j.fatal\n"
                "    action: {call: fatal, with: {i: 0, salt: j.salt}}\n"
                "    error: [{fail: \"no good: {error.message}\"}]\n"
                "  - rule: short\n    match: {j: job}\n    where: j.short\n"
                "    gather: {m: mood, where: m.i >= 0, count: 1000}\n"
                "    assert: short\n    with: {n: len(m.i)}\n"
                "  - rule: not short\n    match: {j: job}\n    where: not j.short\n"
                "    assert: short\n    with: {n: 0}\n"
                "  - rule: end\n    match: {j: job, a: all, z: none}\n"
                "    gather: {r: refined, where: r.g >= 0, count: len(a.groups)}\n"
                "    assert: end\n    with: {n: len(r.g)}\n"
                "outputs:\n  end: {fact: end}\n  short: {fact: short}\n  goods: {each: "
                "good}\n";

static const char refine_text[] =
    "orrery: 1\nworkflow: refine\n"
    "inputs:\n  parts: {type: list<int>}\n  salt: {type: int}\n"
    "facts:\n  part: {i: int}\n  done: {i: int, q: float}\n  total: {q: float}\n"
    "functions:\n  polish: {workflow: polish.yaml}\n"
    "rules:\n"
    "  - {rule: parts, match: {j: job}, for: i in j.parts, assert: part, with: {i: "
    "i}}\n"
    "  - rule: polish\n    match: {p: part}\n"
    "    action: {call: polish, with: {i: p.i}}\n"
    "    reaction: [{assert: done, with: {i: p.i, q: result.mark.q}}]\n"
    "  - rule: total\n    match: {j: job}\n"
    "    gather: {d: done, where: d.i >= 0, count: len(j.parts), order: d.i}\n"
    "    assert: total\n    with: {q: sum(d.q)}\n"
    "outputs: {total: {fact: total}}\n";

static const char polish_text[] =
    "orrery: 1\nworkflow: polish\n"
    "inputs:\n  i: {type: int}\n"
    "facts:\n  mark: {q: float}\n"
    "functions:\n" FUNCTION(
        "flaky",
        "    retries: 3\n    retry-delay: 1ms\n") "steps:\n"
                                                  "  - {step: rough, call: flaky, for: "
                                                  "k in range(3), with: {i: inputs.i, "
                                                  "salt: k}}\n"
                                                  "  - {step: fine, call: flaky, with: "
                                                  "{i: len(rough.i), salt: inputs.i}}\n"
                                                  "rules:\n"
                                                  "  - rule: mark\n    match: {r: "
                                                  "fine}\n    assert: mark\n    with: "
                                                  "{q: r.q}\n"
                                                  "outputs: {mark: {fact: mark}}\n";

static const char job_text[] =
    "orrery: 1\njob: orders\nworkflow: orders.yaml\nrequests:\n"
    "  - {n: 7}\n  - {n: 4}\n  - {n: 7, salt: 1}\n  - {n: 5, fatal: true}\n"
    "  - {n: 3, short: true}\n  - {n: 0}\n";

/* ---- random, but the same for a seed ---- */

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state = dice->state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(dice->state >> 33) % sides;
}

/* ---- the session ---- */

struct attempt { /* that an agent was told to make */
    uint32_t agent;
    uint32_t task;
    uint32_t number;
    uint32_t function;
    struct orr_id identity;
    void *args;
    uint32_t args_length;
};

struct session {
    uint64_t seed;
    struct dice dice;
    char root[64];
    char *run_path;
    struct orr_rundir *dir;
    struct orr_loop_hub *hub;
    struct orr_coord *coord;
    struct orr_progress *progress;
    struct orr_writer *writers[AGENTS + 1]; /* of a session that is resumed */
    bool cut[AGENTS + 1];
    bool left[AGENTS + 1];
    struct attempt *flying;
    size_t n, cap;
    struct orr_map made; /* attempts that ended and were stored, in all sessions */
    uint64_t ended;
    uint64_t lost; /* workers */
    bool loses_node, drains;
};

static struct orr_job *job; /* compiled once */
static struct orri_texts texts;

static void must(const struct session *s, orr_status status,
                 const struct orr_error *err)
{
    if (status != ORR_OK)
        fail_msg("seed %llu: %s", (unsigned long long)s->seed, err->text);
}

static void compile(void)
{
    static const struct {
        const char *name, *text;
    } files[] = { { "job.yaml", job_text },
                  { "orders.yaml", main_text },
                  { "refine.yaml", refine_text },
                  { "polish.yaml", polish_text } };
    char root[] = "/tmp/orrery-orders-XXXXXX";
    struct orr_error err = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_sources sources = orri_texts_sources(&texts);
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = orr_path_join(root, files[i].name);
        assert_int_equal(
            orr_file_write(path, files[i].text, strlen(files[i].text), false, &err),
            ORR_OK);
        free(path);
    }
    char *path = orr_path_join(root, "job.yaml");
    job = orr_job_compile(path, &sources, NULL, 0, orri_registry(), &diags);
    (void)orri_print_findings(&diags, &texts, true);
    assert_non_null(job);
    orr_diags_release(&diags);
    free(path);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        path = orr_path_join(root, files[i].name);
        (void)unlink(path);
        free(path);
    }
    (void)rmdir(root);
}

static void say(struct session *s, uint32_t rank, struct orr_bytes *bytes)
{
    struct orr_error err = { 0 };
    must(s,
         orr_link_send(orr_loop_hub_link(s->hub, rank), (orr_rank) { 0 }, bytes->data,
                       bytes->length, &err),
         &err);
    orr_bytes_release(bytes);
}

static void say_hello(struct session *s, uint32_t rank)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_hello_put(&out, &(struct orr_hello) { .wire_version = ORR_WIRE_VERSION,
                                              .version = ORR_VERSION,
                                              .digest = job->graph->digest,
                                              .host = "sim",
                                              .rank = rank,
                                              .cores = CORES,
                                              .workers = 1,
                                              .bind = "" });
    say(s, rank, &out);
}

static void begin(struct session *s, bool resume)
{
    struct orr_error err = { 0 };
    s->hub = orr_loop_hub_new(AGENTS + 1);
    must(s,
         resume ? orr_rundir_open(s->run_path, &s->dir, &err)
                : orr_rundir_create(s->run_path, &s->dir, &err),
         &err);
    s->progress = orr_progress_new(stderr, 0, true);
    struct orr_coord_setup setup = {
        .link = orr_loop_hub_link(s->hub, 0),
        .graph = job->graph,
        .requests = job->requests,
        .n_requests = job->n_requests,
        .agents = AGENTS,
        .run_dir = orr_rundir_path(s->dir),
        .run_id = orr_rundir_id(s->dir),
        .epoch = orr_rundir_epoch(s->dir),
        .name = "orders",
        .progress = s->progress,
        .lost_after = ORR_SECOND / 20,
    };
    if (!s->loses_node)
        setup.lost_after = 100 * ORR_SECOND;
    must(s, orr_coord_new(&setup, &s->coord, &err), &err);
    for (uint32_t rank = 1; rank <= AGENTS; rank++) {
        struct orr_writer_options options = { .run_dir = orr_rundir_path(s->dir),
                                              .run_id = orr_rundir_id(s->dir),
                                              .writer = rank,
                                              .epoch = orr_rundir_epoch(s->dir),
                                              .durability = ORR_DURABILITY_NONE,
                                              .segment_bytes = 1 << 20,
                                              .no_index = true };
        if (s->drains && !resume)
            must(s, orr_writer_open(&options, &s->writers[rank], &err), &err);
        s->cut[rank] = s->left[rank] = false;
        say_hello(s, rank);
    }
}

static void end(struct session *s)
{
    struct orr_error err = { 0 };
    for (uint32_t rank = 1; rank <= AGENTS; rank++) {
        if (s->writers[rank])
            must(s, orr_writer_close(s->writers[rank], false, &err), &err);
        s->writers[rank] = NULL;
    }
    for (size_t i = 0; i < s->n; i++)
        free(s->flying[i].args);
    s->n = 0;
    orr_coord_free(s->coord);
    orr_progress_free(s->progress);
    orr_loop_hub_free(s->hub);
    orr_rundir_close(s->dir);
}

/* ---- what an attempt comes to ---- */

static uint64_t fate_of(const struct attempt *a, const char *what)
{
    return orr_hash64(what, strlen(what), a->identity.hi ^ a->identity.lo);
}

/* The function as its own workflow names it: "refine.polish.flaky" is "flaky". */
static const char *function_of(const struct attempt *a)
{
    const char *name = job->graph->functions[a->function].name;
    return strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
}

static bool is_safe(const struct attempt *a)
{
    static const char safe[] = "safe";
    for (uint32_t i = 0; i + 4 <= a->args_length; i++)
        if (memcmp((const char *)a->args + i, safe, 4) == 0)
            return true;
    return false;
}

/* The kind of its failure, NONE: it succeeds. */
static enum orr_fail_kind failure_of(const struct attempt *a, int64_t *code)
{
    uint64_t fate = fate_of(a, "fate");
    *code = 1;
    if (strcmp(function_of(a), "fatal") == 0 || strcmp(function_of(a), "doomed") == 0)
        return ORR_FAIL_EXIT;
    if (strcmp(function_of(a), "flaky") == 0)
        return a->number <= fate % 4 ? ORR_FAIL_EXIT : ORR_FAIL_NONE;
    if (strcmp(function_of(a), "moody") != 0 || is_safe(a))
        return ORR_FAIL_NONE;
    switch (fate % 5) {
    case 0: *code = 7; return ORR_FAIL_EXIT;
    case 1: *code = 5; return ORR_FAIL_EXIT;
    case 2: return ORR_FAIL_TIMEOUT;
    case 3: return a->number == 1 ? ORR_FAIL_MEMORY : ORR_FAIL_NONE;
    default: return ORR_FAIL_NONE;
    }
}

static void put_results(const struct attempt *a, struct orr_bytes *out)
{
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_record *record =
        orr_record_new(&arena, job->graph->functions[a->function].results);
    char tag[20];
    (void)snprintf(tag, sizeof tag, "%llx", (unsigned long long)fate_of(a, "tag"));
    record->fields[0] = orr_int((int64_t)(fate_of(a, "i") % 1000));
    record->fields[1] = orr_float((double)(fate_of(a, "q") % 1000) / 1000);
    record->fields[2] = orr_string_new(&arena, ORR_KIND_STRING, tag, strlen(tag));
    orr_value_put(out, orr_value_of_record(record));
    orr_arena_release(&arena);
}

static void store(struct session *s, const struct attempt *a,
                  const struct orr_done *done)
{
    struct orr_stored stored = { .id = a->identity,
                                 .function = job->graph->functions[a->function].name,
                                 .attempt = a->number,
                                 .failure = (enum orr_fail_kind)done->failure,
                                 .code = (int32_t)done->code,
                                 .message = done->message,
                                 .args = a->args,
                                 .args_bytes = a->args_length,
                                 .results = done->results,
                                 .results_bytes = done->results_length,
                                 .host = "sim",
                                 .rank = a->agent };
    if (s->writers[a->agent])
        assert_true(orr_writer_put(s->writers[a->agent], &stored, -1, 0, 0));
}

/* ---- agents ---- */

static void take_assignment(struct session *s, uint32_t rank,
                            const struct orr_assignment_run *run, uint32_t i)
{
    struct orr_assignment a;
    unsigned char *args = orr_alloc(run->args.length + 1, 1);
    orr_assignment_of(run, i, args, &a);
    s->flying = orr_grow(s->flying, s->n, &s->cap, sizeof *s->flying);
    s->flying[s->n++] = (struct attempt) { .agent = rank,
                                           .task = a.task,
                                           .number = a.attempt,
                                           .function = a.function,
                                           .identity = a.identity,
                                           .args = args,
                                           .args_length = a.args_length };
}

static void take_assignments(struct session *s, uint32_t rank, struct orr_reader *in)
{
    while (orr_reader_left(in)) {
        struct orr_assignment_run run;
        assert_int_equal(orr_assignment_run_get(in, &run), ORR_OK);
        for (uint32_t i = 0; i < run.n; i++)
            take_assignment(s, rank, &run, i);
    }
}

/* Attempts of an agent that end without a report. */
static void forget(struct session *s, uint32_t rank)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->flying[i].agent == rank)
            free(s->flying[i].args);
        else
            s->flying[kept++] = s->flying[i];
    }
    s->n = kept;
}

static void leave(struct session *s, uint32_t rank)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    forget(s, rank);
    orr_bye_put(&out, &(struct orr_bye) { .rank = rank, .workers = 1 });
    s->left[rank] = true;
    say(s, rank, &out);
}

static void listen(struct session *s, uint32_t rank)
{
    const void *data = NULL;
    size_t length = 0;
    orr_rank from;
    struct orr_error err = { 0 };
    while (orr_link_receive(orr_loop_hub_link(s->hub, rank), &from, &data, &length,
                            &err) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        enum orr_message message = orr_message_of(&in);
        if (message == ORR_MESSAGE_ASSIGN)
            take_assignments(s, rank, &in);
        else if (message == ORR_MESSAGE_ABANDON)
            forget(s, rank);
        else if (message == ORR_MESSAGE_STOP && !s->left[rank])
            leave(s, rank);
    }
}

static void report(struct session *s, const struct attempt *a,
                   const struct orr_done *done)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_batch_begin(&out, ORR_MESSAGE_DONE);
    orr_done_put(&out, done);
    /* A node that was given up and comes back: its result counts, and is the second. */
    if (done->failure == ORR_FAIL_NONE && roll(&s->dice, 8) == 0)
        orr_done_put(&out, done);
    say(s, a->agent, &out);
}

/* Sessions count attempts together: what one made, and stored, no other makes again. In
 * one, what failed may be made once more, by another agent: it may be the node's fault.
 */
static void check_made_once(struct session *s, const struct attempt *a)
{
    const uint64_t again = UINT64_C(1) << 63;
    bool fresh = false;
    int64_t code = 0;
    uint64_t key = orr_hash64(&a->identity, sizeof a->identity, a->number);
    uint64_t by = (uint64_t)orr_rundir_epoch(s->dir) << 8 | a->agent;
    uint64_t *made = orr_map_insert(&s->made, key, &fresh);
    bool opinion = !fresh && failure_of(a, &code) != ORR_FAIL_NONE &&
                   *made >> 8 == by >> 8 && *made != by;
    *made = fresh ? by : *made | again;
    if (!fresh && !opinion)
        fail_msg("seed %llu: attempt %u of a task of %s was made twice",
                 (unsigned long long)s->seed, a->number, function_of(a));
}

/* One attempt in flight ends. */
static void end_one(struct session *s)
{
    size_t pick = roll(&s->dice, (uint32_t)s->n);
    struct attempt a = s->flying[pick];
    struct orr_bytes results = ORR_BYTES_INIT;
    struct orr_done done = { .task = a.task,
                             .attempt = a.number,
                             .rank = a.agent,
                             .message = "",
                             .counters = "",
                             .t_end = 1000 };
    s->flying[pick] = s->flying[--s->n];
    if (!s->loses_node && orri_record(s->coord, a.task)->lost == 0 &&
        roll(&s->dice, 12) == 0) {
        done.failure = ORR_FAIL_LOST;
        done.message = "its worker was lost";
        s->lost++;
    } else {
        done.failure = (uint8_t)failure_of(&a, &done.code);
        done.message = done.failure ? "as it is" : "";
        if (!done.failure)
            put_results(&a, &results);
        done.results = results.data;
        done.results_length = (uint32_t)results.length;
        check_made_once(s, &a);
        store(s, &a, &done);
        s->ended++;
    }
    report(s, &a, &done);
    orr_bytes_release(&results);
    free(a.args);
}

static void beat(struct session *s, uint32_t rank)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_beat_put(&out, &(struct orr_beat) { .cores = CORES });
    say(s, rank, &out);
}

/* One turn of everybody; false at the end. */
static bool turn(struct session *s)
{
    struct orr_error err = { 0 };
    orr_status status = orr_coord_step(s->coord, &err);
    if (status == ORR_END)
        return false;
    must(s, status, &err);
    for (uint32_t rank = 1; rank <= AGENTS; rank++) {
        if (s->cut[rank] || s->left[rank])
            continue;
        listen(s, rank);
        if (s->loses_node && !s->left[rank])
            beat(s, rank);
    }
    for (uint32_t n = roll(&s->dice, 4); n && s->n; n--)
        end_one(s);
    if (s->n == 0)
        (void)usleep(s->loses_node ? 200 : 50); /* for a delay, or a node to be lost */
    return true;
}

static void cut_node(struct session *s)
{
    uint32_t rank = 1 + roll(&s->dice, AGENTS);
    s->cut[rank] = true;
    orr_loop_hub_cut(s->hub, rank);
    forget(s, rank);
}

static void go_on(struct session *s, bool resumed)
{
    uint64_t at = s->ended + 20 + roll(&s->dice, 80);
    bool done = false;
    while (turn(s)) {
        if (done || s->ended < at)
            continue;
        done = true;
        if (s->drains && !resumed)
            orr_coord_drain(s->coord, ORR_RUN_DRAINED, 0);
        else if (s->loses_node)
            cut_node(s);
    }
}

/* ---- what it came to ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Does a request that succeeded stand behind the scope? */
static bool counts(struct orr_engine *engine, uint32_t scope, uint32_t request)
{
    orr_task_id task = { orr_engine_scope_task(engine, scope) };
    if (task.v == ORR_NONE)
        return orr_engine_request_state(engine, request, NULL) == ORR_REQUEST_SUCCEEDED;
    for (uint32_t f = orr_engine_next_asking(engine, task, ORR_NONE); f != ORR_NONE;
         f = orr_engine_next_asking(engine, task, f)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, f);
        if (counts(engine, firing.scope, firing.request))
            return true;
    }
    return false;
}

/* "0 item {...}", or "call refine.part {...}": a call belongs to all who asked for it,
 * not to the request that was first. */
static char *fact_line(struct orr_engine *engine, uint32_t type, uint32_t index)
{
    struct orr_text line = ORR_TEXT_INIT;
    uint32_t request = orr_engine_request_of(engine, type, index);
    struct orr_arena arena = ORR_ARENA_INIT;
    uint32_t scope = orr_engine_scope_of(engine, type, index);
    uint32_t task = orr_engine_scope_task(engine, scope);
    if (!counts(engine, scope, request))
        return NULL;
    if (task == ORR_NONE) {
        orr_text_printf(&line, "%u", request);
    } else {
        char hex[ORR_ID_TEXT];
        orr_id_text(orr_engine_task(engine, (orr_task_id) { task })->identity, hex);
        orr_text_printf(&line, "call %s", hex);
    }
    orr_text_printf(&line, " %s ", job->graph->facts[type].name);
    orr_value_print(orr_engine_fact(engine, type, index, &arena), &line);
    orr_arena_release(&arena);
    return line.s;
}

static void put_facts(struct session *s, struct orr_text *out)
{
    struct orr_engine *engine = s->coord->engine;
    char **lines = NULL;
    size_t n = 0;
    size_t cap = 0;
    for (uint32_t t = 0; t < job->graph->n_facts; t++)
        for (uint32_t i = 0; i < orr_engine_facts(engine, t); i++) {
            char *line = fact_line(engine, t, i);
            if (!line)
                continue;
            lines = orr_grow(lines, n, &cap, sizeof *lines);
            lines[n++] = line;
        }
    if (n)
        qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++) {
        orr_text_printf(out, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

static char *tell(struct session *s)
{
    static const char *const states[] = { "running", "succeeded", "failed" };
    struct orr_engine *engine = s->coord->engine;
    struct orr_text out = ORR_TEXT_INIT;
    for (uint32_t r = 0; r < orr_engine_requests(engine); r++) {
        struct orr_text why = ORR_TEXT_INIT;
        enum orr_request_state state = orr_engine_request_state(engine, r, &why);
        orr_text_printf(&out, "request %u %s: %s\n", r, states[state],
                        why.s && state == ORR_REQUEST_FAILED ? why.s : "");
        orr_text_release(&why);
    }
    put_facts(s, &out);
    return out.s;
}

struct seen { /* over all seeds: each of these must have happened */
    uint32_t drained, lost_nodes, lost_workers, resumed;
};

static char *run_seed(uint64_t seed, struct seen *seen)
{
    struct session s = { .seed = seed };
    char command[120];
    s.dice.state = seed * 0x9E3779B97F4A7C15ULL + 1;
    s.drains = seed && seed % 5 == 0;
    s.loses_node = seed && seed % 7 == 0;
    /* In memory where that is possible: nearly all of the time goes to fsync. */
    (void)snprintf(s.root, sizeof s.root, "%s/orrery-orders-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(s.root));
    s.run_path = orr_path_join(s.root, "run");
    begin(&s, false);
    go_on(&s, false);
    seen->lost_nodes += orr_coord_status(s.coord)->lost_nodes;
    if (s.drains && orr_coord_status(s.coord)->state == ORR_RUN_DRAINED) {
        seen->drained++;
        end(&s);
        begin(&s, true);
        go_on(&s, true);
        seen->resumed += orr_coord_status(s.coord)->reused > 0;
        seen->lost_nodes += orr_coord_status(s.coord)->lost_nodes;
    }
    assert_int_equal(orr_engine_pending(s.coord->engine), 0);
    seen->lost_workers += (uint32_t)s.lost;
    char *out = tell(&s);
    end(&s);
    orr_map_release(&s.made);
    free(s.flying);
    free(s.run_path);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", s.root);
    assert_int_equal(system(command), 0);
    return out;
}

/* The first line that differs. */
static void complain(uint64_t seed, const char *first, const char *other)
{
    size_t at = 0;
    while (first[at] && first[at] == other[at])
        at++;
    while (at && first[at - 1] != '\n')
        at--;
    fail_msg("seed %llu differs from seed 0 (sim_orders %llu runs it alone):\n  seed "
             "0: %.*s\n  seed %llu: %.*s",
             (unsigned long long)seed, (unsigned long long)seed,
             (int)strcspn(first + at, "\n"), first + at, (unsigned long long)seed,
             (int)strcspn(other + at, "\n"), other + at);
}

static void every_order_gives_the_same_facts(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    char *first = run_seed(0, &seen);
    assert_non_null(strstr(first, "request 0 succeeded"));
    assert_non_null(strstr(first, "hopeless {i: 0, attempts: 3}"));
    assert_non_null(strstr(first, "request 3 failed: no good: as it is"));
    assert_non_null(strstr(first, "request 4 failed: output 'short' has no fact"));
    assert_non_null(strstr(first, "request 5 failed: output 'goods' has no fact"));
    for (uint64_t seed = 1; seed < SEEDS; seed++) {
        char *other = run_seed(seed, &seen);
        if (strcmp(first, other) != 0)
            complain(seed, first, other);
        free(other);
    }
    assert_true(seen.drained > SEEDS / 10);
    assert_true(seen.resumed > SEEDS / 10);
    assert_true(seen.lost_nodes > SEEDS / 10);
    assert_true(seen.lost_workers > SEEDS);
    free(first);
}

static int run_alone(uint64_t seed)
{
    struct seen seen = { 0 };
    char *out = run_seed(seed, &seen);
    (void)fputs(out, stdout);
    free(out);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_gives_the_same_facts),
    };
    compile();
    int code = argc > 1 ? run_alone(strtoull(argv[1], NULL, 10))
                        : cmocka_run_group_tests(tests, NULL, NULL);
    orr_job_free(job);
    orri_texts_release(&texts);
    return code;
}
