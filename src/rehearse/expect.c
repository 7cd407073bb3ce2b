/* expect.c - what a test expected against what came
 * Owns nothing: reads the rehearsal, fills the verdict. */
#include "rehearse/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void complain(struct orr_verdict *out, struct orr_span at, struct orr_text *text)
{
    out->items = orr_grow(out->items, out->n, &out->cap, sizeof *out->items);
    out->items[out->n++] =
        (struct orr_unmet) { at,
                             orr_arena_strdup(&out->arena, text->s ? text->s : "") };
    orr_text_release(text);
}

void orr_verdict_release(struct orr_verdict *verdict)
{
    free(verdict->items);
    orr_arena_release(&verdict->arena);
    *verdict = (struct orr_verdict) { 0 };
}

/* ---- equality as an author means it ---- */

struct judge {
    struct orr_rehearsal *r;
    const struct orr_test *test;
    struct orr_verdict *out;
};

/* Relative paths of results start nowhere yet; those of a test at the workflow. */
static bool same_path(const char *directory, const char *got, const char *wanted)
{
    size_t n = strlen(directory);
    if (strcmp(got, wanted) == 0)
        return true;
    return got[0] != '/' && strncmp(wanted, directory, n) == 0 && wanted[n] == '/' &&
           strcmp(wanted + n + 1, got) == 0;
}

static bool same_float(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) ||
           fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static bool agrees(const char *directory, struct orr_value got, struct orr_value wanted)
{
    if (got.kind != wanted.kind)
        return false;
    if (got.kind == ORR_KIND_PATH)
        return same_path(directory, got.as.s->s, wanted.as.s->s);
    if (got.kind == ORR_KIND_FLOAT)
        return same_float(got.as.f, wanted.as.f);
    if (got.kind != ORR_KIND_LIST && got.kind != ORR_KIND_RECORD)
        return orr_value_equal(got, wanted);
    bool list = got.kind == ORR_KIND_LIST;
    uint32_t n = list ? got.as.list->n : got.as.record->type->n_fields;
    bool same = !list || n == wanted.as.list->n;
    for (uint32_t i = 0; same && i < n; i++)
        same =
            agrees(directory, list ? got.as.list->items[i] : got.as.record->fields[i],
                   list ? wanted.as.list->items[i] : wanted.as.record->fields[i]);
    return same;
}

/* How many of the pattern's fields the record has. */
static uint32_t likeness(const struct judge *j, const struct orr_pattern *pattern,
                         struct orr_value record)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pattern->n; i++)
        n += agrees(j->r->setup.graph->directory,
                    record.as.record->fields[pattern->fields[i]], pattern->values[i]);
    return n;
}

/* How far its numbers are from the pattern's. */
static double distance(const struct orr_pattern *pattern, struct orr_value record)
{
    double sum = 0;
    for (uint32_t i = 0; i < pattern->n; i++) {
        struct orr_value got = record.as.record->fields[pattern->fields[i]];
        struct orr_value wanted = pattern->values[i];
        if (got.kind != wanted.kind)
            continue;
        if (got.kind == ORR_KIND_INT)
            sum += fabs((double)got.as.i - (double)wanted.as.i) /
                   (1 + fabs((double)wanted.as.i));
        if (got.kind == ORR_KIND_FLOAT)
            sum += fabs(got.as.f - wanted.as.f) / (1 + fabs(wanted.as.f));
    }
    return sum;
}

/* ---- a record of its own for each pattern ---- */

struct match {
    const struct judge *j;
    const struct orr_expectation *e;
    const struct orr_value *records;
    uint32_t n;
    uint32_t *pattern_of; /* per record: pattern + 1, 0: free */
    bool *tried;
};

/* Kuhn's way: take a free record, or one whose pattern finds another. */
static bool place(struct match *m, uint32_t pattern)
{
    for (uint32_t i = 0; i < m->n; i++) {
        const struct orr_pattern *p = &m->e->patterns[pattern];
        if (m->tried[i] || likeness(m->j, p, m->records[i]) < p->n)
            continue;
        m->tried[i] = true;
        if (m->pattern_of[i] && !place(m, m->pattern_of[i] - 1))
            continue;
        m->pattern_of[i] = pattern + 1;
        return true;
    }
    return false;
}

/* ---- texts ---- */

static const char *thing(const struct judge *j, const struct orr_expectation *e)
{
    const struct orr_graph *graph = j->r->setup.graph;
    switch (e->what) {
    case ORR_EXPECT_TASKS: return graph->functions[e->index].name;
    case ORR_EXPECT_OUTPUTS: return graph->outputs[e->index].name;
    default: return graph->facts[e->index].name;
    }
}

static const char *noun(const struct orr_expectation *e, bool one)
{
    switch (e->what) {
    case ORR_EXPECT_TASKS: return one ? "call of" : "calls of";
    case ORR_EXPECT_OUTPUTS: return one ? "fact of output" : "facts of output";
    default: return one ? "fact" : "facts";
    }
}

/* As an author writes it: paths from the workflow on; blobs told apart. */
static void print_value(const struct judge *j, struct orr_value v, struct orr_text *out)
{
    const char *directory = j->r->setup.graph->directory;
    size_t n = strlen(directory);
    char hash[ORR_ID_TEXT];
    if (v.kind == ORR_KIND_PATH && strncmp(v.as.s->s, directory, n) == 0 &&
        v.as.s->s[n] == '/') {
        orr_text_json(out, v.as.s->s + n + 1, v.as.s->length - n - 1);
    } else if (v.kind == ORR_KIND_BLOB) {
        orr_id_text(v.as.blob->hash, hash);
        orr_text_printf(out, "blob(%" PRIu64 " bytes, hash %.8s)", v.as.blob->length,
                        hash);
    } else {
        orr_value_print(v, out);
    }
}

static void print_pattern(const struct judge *j, const struct orr_pattern *pattern,
                          const struct orr_record_type *type, struct orr_text *out)
{
    orr_text_puts(out, "{");
    for (uint32_t i = 0; i < pattern->n; i++) {
        orr_text_printf(out, "%s%s: ", i ? ", " : "",
                        type->fields[pattern->fields[i]].name);
        print_value(j, pattern->values[i], out);
    }
    orr_text_puts(out, "}");
}

static void print_difference(const struct judge *j, const struct orr_pattern *pattern,
                             struct orr_value record, struct orr_text *out)
{
    const struct orr_record *got = record.as.record;
    const char *between = "\n  the nearest has ";
    for (uint32_t i = 0; i < pattern->n; i++) {
        uint32_t f = pattern->fields[i];
        if (agrees(j->r->setup.graph->directory, got->fields[f], pattern->values[i]))
            continue;
        orr_text_printf(out, "%s%s: ", between, got->type->fields[f].name);
        print_value(j, got->fields[f], out);
        orr_text_puts(out, " instead of ");
        print_value(j, pattern->values[i], out);
        between = ", ";
    }
    orr_text_puts(out, "\n  it is ");
    orr_value_print(record, out);
}

/* ---- the records of an expectation ---- */

struct records {
    struct orr_arena arena;
    struct orr_value *items;
    uint32_t n;
    uint64_t attempts;
};

static void collect_tasks(const struct judge *j, uint32_t function, struct records *out)
{
    uint32_t n = orr_engine_tasks(j->r->engine);
    out->items = orr_alloc(n, sizeof *out->items);
    for (uint32_t i = 0; i < n; i++) {
        if (orr_engine_task(j->r->engine, (orr_task_id) { i })->function != function ||
            !j->r->tasks[i].attempts)
            continue;
        out->items[out->n++] = orr_rehearsal_args(j->r, i, &out->arena);
        out->attempts += j->r->tasks[i].attempts;
    }
}

static void collect_facts(const struct judge *j, uint32_t type, struct records *out)
{
    uint32_t n = orr_engine_facts(j->r->engine, type);
    out->items = orr_alloc(n, sizeof *out->items);
    for (uint32_t i = 0; i < n; i++)
        out->items[out->n++] = orr_engine_fact(j->r->engine, type, i, &out->arena);
}

static void collect(const struct judge *j, const struct orr_expectation *e,
                    struct records *out)
{
    if (e->what == ORR_EXPECT_TASKS)
        collect_tasks(j, e->index, out);
    else
        collect_facts(j,
                      e->what == ORR_EXPECT_OUTPUTS
                          ? j->r->setup.graph->outputs[e->index].fact
                          : e->index,
                      out);
}

/* ---- one expectation ---- */

/* The record with most fields as wanted, then with the nearest numbers; of equals one
 * that nothing else is matched with. */
static uint32_t nearest(const struct match *m, const struct orr_pattern *pattern)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < m->n; i++) {
        uint32_t likes = likeness(m->j, pattern, m->records[i]);
        uint32_t most = likeness(m->j, pattern, m->records[best]);
        double far = distance(pattern, m->records[i]);
        double least = distance(pattern, m->records[best]);
        bool freer = !m->pattern_of[i] && m->pattern_of[best];
        if (likes > most || (likes == most && (far < least || (far <= least && freer))))
            best = i;
    }
    return best;
}

static void report_missing(const struct match *m, const struct orr_pattern *pattern,
                           const struct orr_record_type *type)
{
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t best = nearest(m, pattern);
    orr_text_printf(&text, "expected a %s '%s' with ", noun(m->e, true),
                    thing(m->j, m->e));
    print_pattern(m->j, pattern, type, &text);
    if (m->n == 0)
        orr_text_puts(&text, ", but there is none at all");
    else if (likeness(m->j, pattern, m->records[best]) == pattern->n)
        orr_text_puts(&text, "; those that there are serve other lines of the list");
    else
        print_difference(m->j, pattern, m->records[best], &text);
    complain(m->j->out, pattern->at, &text);
}

enum { EXTRA_SHOWN = 3 };

static void report_extra(const struct match *m)
{
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t shown = 0;
    orr_text_printf(&text,
                    "expected %u %s '%s', got %u; not expected:", m->e->n_patterns,
                    noun(m->e, m->e->n_patterns == 1), thing(m->j, m->e), m->n);
    uint32_t extra = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->pattern_of[i])
            continue;
        extra++;
        if (shown == EXTRA_SHOWN)
            continue;
        shown++;
        orr_text_puts(&text, "\n  ");
        orr_value_print(m->records[i], &text);
    }
    if (extra > shown)
        orr_text_printf(&text, "\n  and %u more", extra - shown);
    complain(m->j->out, m->e->at, &text);
}

static const struct orr_record_type *record_type(const struct judge *j,
                                                 const struct orr_expectation *e)
{
    const struct orr_graph *graph = j->r->setup.graph;
    if (e->what == ORR_EXPECT_TASKS)
        return graph->functions[e->index].params;
    return graph
        ->facts[e->what == ORR_EXPECT_OUTPUTS ? graph->outputs[e->index].fact
                                              : e->index]
        .record;
}

static void judge_patterns(const struct judge *j, const struct orr_expectation *e,
                           const struct records *records)
{
    struct match m = { .j = j, .e = e, .records = records->items, .n = records->n };
    m.pattern_of = orr_alloc(records->n, sizeof *m.pattern_of);
    m.tried = orr_alloc(records->n, sizeof *m.tried);
    bool *missing = orr_alloc(e->n_patterns, sizeof *missing);
    uint32_t n_missing = 0;
    for (uint32_t p = 0; p < e->n_patterns; p++) {
        for (uint32_t i = 0; i < m.n; i++)
            m.tried[i] = false;
        missing[p] = !place(&m, p);
        n_missing += missing[p];
    }
    for (uint32_t p = 0; p < e->n_patterns; p++)
        if (missing[p])
            report_missing(&m, &e->patterns[p], record_type(j, e));
    if (e->exact && m.n > e->n_patterns - n_missing && m.n != e->n_patterns)
        report_extra(&m);
    free(missing);
    free(m.pattern_of);
    free(m.tried);
}

static void report_count(const struct judge *j, const struct orr_expectation *e,
                         const struct records *records)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "expected %" PRId64 " %s '%s', got %u", e->count,
                    noun(e, e->count == 1), thing(j, e), records->n);
    for (uint32_t i = 0; i < records->n && i < EXTRA_SHOWN; i++) {
        orr_text_puts(&text, "\n  ");
        orr_value_print(records->items[i], &text);
    }
    if (records->n > EXTRA_SHOWN)
        orr_text_printf(&text, "\n  and %u more", records->n - EXTRA_SHOWN);
    complain(j->out, e->at, &text);
}

static void judge_one(const struct judge *j, const struct orr_expectation *e)
{
    struct records records = { 0 };
    collect(j, e, &records);
    if (e->count >= 0 && e->count != (int64_t)records.n)
        report_count(j, e, &records);
    if (e->attempts >= 0 && (uint64_t)e->attempts != records.attempts) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_printf(&text, "expected %" PRId64 " attempt%s of '%s', got %" PRIu64,
                        e->attempts, e->attempts == 1 ? "" : "s", thing(j, e),
                        records.attempts);
        complain(j->out, e->at, &text);
    }
    if (e->listed)
        judge_patterns(j, e, &records);
    free(records.items);
    orr_arena_release(&records.arena);
}

/* ---- the end of the request ---- */

/* One line a function that was not answered: the first of its calls. */
static void report_open(const struct judge *j)
{
    const struct orr_graph *graph = j->r->setup.graph;
    bool *told = orr_alloc(graph->n_functions, sizeof *told);
    for (uint32_t i = 0; i < j->r->n_tasks; i++) {
        const struct orr_rehearsed *task = &j->r->tasks[i];
        uint32_t f = orr_engine_task(j->r->engine, (orr_task_id) { i })->function;
        if (!task->attempts || task->by != ORR_ANSWERED_NONE || told[f])
            continue;
        struct orr_text text = ORR_TEXT_INIT;
        told[f] = true;
        orr_rehearsal_print_task(j->r, i, &text);
        if (task->why)
            orr_text_printf(&text, " cannot be answered: %s", task->why);
        else
            orr_text_printf(&text,
                            " has no answer (attempt %u): the test has none that holds "
                            "and the function no example",
                            task->attempts);
        complain(j->out, j->test->at, &text);
    }
    free(told);
}

static void judge_end(const struct judge *j)
{
    struct orr_text why = ORR_TEXT_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    enum orr_request_state state = orr_engine_request_state(j->r->engine, 0, &why);
    const char *got = why.s ? why.s : "";
    if (state == ORR_REQUEST_RUNNING) /* for calls that report_open() names */
        orr_text_release(&why);
    else if (j->test->succeeds && state == ORR_REQUEST_FAILED)
        orr_text_printf(&text, "the request was to succeed, but it failed: %s", got);
    else if (!j->test->succeeds && state == ORR_REQUEST_SUCCEEDED)
        orr_text_puts(&text, "the request was to fail, but it succeeded");
    else if (j->test->message && !strstr(got, j->test->message))
        orr_text_printf(&text, "the request failed with other words than \"%s\": %s",
                        j->test->message, got);
    if (text.length)
        complain(j->out, j->test->succeeds_at, &text);
    orr_text_release(&why);
    orr_text_release(&text);
}

void orr_rehearsal_judge(struct orr_rehearsal *r, const struct orr_test *test,
                         struct orr_verdict *out)
{
    struct judge j = { r, test, out };
    if (r->cut) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_printf(&text, "after %" PRIu64 " attempts the rules ask for more",
                        r->setup.most);
        complain(out, test->at, &text);
        return;
    }
    report_open(&j);
    judge_end(&j);
    for (uint32_t i = 0; i < test->n_expectations; i++)
        judge_one(&j, &test->expectations[i]);
}
