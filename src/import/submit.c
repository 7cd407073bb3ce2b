/* submit.c - a submit description as a command for a shell
 * Understood: executable, arguments, environment, input, output, error, initialdir,
 * request_cpus, request_memory; universe as far as the program runs as it is. Owns
 * nothing that outlives a call but the description. */
#include "import/submit.h"

#include "import/macro.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CORES_MAX = 100000 };

/* ---- reading ---- */

/* The line and those that it goes on in, by a backslash at the end. */
static struct orri_word join_lines(struct orri_lines *lines, struct orr_arena *arena)
{
    struct orr_text text = ORR_TEXT_INIT;
    bool more = true;
    if (lines->n == 0 || lines->s[lines->n - 1] != '\\')
        return (struct orri_word) { lines->s, lines->n };
    while (more) {
        more = lines->n && lines->s[lines->n - 1] == '\\';
        orr_text_append(&text, lines->s, lines->n - more);
        more = more && orri_lines_next(lines);
    }
    struct orri_word joined = { orr_arena_strndup(arena, text.s, text.length),
                                text.length };
    orr_text_release(&text);
    return joined;
}

static void wrong(struct orr_diags *diags, const struct orri_lines *lines,
                  uint32_t line, const char *what)
{
    orr_diag_error(diags, (struct orr_span) { lines->file, line, 1 }, NULL, "%s", what);
}

static bool is_control(struct orri_word word)
{
    static const char *const words[] = { "if",      "elif", "else", "endif",
                                         "include", "use",  NULL };
    for (size_t i = 0; words[i]; i++)
        if (orri_word_is(word, words[i]))
            return true;
    return false;
}

static void read_line(struct orri_submit *submit, struct orri_lines *lines,
                      struct orr_import *import, struct orr_diags *diags)
{
    uint32_t number = lines->line;
    struct orri_word line = join_lines(lines, &import->arena);
    const char *end = line.s + line.n;
    const char *at = line.s;
    struct orri_word word;
    if (!orri_word_next(&at, end, &word) || word.s[0] == '#')
        return;
    const char *equals = memchr(line.s, '=', line.n);
    if (orri_word_is(word, "queue")) {
        struct orri_word count = orri_word_rest(at, end);
        if (count.n && !(count.n == 1 && *count.s == '1'))
            wrong(diags, lines, number,
                  "a node is one job: 'queue' with a number or a "
                  "list is not supported");
        return;
    }
    if (is_control(word)) {
        wrong(diags, lines, number,
              "if, include and use are not supported in submit "
              "descriptions: write what they come to");
        return;
    }
    if (!equals) {
        wrong(diags, lines, number, "a line is NAME = VALUE, 'queue' or a comment");
        return;
    }
    struct orri_word name = orri_word_rest(line.s, equals);
    struct orri_word value = orri_word_rest(equals + 1, end);
    orri_macros_set(&submit->macros, orri_word_copy(&import->arena, name),
                    orri_word_copy(&import->arena, value),
                    (struct orr_span) { submit->path, number, 1 });
}

struct orri_submit *orri_submit_read(const char *path, const struct orr_text *text,
                                     struct orr_import *import, struct orr_diags *diags)
{
    struct orri_submit *submit = orr_alloc(1, sizeof *submit);
    struct orri_lines lines = orri_lines_of(path, text);
    submit->path = path;
    if (!orri_text_good(path, text, diags)) {
        free(submit);
        return NULL;
    }
    while (orri_lines_next(&lines))
        read_line(submit, &lines, import, diags);
    return submit;
}

void orri_submit_free(struct orri_submit *submit)
{
    if (submit)
        orri_macros_release(&submit->macros);
    free(submit);
}

/* ---- values ---- */

struct taking {
    const struct orri_node *node;
    struct orr_import *import;
    struct orr_diags *diags;
    struct orr_text value; /* the last one looked up */
    struct orri_macro *macro;
    bool good;
};

/* The value of `name` in t->value; false: there is none, or it is wrong. */
static bool look_up(struct taking *t, const char *name)
{
    orr_text_clear(&t->value);
    orr_text_puts(&t->value, "");
    t->macro = orri_node_find(t->node, name, strlen(name));
    if (!t->macro)
        return false;
    struct orri_expansion x = {
        .node = t->node, .macro = t->macro, .out = &t->value, .diags = t->diags
    };
    if (orri_expand(&x, t->macro->value, strlen(t->macro->value)))
        return t->value.length > 0;
    t->good = false;
    return false;
}

static bool refuse(struct taking *t, const char *what)
{
    if (!t->macro->said)
        orr_diag_error(t->diags, t->macro->at, NULL, "%s: %s", t->macro->name, what);
    t->macro->said = true;
    t->good = false;
    return false;
}

/* ---- arguments and environment ---- */

/* Append one argument or variable; false: it is none. */
typedef bool put_word(struct orr_text *out, const char *s, size_t n);

/* In double quotes: words between blanks, '...' groups, '' and "" are the characters
 * themselves. False when a quote has no end, or a word is not what it should be. */
static bool new_syntax(struct taking *t, put_word *put, struct orr_text *out)
{
    const char *s = t->value.s + 1;
    const char *end = t->value.s + t->value.length - 1;
    struct orr_text word = ORR_TEXT_INIT;
    bool in_word = false, quoted = false, good = true;
    for (; s < end; s++) {
        bool twice = s + 1 < end && s[0] == s[1];
        if (*s == '"' && !twice)
            good = false;
        if (!quoted && (*s == ' ' || *s == '\t')) {
            good = good && (!in_word || put(out, word.s, word.length));
            in_word = false;
            orr_text_clear(&word);
            continue;
        }
        in_word = true;
        orr_text_append(&word, "", 0);
        bool literal = twice && (*s == '"' || (*s == '\'' && quoted));
        if (*s == '\'' && !literal)
            quoted = !quoted;
        else
            orr_text_append(&word, s, 1);
        s += literal;
    }
    good = good && (!in_word || put(out, word.s, word.length));
    orr_text_release(&word);
    return good && !quoted;
}

static bool put_argument(struct orr_text *out, const char *s, size_t n)
{
    orr_text_puts(out, " ");
    orri_shell_word(out, s, n);
    return true;
}

static bool put_variable(struct orr_text *out, const char *s, size_t n)
{
    size_t name = 0;
    while (name < n && (isalnum((unsigned char)s[name]) || s[name] == '_'))
        name++;
    if (name == 0 || name == n || s[name] != '=' || isdigit((unsigned char)*s))
        return false;
    orr_text_puts(out, " ");
    orr_text_append(out, s, name + 1);
    orri_shell_word(out, s + name + 1, n - name - 1);
    return true;
}

static bool is_new_syntax(const struct orr_text *value)
{
    return value->length >= 2 && value->s[0] == '"' &&
           value->s[value->length - 1] == '"';
}

static void put_arguments(struct taking *t, struct orr_text *command)
{
    struct orr_text word = ORR_TEXT_INIT;
    if (!look_up(t, "arguments") && !look_up(t, "args"))
        return;
    if (is_new_syntax(&t->value)) {
        if (!new_syntax(t, put_argument, command))
            (void)refuse(t, "a quote has no end, or \" is not written twice");
        return;
    }
    const char *end = t->value.s + t->value.length;
    for (const char *s = t->value.s; s < end;) { /* the old one: blanks, and \" */
        orr_text_clear(&word);
        for (; s < end && *s != ' ' && *s != '\t'; s++) {
            if (*s == '\\' && s + 1 < end && s[1] == '"')
                s++;
            else if (*s == '"')
                (void)refuse(t, "\" in the old form is written \\\"");
            orr_text_append(&word, s, 1);
        }
        if (word.length)
            (void)put_argument(command, word.s, word.length);
        s += s < end;
    }
    orr_text_release(&word);
}

static void put_environment(struct taking *t, struct orr_text *command)
{
    struct orr_text all = ORR_TEXT_INIT;
    bool good = true;
    if (!look_up(t, "environment") && !look_up(t, "env"))
        return;
    if (is_new_syntax(&t->value))
        good = new_syntax(t, put_variable, &all);
    for (const char *s = t->value.s; !is_new_syntax(&t->value) && *s;) {
        size_t n = strcspn(s, ";"); /* the old one */
        struct orri_word word = orri_word_rest(s, s + n);
        good = good && (word.n == 0 || put_variable(&all, word.s, word.n));
        s += n + (s[n] == ';');
    }
    if (!good)
        (void)refuse(t, "variables are NAME=VALUE, with blanks between and in double "
                        "quotes, or with ; between");
    else if (all.length)
        orr_text_printf(command, "export%s; ", all.s);
    orr_text_release(&all);
}

/* ---- the rest ---- */

static void put_redirect(struct taking *t, const char *name, const char *sign,
                         struct orr_text *command)
{
    if (!look_up(t, name) || strcmp(t->value.s, "/dev/null") == 0)
        return;
    orr_text_printf(command, " %s ", sign);
    orri_shell_word(command, t->value.s, t->value.length);
}

static void check_universe(struct taking *t)
{
    static const char *const good[] = { "vanilla", "local", "scheduler", NULL };
    if (!look_up(t, "universe"))
        return;
    for (size_t i = 0; good[i]; i++)
        if (strcasecmp(good[i], t->value.s) == 0)
            return;
    (void)refuse(t, "only vanilla, local and scheduler are supported");
}

static void take_cores(struct taking *t, struct orri_submitted *out)
{
    int64_t cores = 0;
    out->cores = 1;
    if (!look_up(t, "request_cpus"))
        return;
    if (orri_word_number((struct orri_word) { t->value.s, t->value.length }, 1,
                         CORES_MAX, &cores))
        out->cores = (uint32_t)cores;
    else
        (void)refuse(t, "a number of cores is expected");
}

/* A number with K, M (when nothing is said), G or T. */
static void take_memory(struct taking *t, struct orri_submitted *out)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    if (!look_up(t, "request_memory"))
        return;
    double v = strtod(t->value.s, &end);
    end += strspn(end, " \t");
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : units + 1;
    end += *end != '\0';
    end += *end == 'B' || *end == 'b';
    for (int i = 0; unit && i <= unit - units; i++)
        v *= 1024;
    if (isdigit((unsigned char)t->value.s[0]) && unit && !*end && v < 9e18)
        out->memory = (int64_t)v;
    else
        (void)refuse(t, "a number of MB is expected, or one with K, M, G or T");
}

static void put_cd(struct orr_text *command, const char *directory)
{
    orr_text_puts(command, "cd ");
    orri_shell_word(command, directory, strlen(directory));
    orr_text_puts(command, " && ");
}

/* DIR, then initialdir; true: the program's name starts at the directory before. */
static bool put_directory(struct taking *t, struct orr_text *command)
{
    if (t->node->directory)
        put_cd(command, t->node->directory);
    if (!look_up(t, "initialdir") && !look_up(t, "initial_dir"))
        return false;
    put_cd(command, t->value.s);
    return true;
}

static void put_program(struct taking *t, bool moved, struct orr_text *command,
                        struct orri_submitted *out)
{
    if (!look_up(t, "executable")) {
        if (t->good)
            orr_diag_error(t->diags, t->node->at, NULL,
                           "node '%s': %s names no executable", t->node->name,
                           t->node->submit->path);
        t->good = false;
        return;
    }
    const char *slash = strrchr(t->value.s, '/');
    out->program = orr_arena_strdup(&t->import->arena, slash ? slash + 1 : t->value.s);
    orr_text_puts(command, "exec ");
    if (t->value.s[0] != '/') /* a file there, not a program in $PATH */
        orr_text_puts(command, moved ? "\"$OLDPWD\"/" : "./");
    orri_shell_word(command, t->value.s, t->value.length);
}

bool orri_submit_take(const struct orri_node *node, struct orr_import *import,
                      struct orr_diags *diags, struct orri_submitted *out)
{
    struct taking t = { .node = node, .import = import, .diags = diags, .good = true };
    struct orr_text command = ORR_TEXT_INIT;
    check_universe(&t);
    take_cores(&t, out);
    take_memory(&t, out);
    bool moved = put_directory(&t, &command);
    put_environment(&t, &command);
    put_program(&t, moved, &command, out);
    put_arguments(&t, &command);
    put_redirect(&t, "input", "<", &command);
    put_redirect(&t, "output", ">", &command);
    put_redirect(&t, "error", "2>", &command);
    if (t.good)
        out->command = orr_arena_strdup(&import->arena, command.s);
    orr_text_release(&t.value);
    orr_text_release(&command);
    return t.good;
}
