/* pmc.c - graphs of Pegasus MPI Cluster: TASK and EDGE lines */
#include "import/internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MAX = 100000, TRIES_MAX = 10000 };

struct pmc {
    const struct orr_import_options *options;
    struct orr_import *out;
    struct orr_diags *diags;
    struct orri_lines lines;
};

static const char *const records[] = { "TASK", "EDGE", NULL };

static void wrong(struct pmc *pmc, const char *at, const char *what,
                  struct orri_word word)
{
    orr_diag_error(pmc->diags, orri_lines_at(&pmc->lines, at), NULL, "%s%s%.*s%s", what,
                   word.n ? ", not '" : "", (int)word.n, word.s, word.n ? "'" : "");
}

/* ---- words, as PMC splits them ---- */

/* One argument, quotes and backslashes taken away; a quote ends the argument that it
 * closes. False: there is none, or a quote has no end, which is said. */
static bool next_argument(struct pmc *pmc, const char **at, const char *end,
                          struct orr_text *out)
{
    const char *s = *at;
    const char *quote = NULL;
    orr_text_clear(out);
    orr_text_append(out, "", 0);
    while (s < end && isspace((unsigned char)*s))
        s++;
    if (s == end)
        return false;
    for (; s < end && (quote || !isspace((unsigned char)*s)); s++) {
        if (*s == '\'' || *s == '"') {
            if (quote) {
                *at = s + 1;
                return true;
            }
            quote = s;
            continue;
        }
        if (*s == '\\' && s + 1 < end)
            s++;
        orr_text_append(out, s, 1);
    }
    *at = s;
    if (quote)
        wrong(pmc, quote, "the quote has no end", (struct orri_word) { "", 0 });
    return !quote;
}

/* ---- options of a task ---- */

struct settings {
    uint32_t cores, retries;
    int64_t memory, priority;
};

static bool read_option(struct pmc *pmc, struct orri_word option,
                        struct orri_word value, struct settings *settings)
{
    int64_t v = 0;
    char *rest = NULL;
    const char *name = option.s;
    if (strcmp(name, "-m") == 0 || strcmp(name, "--request-memory") == 0) {
        double megabytes = strtod(value.s, &rest);
        if (value.n == 0 || *rest || !(megabytes >= 0) || megabytes > 1e9)
            return false;
        settings->memory = (int64_t)ceil(megabytes) << 20;
        return true;
    }
    if (strcmp(name, "-c") == 0 || strcmp(name, "--request-cpus") == 0) {
        double cpus = strtod(value.s, &rest);
        if (value.n == 0 || *rest || !(cpus >= 0) || cpus > CORES_MAX)
            return false;
        settings->cores = cpus > 1 ? (uint32_t)ceil(cpus) : 1;
        return true;
    }
    if (strcmp(name, "-t") == 0 || strcmp(name, "--tries") == 0) {
        if (!orri_word_number(value, 1, TRIES_MAX, &v))
            return false;
        settings->retries = (uint32_t)v - 1;
        return true;
    }
    if (!orri_word_number(value, INT32_MIN, INT32_MAX, &v))
        return false;
    settings->priority = v;
    pmc->out->has_priority = pmc->out->has_priority || v;
    return true;
}

static bool is_option(const char *word)
{
    static const char *const options[] = {
        "-m", "--request-memory", "-c", "--request-cpus", "-t", "--tries",
        "-p", "--priority",       NULL
    };
    for (size_t i = 0; options[i]; i++)
        if (strcmp(options[i], word) == 0)
            return true;
    return false;
}

static bool is_forward(const char *word)
{
    return strcmp(word, "-f") == 0 || strcmp(word, "--pipe-forward") == 0 ||
           strcmp(word, "-F") == 0 || strcmp(word, "--file-forward") == 0;
}

/* Options, then the program in `word`. False after a message. */
static bool read_options(struct pmc *pmc, const char **at, const char *end,
                         struct orr_text *word, struct settings *settings)
{
    struct orr_text value = ORR_TEXT_INIT;
    bool good = true;
    for (;;) {
        const char *start = *at;
        size_t errors = pmc->diags->errors;
        good = next_argument(pmc, at, end, word);
        if (!good && pmc->diags->errors == errors)
            orr_diag_error(pmc->diags, orri_lines_at(&pmc->lines, start), NULL,
                           "the task has no program");
        if (!good)
            break;
        if (word->s[0] != '-')
            break;
        start += strspn(start, " \t");
        good = is_option(word->s) && next_argument(pmc, at, end, &value) &&
               read_option(pmc, (struct orri_word) { word->s, word->length },
                           (struct orri_word) { value.s, value.length }, settings);
        if (good)
            continue;
        if (is_forward(word->s))
            orr_diag_error(pmc->diags, orri_lines_at(&pmc->lines, start), NULL,
                           "%s is not supported: output is not forwarded; let the "
                           "program write its file",
                           word->s);
        else if (!is_option(word->s))
            orr_diag_error(pmc->diags, orri_lines_at(&pmc->lines, start), NULL,
                           "a task has no option %s: there are -m, -c, -t and -p",
                           word->s);
        else
            orr_diag_error(pmc->diags, orri_lines_at(&pmc->lines, start), NULL,
                           "%s wants a number that makes sense", word->s);
        break;
    }
    orr_text_release(&value);
    return good;
}

/* ---- records ---- */

static void add_task(struct pmc *pmc, struct orri_word id, struct orr_text *program,
                     const struct settings *settings, const char *at, const char *end)
{
    struct orr_text command = ORR_TEXT_INIT;
    struct orr_text word = ORR_TEXT_INIT;
    struct orr_import_task *task = orri_task_new(
        pmc->out, id.s, id.n, orri_lines_at(&pmc->lines, id.s), pmc->diags);
    orr_text_puts(&command, "exec ");
    orri_shell_word(&command, program->s, program->length);
    while (next_argument(pmc, &at, end, &word)) {
        orr_text_puts(&command, " ");
        orri_shell_word(&command, word.s, word.length);
    }
    if (task) {
        const char *slash = strrchr(program->s, '/');
        uint32_t cores = pmc->options->cores ? pmc->options->cores : settings->cores;
        task->command = orr_arena_strdup(&pmc->out->arena, command.s);
        task->memory = settings->memory;
        task->priority = settings->priority;
        pmc->out->has_memory = pmc->out->has_memory || task->memory;
        orri_task_kind(pmc->out, task,
                       orri_kind(pmc->out, slash ? slash + 1 : program->s,
                                 ORR_IMPORT_CALL, cores, settings->retries));
    }
    orr_text_release(&command);
    orr_text_release(&word);
}

static void read_task(struct pmc *pmc, const char *at, const char *end)
{
    struct orri_word id;
    struct orr_text program = ORR_TEXT_INIT;
    struct settings settings = { .cores = 1, .retries = pmc->options->retries };
    if (!orri_word_next(&at, end, &id))
        wrong(pmc, at, "TASK wants an id, options and a program",
              (struct orri_word) { "", 0 });
    else if (read_options(pmc, &at, end, &program, &settings))
        add_task(pmc, id, &program, &settings, at, end);
    orr_text_release(&program);
}

static void read_edge(struct pmc *pmc, const char *at, const char *end)
{
    struct orri_word words[3] = { 0 };
    size_t n = 0;
    while (n < 3 && orri_word_next(&at, end, &words[n]))
        n++;
    if (n != 2) {
        wrong(pmc, n == 3 ? words[2].s : end, "EDGE wants the ids of two tasks",
              (struct orri_word) { "", 0 });
        return;
    }
    int64_t ends[2];
    for (size_t i = 0; i < 2; i++)
        ends[i] = orri_task_need(pmc->out, words[i].s, words[i].n,
                                 orri_lines_at(&pmc->lines, words[i].s), pmc->diags);
    if (ends[0] != ORRI_NONE && ends[1] != ORRI_NONE)
        orri_edge(pmc->out, (uint32_t)ends[0], (uint32_t)ends[1]);
}

/* Tasks first: an edge may stand before its tasks. */
static void read_all(struct pmc *pmc, const char *file, const struct orr_text *text,
                     bool edges)
{
    pmc->lines = orri_lines_of(file, text);
    while (orri_lines_next(&pmc->lines)) {
        const char *at = pmc->lines.s;
        const char *end = at + pmc->lines.n;
        struct orri_word word;
        if (!orri_word_next(&at, end, &word) || word.s[0] == '#')
            continue;
        bool edge = word.n == 4 && memcmp(word.s, "EDGE", 4) == 0;
        bool task = word.n == 4 && memcmp(word.s, "TASK", 4) == 0;
        if (edge && edges)
            read_edge(pmc, at, end);
        else if (task && !edges)
            read_task(pmc, at, end);
        else if (!edge && !task && !edges) {
            wrong(pmc, word.s, "a line is TASK, EDGE or a comment", word);
            orri_hint_near(pmc->diags, word, records);
        }
    }
}

bool orr_import_pmc(const char *file, const struct orr_text *text,
                    const struct orr_import_options *options, struct orr_import *out,
                    struct orr_diags *diags)
{
    struct pmc pmc = { .options = options, .out = out, .diags = diags };
    out->format = "Pegasus MPI Cluster graph";
    if (!orri_text_good(file, text, diags))
        return false;
    read_all(&pmc, file, text, false);
    read_all(&pmc, file, text, true);
    return orri_close(out, file, diags);
}
