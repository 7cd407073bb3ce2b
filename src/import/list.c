/* list.c - one shell command a line, as GNU parallel, Launcher and disBatch take them
 * Blank lines and comments are passed over; #DISBATCH lines are those of disBatch 3:
 * PREFIX, SUFFIX, REPEAT and BARRIER. */
#include "import/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { REPEAT_MAX = 200000, TASKS_MAX = 200000 }; /* more no job file holds */

struct list {
    const struct orr_import_options *options;
    struct orr_import *out;
    struct orr_diags *diags;
    struct orri_lines lines;
    struct orri_word prefix, suffix;
    uint32_t kind;
    uint32_t group;  /* the first task since the last barrier */
    int64_t barrier; /* the last one, or ORRI_NONE */
};

static const char *const directives[] = { "PREFIX",  "SUFFIX",    "REPEAT",
                                          "BARRIER", "PERENGINE", NULL };

/* The task of the line at hand; `repeat` counts from 1, 0: the line is not repeated. */
static struct orr_import_task *add(struct list *list, int64_t repeat)
{
    char id[64];
    struct orr_import *out = list->out;
    int n = repeat ? snprintf(id, sizeof id, "line %" PRIu32 " #%" PRId64,
                              list->lines.line, repeat)
                   : snprintf(id, sizeof id, "line %" PRIu32, list->lines.line);
    struct orr_import_task *task = orri_task_new(
        out, id, (size_t)n, orri_lines_at(&list->lines, list->lines.s), list->diags);
    if (task && list->barrier != ORRI_NONE)
        orri_edge(out, (uint32_t)list->barrier, (uint32_t)out->n_tasks - 1);
    return task;
}

static const char *command_of(struct list *list, struct orri_word word)
{
    struct orr_arena *arena = &list->out->arena;
    if (!list->prefix.n && !list->suffix.n)
        return orri_word_copy(arena, word);
    return orr_arena_printf(arena, "%.*s%.*s%.*s", (int)list->prefix.n, list->prefix.s,
                            (int)word.n, word.s, (int)list->suffix.n, list->suffix.s);
}

static void add_command(struct list *list, struct orri_word word)
{
    struct orr_import_task *task = add(list, 0);
    if (!task)
        return;
    task->command = command_of(list, word);
    orri_task_kind(list->out, task, list->kind);
}

static bool too_many(struct list *list, const char *at, int64_t more)
{
    if ((int64_t)list->out->n_tasks + more <= TASKS_MAX)
        return false;
    orr_diag_error(list->diags, orri_lines_at(&list->lines, at), NULL,
                   "more than %d tasks", TASKS_MAX);
    return true;
}

/* N [start N] [step N] [COMMAND] */
static void repeat(struct list *list, const char *at, const char *end)
{
    struct orri_word word = { at, 0 };
    const char *before = at;
    int64_t times = 0, start = 0, step = 1;
    if (!orri_word_next(&at, end, &word) ||
        !orri_word_number(word, 0, REPEAT_MAX, &times)) {
        orr_diag_error(list->diags, orri_lines_at(&list->lines, word.s), NULL,
                       "REPEAT wants a number up to %d, then perhaps 'start N', "
                       "'step N', and a command",
                       REPEAT_MAX);
        return;
    }
    for (before = at; orri_word_next(&at, end, &word); before = at) {
        struct orri_word value = { at, 0 };
        bool first = orri_word_is(word, "start");
        if (!first && !orri_word_is(word, "step"))
            break;
        if (!orri_word_next(&at, end, &value) ||
            !orri_word_number(value, 0, INT32_MAX, first ? &start : &step)) {
            orr_diag_error(list->diags, orri_lines_at(&list->lines, value.s), NULL,
                           "'%.*s' wants a number", (int)word.n, word.s);
            return;
        }
    }
    struct orri_word command = orri_word_rest(before, end);
    if (too_many(list, list->lines.s, times))
        return;
    const char *text = command_of(list, command);
    for (int64_t i = 0; i < times; i++) {
        struct orr_import_task *task = add(list, i + 1);
        if (!task)
            return;
        task->command = text;
        task->index = start + i * step;
        orri_task_kind(list->out, task, list->kind);
    }
}

/* [CHECK] [KEY]: the key is for disBatch's own reports. */
static void barrier(struct list *list, const char *at, const char *end)
{
    struct orri_word word;
    bool check = orri_word_next(&at, end, &word) && orri_word_is(word, "CHECK");
    uint32_t kind = orri_kind(list->out, check ? "barrier_check" : "barrier",
                              check ? ORR_IMPORT_CHECK : ORR_IMPORT_PASS, 1, 0);
    uint32_t group = list->group;
    struct orr_import_task *task = add(list, 0);
    if (!task)
        return;
    orri_task_kind(list->out, task, kind);
    list->group = (uint32_t)list->out->n_tasks;
    list->barrier = (int64_t)list->group - 1;
    for (uint32_t i = group; i < list->group - 1; i++)
        orri_edge(list->out, i, list->group - 1);
}

static void directive(struct list *list, const char *at, const char *end)
{
    struct orri_word word = { at, 0 };
    list->out->has_index = true;
    if (!orri_word_next(&at, end, &word)) {
        orr_diag_error(list->diags, orri_lines_at(&list->lines, word.s), NULL,
                       "#DISBATCH wants PREFIX, SUFFIX, REPEAT or BARRIER");
    } else if (orri_word_is(word, "PREFIX") || orri_word_is(word, "SUFFIX")) {
        bool prefix = orri_word_is(word, "PREFIX"); /* all behind one blank */
        at += at < end;
        *(prefix ? &list->prefix : &list->suffix) =
            (struct orri_word) { at, (size_t)(end - at) };
    } else if (orri_word_is(word, "REPEAT")) {
        repeat(list, at, end);
    } else if (orri_word_is(word, "BARRIER")) {
        barrier(list, at, end);
    } else if (orri_word_is(word, "PERENGINE") || orri_word_is(word, "PERNODE")) {
        orr_diag_error(list->diags, orri_lines_at(&list->lines, word.s), NULL,
                       "#DISBATCH %.*s is not supported: no task can be bound to a "
                       "node; put it in front of the commands with PREFIX",
                       (int)word.n, word.s);
    } else {
        orr_diag_error(list->diags, orri_lines_at(&list->lines, word.s), NULL,
                       "#DISBATCH has no '%.*s'", (int)word.n, word.s);
        orri_hint_near(list->diags, word, directives);
    }
}

static void read_line(struct list *list)
{
    static const char mark[] = "#DISBATCH";
    const char *s = list->lines.s;
    const char *end = s + list->lines.n;
    struct orri_word line = orri_word_rest(s, end);
    size_t n = sizeof mark - 1;
    if (list->lines.n >= n && memcmp(s, mark, n) == 0 &&
        (list->lines.n == n || s[n] == ' ' || s[n] == '\t'))
        directive(list, s + n, end);
    else if (line.n && line.s[0] != '#' && !too_many(list, s, 1))
        add_command(list, line);
}

bool orr_import_list(const char *file, const struct orr_text *text,
                     const struct orr_import_options *options, struct orr_import *out,
                     struct orr_diags *diags)
{
    struct list list = { .options = options,
                         .out = out,
                         .diags = diags,
                         .lines = orri_lines_of(file, text),
                         .prefix = { "", 0 },
                         .suffix = { "", 0 },
                         .barrier = ORRI_NONE };
    out->format = "task list";
    out->is_list = true;
    if (!orri_text_good(file, text, diags))
        return false;
    list.kind = orri_kind(out, "command", ORR_IMPORT_CALL,
                          options->cores ? options->cores : 1, options->retries);
    while (orri_lines_next(&list.lines))
        read_line(&list);
    return orri_close(out, file, diags);
}
