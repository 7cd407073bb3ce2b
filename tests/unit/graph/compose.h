/* compose.h - a whole file from the part that matters
 *
 * Cases and the examples of `orrery explain` show a few top-level keys; the others are
 * taken from a workflow, or a job, that is right. */
#ifndef ORR_TESTS_GRAPH_COMPOSE_H
#define ORR_TESTS_GRAPH_COMPOSE_H

#include "fixture.h"

#include <ctype.h>

enum { MOST_PARTS = 24 };

static const char *const right_workflow =
    "orrery: 1\n"
    "workflow: w\n"
    "inputs: {source: path, n: {type: int, default: 3}}\n"
    "facts: {a: {x: int}, b: {y: int, z: string?}}\n"
    "functions: {f: {use: core.noop}}\n"
    "rules:\n"
    "- rule: one\n"
    "  match: {j: job}\n"
    "  action: {call: f, with: {i: j.n}}\n"
    "  reaction:\n"
    "  - {assert: a, with: {x: result.i}}\n"
    "- rule: two\n"
    "  match: {t: a, j: job}\n"
    "  where: dirname(j.source) != \"/\"\n"
    "  assert: b\n"
    "  with: {y: t.x}\n"
    "outputs: {o: {each: b}}\n";
/* What that job's workflow is: more inputs. */
static const char *const workflow_of_job = "orrery: 1\n"
                                           "workflow: w\n"
                                           "inputs:\n"
                                           "  source: path\n"
                                           "  n: {type: int, default: 3}\n"
                                           "  k: {type: int, default: 3}\n"
                                           "  l: {type: int, default: 3}\n"
                                           "facts: {b: {y: int}}\n"
                                           "rules:\n"
                                           "- rule: one\n"
                                           "  match: {j: job}\n"
                                           "  where: dirname(j.source) != \"/\"\n"
                                           "  assert: b\n"
                                           "  with: {y: j.n + j.k + j.l}\n"
                                           "outputs: {o: {each: b}}\n";
static const char *const right_job = "orrery: 1\n"
                                     "job: t\n"
                                     "workflow: w.yaml\n"
                                     "inputs: {source: a.mp4}\n";
/* The order in which parts of a workflow stand; `pools` is in no base. */
static const char *const part_order[] = { "orrery",  "job",   "workflow",  "inputs",
                                          "pools",   "facts", "functions", "rules",
                                          "outputs", "tests", "requests",  "sweep",
                                          "slurm" };
enum { N_ORDER = sizeof part_order / sizeof *part_order };

/* Text that belongs to one top-level key, the key's line first. */
struct part {
    const char *at;
    size_t length;
    int place; /* in part_order; -1: a key that is none, it stays behind the one before
                */
};

static inline int place_of_part(const char *line)
{
    size_t n = strcspn(line, ": \n");
    if (n == strlen("steps") && memcmp(line, "steps", n) == 0)
        return place_of_part("rules:"); /* one instead of the other */
    for (int i = 0; i < N_ORDER; i++)
        if (strlen(part_order[i]) == n && memcmp(part_order[i], line, n) == 0)
            return i;
    return -1;
}

static inline size_t split_parts(const char *text, struct part *parts)
{
    size_t n = 0;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        end = end ? end + 1 : line + strlen(line);
        int place = isalpha((unsigned char)*line) ? place_of_part(line) : -1;
        if (n == 0 || place >= 0) {
            assert_true(n < MOST_PARTS);
            parts[n++] = (struct part) { line, 0, place };
        }
        parts[n - 1].length += (size_t)(end - line);
        line = end;
    }
    return n;
}

static inline bool has_key(const char *text, const char *key)
{
    size_t n = strlen(key);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, n) == 0 && at[n] == ':')
            return true;
    }
    return false;
}

static inline bool is_a_job(const char *text)
{
    return has_key(text, "job") || has_key(text, "sweep") ||
           has_key(text, "requests") || has_key(text, "slurm");
}

/* The file that `text` is a part of; free() it. */
static inline char *compose(const char *text)
{
    struct part given[MOST_PARTS];
    struct part base[MOST_PARTS];
    struct orr_text out = ORR_TEXT_INIT;
    size_t n = split_parts(text, given);
    size_t n_base = split_parts(is_a_job(text) ? right_job : right_workflow, base);
    orr_text_puts(&out, "");
    if (n && given[0].place < 0)
        orr_text_append(&out, given[0].at, given[0].length);
    for (int place = 0; place < N_ORDER; place++) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            if (given[i].place == place) {
                orr_text_append(&out, given[i].at, given[i].length);
                found = true;
            }
        for (size_t i = 0; !found && i < n_base; i++)
            if (base[i].place == place)
                orr_text_append(&out, base[i].at, base[i].length);
    }
    return out.s;
}

/* Compile a file as the program would; findings as text, to be freed. */
static inline char *findings_of(const char *text)
{
    const char *const names[] = { "/d/film.yaml", text, "/d/w.yaml", workflow_of_job,
                                  NULL };
    struct files files = { names };
    struct orr_sources sources = { read_memory, &files };
    struct orr_diags diags = { 0 };
    bool made = false;
    if (is_a_job(text)) {
        struct orr_job *job =
            orr_job_compile("/d/film.yaml", &sources, NULL, 0, &registry, &diags);
        made = job != NULL;
        orr_job_free(job);
    } else {
        struct orr_graph *graph =
            orr_graph_compile("/d/film.yaml", &sources, &registry, &diags);
        made = graph != NULL;
        orr_graph_free(graph);
    }
    assert_true(made == (diags.errors == 0));
    char *found = findings_text(&diags, true);
    orr_diags_release(&diags);
    return found;
}

#endif
