/* workflow.c - a batch as a workflow: a few rules for any number of tasks
 * Where tasks wait for others: a task is ready when as many signals came as it has
 * parents (gather); each that has ended signals its children. A task that failed stops
 * only those that depend on it. Owns nothing. */
#include "import/internal.h"

#include <inttypes.h>
#include <string.h>

struct writer {
    const struct orr_import *import;
    const struct orr_import_options *options;
    struct orr_text *out;
    bool edges;       /* tasks wait for others */
    bool commands;    /* else they sleep */
    const char *pass; /* kind of the tasks of that role, or NULL: there are none */
    const char *check;
};

static void puts_to(struct writer *w, const char *text) { orr_text_puts(w->out, text); }

/* ---- head, inputs, facts ---- */

static void put_head(struct writer *w, const char *name, const char *from)
{
    orr_text_printf(w->out, "# %s.yaml : made by `orrery import` from ", name);
    orri_put_text(w->out, from);
    orr_text_printf(w->out,
                    "\n#\n#   orrery run %s.job.yaml --dry-run    what would be run\n"
                    "#   orrery run %s.job.yaml              run it\n"
                    "orrery: 1\nworkflow: %s\ndoc: %s %s, %zu tasks.\n\n",
                    name, name, name, w->commands ? "A" : "Times of a",
                    w->import->format, orr_import_calls(w->import));
}

static void put_inputs(struct writer *w)
{
    puts_to(w, "inputs:\n  tasks: {type: list<task>, doc: \"in the order of the "
               "file\"}\n");
    if (w->commands)
        puts_to(w, "  directory: {type: string, doc: \"where commands run\"}\n");
    else
        puts_to(w, "  scale: {type: float, default: 1.0, doc: \"part of the recorded "
                   "time that is waited\"}\n");
}

static void put_facts(struct writer *w)
{
    const struct orr_import *import = w->import;
    puts_to(w, "\nfacts:\n  task:\n    fields:\n      n: int\n      id: string\n"
               "      kind: string\n");
    if (w->edges)
        puts_to(w, "      parents: int\n      children: list<int>\n");
    puts_to(w, w->commands ? "      command: string\n" : "");
    puts_to(w, import->has_seconds ? "      seconds: float\n" : "");
    puts_to(w, import->has_priority ? "      priority: int\n" : "");
    puts_to(w, import->has_index ? "      index: int\n" : "");
    puts_to(w, import->has_memory ? "      memory: size?\n" : "");
    puts_to(w, import->has_sizes ? "      reads: size?\n      writes: size?\n" : "");
    puts_to(w, "    key: [n]\n");
    if (w->edges)
        puts_to(w, "  ready: {n: int, kind: string, key: [n]}\n"
                   "  signal: {from: int, to: int, good: bool}\n");
    puts_to(w, "  ended:\n    fields: {n: int, id: string, outcome: string, message: "
               "string?");
    puts_to(w, w->commands ? ", stdout: blob?" : "");
    puts_to(w, "}\n    key: [n]\n");
    puts_to(w, w->edges
                   ? "    doc: outcome is done, failed, or skipped after a failure\n"
                   : "    doc: outcome is done or failed\n");
    puts_to(w, "  summary: {done: int, failed: int, ");
    puts_to(w, w->edges ? "skipped: int, " : "");
    puts_to(w, "failures: list<string>}\n  success: {tasks: int}\n");
}

/* ---- functions ---- */

static void put_limits(struct writer *w, const struct orr_import_kind *kind)
{
    if (kind->cores > 1)
        orr_text_printf(w->out, "    cores: %" PRIu32 "\n", kind->cores);
    if (kind->retries)
        orr_text_printf(w->out, "    retries: %" PRIu32 "\n", kind->retries);
    if (w->options->memory)
        orr_text_printf(w->out, "    memory: %s\n", w->options->memory);
    else if (w->options->limit_memory && kind->memory)
        orr_text_printf(w->out, "    memory: %" PRId64 "MiB\n",
                        (kind->memory + (1 << 20) - 1) >> 20);
    if (w->options->timeout)
        orr_text_printf(w->out, "    timeout: %s\n", w->options->timeout);
}

static void put_command(struct writer *w)
{
    orr_text_printf(w->out,
                    "    shell: |\n      exec %s -c {command} > {out.stdout}\n"
                    "    in: {n: int, command: string, directory: string%s%s}\n"
                    "    out: {stdout: blob}\n"
                    "    cwd: \"{path(directory)}\"\n",
                    w->options->shell, w->import->has_index ? ", index: int" : "",
                    w->import->has_seconds ? ", seconds: float" : "");
    puts_to(w, "    env: {ORRERY_TASK: \"{n}\"");
    if (w->import->is_list)
        puts_to(w, ", PARALLEL_SEQ: \"{n}\", LAUNCHER_JID: \"{n}\"");
    if (w->import->has_index)
        puts_to(w,
                ", DISBATCH_TASKID: \"{n - 1}\", DISBATCH_REPEAT_INDEX: \"{index}\"");
    orr_text_printf(w->out, "}\n%s    example: {stdout: \"\"}\n",
                    w->import->has_seconds ? "    cost: seconds\n" : "");
}

static void put_functions(struct writer *w)
{
    puts_to(w, "\nfunctions:\n");
    for (size_t i = 0; i < w->import->n_kinds; i++) {
        const struct orr_import_kind *kind = &w->import->kinds[i];
        if (kind->role != ORR_IMPORT_CALL || kind->n_tasks == 0)
            continue;
        orr_text_printf(w->out, "  %s:\n", kind->name);
        if (w->commands)
            put_command(w);
        else
            puts_to(w, "    use: core.sleep\n    cost: seconds(time)\n"
                       "    example: {i: i}\n");
        put_limits(w, kind);
    }
    puts_to(w,
            "  judge:\n    doc: exits with the number of tasks that did not succeed, "
            "as GNU parallel does\n    shell: exit {min(bad, 101)}\n"
            "    in: {bad: int}\n    example: {}\n");
}

/* ---- rules ---- */

static void put_start(struct writer *w)
{
    puts_to(w, "\nrules:\n  - rule: list the tasks\n    match: {j: job}\n"
               "    for: t in j.tasks\n    assert: task\n    with: t\n");
    if (!w->edges)
        return;
    puts_to(w, "\n  - rule: start what waits for nothing more\n    match: {t: task}\n"
               "    gather: {s: signal, where: s.to == t.n, count: t.parents}\n"
               "    then:\n");
    puts_to(w, "      - when: all(s.good)");
    if (w->pass)
        orr_text_printf(w->out, " or t.kind == \"%s\"", w->pass);
    puts_to(w, "\n        assert: ready\n        with: {n: t.n, kind: t.kind}\n"
               "      - when: not all(s.good)");
    if (w->pass)
        orr_text_printf(w->out, " and t.kind != \"%s\"", w->pass);
    puts_to(w, "\n        assert: ended\n        with:\n          n: t.n\n"
               "          id: t.id\n");
    if (w->check) /* what is no call is not counted */
        orr_text_printf(w->out,
                        "          outcome: \"{'blocked' if t.kind == '%s' else "
                        "'skipped'}\"\n",
                        w->check);
    else
        puts_to(w, "          outcome: \"skipped\"\n");
}

static void put_call(struct writer *w, const struct orr_import_kind *kind)
{
    const struct orr_import *import = w->import;
    orr_text_printf(w->out, "\n  - rule: %s\n", kind->name);
    if (w->edges)
        orr_text_printf(w->out,
                        "    match: {j: job, r: ready, t: task}\n"
                        "    where: r.kind == \"%s\" and t.n == r.n\n",
                        kind->name);
    else
        orr_text_printf(w->out,
                        "    match: {j: job, t: task}\n    where: t.kind == \"%s\"\n",
                        kind->name);
    orr_text_printf(w->out, "    action:\n      call: %s\n", kind->name);
    if (w->commands)
        orr_text_printf(w->out,
                        "      with: {n: t.n, command: t.command, directory: "
                        "j.directory%s%s}\n",
                        import->has_index ? ", index: t.index" : "",
                        import->has_seconds ? ", seconds: t.seconds" : "");
    else
        puts_to(w, "      with: {i: t.n, time: 1s * (t.seconds * j.scale)}\n");
    puts_to(w, import->has_priority ? "      priority: t.priority\n" : "");
    orr_text_printf(w->out,
                    "    reaction:\n      - assert: ended\n"
                    "        with: {n: t.n, id: t.id, outcome: \"done\"%s}\n"
                    "    error:\n      - assert: ended\n"
                    "        with: {n: t.n, id: t.id, outcome: \"failed\", message: "
                    "\"{error.kind} {error.code}: {error.message}\"}\n",
                    w->commands ? ", stdout: result.stdout" : "");
}

static void put_pass(struct writer *w, const struct orr_import_kind *kind)
{
    orr_text_printf(w->out,
                    "\n  - rule: pass a %s\n    match: {r: ready, t: task}\n"
                    "    where: r.kind == \"%s\" and t.n == r.n\n    assert: ended\n"
                    "    with: {n: t.n, id: t.id, outcome: \"passed\"}\n",
                    kind->name, kind->name);
}

static void put_calls(struct writer *w)
{
    for (size_t i = 0; i < w->import->n_kinds; i++) {
        const struct orr_import_kind *kind = &w->import->kinds[i];
        if (kind->n_tasks == 0)
            continue;
        if (kind->role == ORR_IMPORT_CALL)
            put_call(w, kind);
        else
            put_pass(w, kind);
    }
    if (!w->edges)
        return;
    puts_to(w, "\n  # Tasks do not wait in a circle: import looked.\n"
               "  - rule: signal those that wait\n    match: {e: ended, t: task}\n"
               "    where: t.n == e.n and len(t.children) > 0\n"
               "    for: c in t.children\n    assert: signal\n"
               "    with: {from: e.n, to: c, good: e.outcome == \"done\" or "
               "e.outcome == \"passed\"}\n");
}

static void put_end(struct writer *w)
{
    puts_to(w, "\n  - rule: sum up\n    match: {j: job}\n"
               "    gather: {e: ended, count: len(j.tasks), order: e.n}\n"
               "    assert: summary\n    with:\n"
               "      done: \"{len([o for o in e.outcome if o == 'done'])}\"\n"
               "      failed: \"{len([o for o in e.outcome if o == 'failed'])}\"\n");
    if (w->edges)
        puts_to(w, "      skipped: \"{len([o for o in e.outcome if o == "
                   "'skipped'])}\"\n");
    puts_to(w, "      failures: \"{[e.id[n - 1] for n in e.n if e.outcome[n - 1] == "
               "'failed']}\"\n");
    orr_text_printf(w->out,
                    "\n  - rule: judge\n    match: {s: summary}\n"
                    "    action: {call: judge, with: {bad: s.failed%s}}\n"
                    "    reaction:\n      - assert: success\n"
                    "        with: {tasks: s.done}\n    error:\n"
                    "      - fail: \"{s.failed} of {s.done + s.failed%s} tasks failed: "
                    "{join([s.failures[i] for i in range(min(10, s.failed))], ', ')}"
                    "{', ...' if s.failed > 10 else ''}%s\"\n"
                    "\noutputs:\n  summary: {fact: summary}\n"
                    "  success: {fact: success, doc: \"all tasks are done\"}\n",
                    w->edges ? " + s.skipped" : "", w->edges ? " + s.skipped" : "",
                    w->edges ? "{'; not started because of that: ' + str(s.skipped) if "
                               "s.skipped > 0 else ''}"
                             : "");
}

void orr_import_workflow(const struct orr_import *import,
                         const struct orr_import_options *options, const char *name,
                         const char *from, struct orr_text *out)
{
    struct writer w = { .import = import,
                        .options = options,
                        .out = out,
                        .edges = import->n_edges > 0,
                        .commands = options->commands };
    for (size_t i = 0; i < import->n_kinds; i++) {
        if (import->kinds[i].role == ORR_IMPORT_PASS)
            w.pass = import->kinds[i].name;
        if (import->kinds[i].role == ORR_IMPORT_CHECK)
            w.check = import->kinds[i].name;
    }
    put_head(&w, name, from);
    put_inputs(&w);
    put_facts(&w);
    put_functions(&w);
    put_start(&w);
    put_calls(&w);
    put_end(&w);
}
