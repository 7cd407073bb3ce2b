/* expr_shell.c - the values of a script, as /bin/sh will read them
 *
 * A text or path becomes one quoted word. Inside of quotes, here-documents, comments
 * and `...`, behind '$' or '\', and in $((...)) the shell does not take its quotes for
 * quotes: the value would be cut, or run. All of these are E0216. A number has nothing
 * that the shell knows, and is left bare where quotes would be wrong. The literal parts
 * are read as POSIX says, as far as that decides where quotes begin and end. */
#include "lang/internal.h"

#include <ctype.h>
#include <string.h>

enum place { TOP, PAREN, BACKTICKS, BRACE, ARITHMETIC, SINGLE, DOUBLE, COMMENT, HERE };

enum { DEPTH = 40, DOCUMENTS = 8, WORD = 64 };

struct context {
    enum place place;
    bool literal;    /* BRACE: inside of double quotes, or of a here-document */
    bool raw;        /* HERE: its word was quoted, nothing in it is replaced */
    bool tabs;       /* HERE: <<-, tabs before the word do not count */
    char word[WORD]; /* HERE: what ends it */
    unsigned parens; /* PAREN, ARITHMETIC: open '(' */
    unsigned cases;  /* PAREN: open `case`, whose patterns end with ')' */
};

struct shell {
    struct context stack[DEPTH];
    unsigned depth;                 /* of the innermost context */
    struct context next[DOCUMENTS]; /* begin with the next line */
    unsigned n_next;
    char before; /* the last character; '\0': none, or one that has its meaning */
    bool dollar, backslash; /* the text so far ends in '$', in '\\', */
    bool name;              /* in $NAME */
    bool lost;              /* deeper, or more of it, than we follow */
};

static struct context *top(struct shell *sh) { return &sh->stack[sh->depth]; }

static void push(struct shell *sh, enum place place, bool literal)
{
    sh->lost |= sh->depth + 1 == DEPTH;
    if (!sh->lost)
        sh->stack[++sh->depth] =
            (struct context) { .place = place, .literal = literal };
}

static void pop(struct shell *sh) { sh->depth -= sh->depth > 0; }

/* Do quotes have no meaning of their own here? */
static bool is_text(struct shell *sh)
{
    const struct context *c = top(sh);
    return c->place == DOUBLE || c->place == HERE || (c->place == BRACE && c->literal);
}

/* Of commands, where words, comments and redirections are. */
static bool is_code(struct shell *sh)
{
    return top(sh)->place == TOP || top(sh)->place == PAREN ||
           top(sh)->place == BACKTICKS;
}

/* ---- here-documents ---- */

/* At "<<": take the word behind it, a name or one in quotes. Returns the characters
 * read. */
static size_t read_document(struct shell *sh, const char *s, size_t n)
{
    struct context here = { .place = HERE };
    size_t at = 2;
    size_t length = 0;
    if (at < n && s[at] == '<') /* <<<, of other shells */
        return 3;
    here.tabs = at < n && s[at] == '-';
    at += here.tabs;
    while (at < n && (s[at] == ' ' || s[at] == '\t'))
        at++;
    char quote = at < n && strchr("'\"\\", s[at]) ? s[at++] : '\0';
    here.raw = quote != '\0';
    for (;
         at < n && length + 1 < WORD && (isalnum((unsigned char)s[at]) || s[at] == '_');
         at++)
        here.word[length++] = s[at];
    if (here.raw && quote != '\\')
        sh->lost |= at == n || s[at++] != quote;
    sh->lost |= length == 0 || at >= n || !strchr(" \t\n;&|<>()", s[at]) ||
                sh->n_next == DOCUMENTS;
    if (!sh->lost)
        sh->next[sh->n_next++] = here;
    return at;
}

/* The last one that was named is the outermost: they end in the order of their names.
 */
static void begin_documents(struct shell *sh)
{
    while (sh->n_next) {
        struct context here = sh->next[--sh->n_next];
        push(sh, HERE, false);
        if (!sh->lost)
            *top(sh) = here;
    }
}

/* At the start of a line of a here-document: is it the end? The characters of its
 * word; 0: it is not. */
static size_t ends_document(const struct context *here, const char *s, size_t n)
{
    size_t at = 0;
    size_t length = strlen(here->word);
    while (here->tabs && at < n && s[at] == '\t')
        at++;
    if (n - at < length || strncmp(s + at, here->word, length) != 0)
        return 0;
    at += length;
    return at == n || s[at] == '\n' ? at : 0;
}

/* ---- one character after the other ---- */

static void close_paren(struct shell *sh)
{
    struct context *c = top(sh);
    if (c->parens)
        c->parens--;
    else if (c->place == PAREN && !c->cases)
        pop(sh);
}

/* `case` where a command may begin, and `esac`. */
static void count_cases(struct shell *sh, const char *s, size_t n, bool begins)
{
    bool word = n == 4 || (n > 4 && !isalnum((unsigned char)s[4]) && s[4] != '_');
    struct context *c = top(sh);
    if (!word || c->place != PAREN)
        return;
    if (begins && strncmp(s, "case", 4) == 0)
        c->cases++;
    else if (c->cases && strncmp(s, "esac", 4) == 0)
        c->cases--;
}

/* At '$'. Returns the characters read. */
static size_t read_dollar(struct shell *sh, const char *s, size_t n)
{
    bool literal = is_text(sh) || top(sh)->place == ARITHMETIC;
    if (n > 2 && s[1] == '(' && s[2] == '(') {
        push(sh, ARITHMETIC, false);
        return 3;
    }
    if (n > 1 && (s[1] == '(' || s[1] == '{')) {
        push(sh, s[1] == '(' ? PAREN : BRACE, literal);
        return 2;
    }
    sh->dollar = n == 1;
    size_t name = 1;
    while (name < n && (isalnum((unsigned char)s[name]) || s[name] == '_'))
        name++;
    if (name > 1 && !isdigit((unsigned char)s[1])) {
        sh->name = name == n;
        return name;
    }
    return n > 1 && strchr("$?#!@*-", s[1]) ? 2 : 1;
}

static size_t read_code(struct shell *sh, const char *s, size_t n)
{
    bool starts = !sh->before || isspace((unsigned char)sh->before) ||
                  strchr(";&|()", sh->before);
    if (*s == '#' && starts) {
        push(sh, COMMENT, false);
        return 1;
    }
    if (n > 1 && s[0] == '<' && s[1] == '<')
        return read_document(sh, s, n);
    if (starts)
        count_cases(sh, s, n, true);
    if (*s == '(')
        top(sh)->parens++;
    if (*s == ')')
        close_paren(sh);
    if (*s == '\n')
        begin_documents(sh);
    return 1;
}

static size_t read_arithmetic(struct shell *sh, const char *s, size_t n)
{
    struct context *c = top(sh);
    if (*s == '(')
        c->parens++;
    else if (*s == ')' && c->parens)
        c->parens--;
    else if (*s == ')') {
        pop(sh);
        return n > 1 && s[1] == ')' ? 2 : 1;
    }
    return 1;
}

/* Quotes begin and end, the same in all places where they have a meaning; 0: it is
 * something else. */
static size_t read_quote(struct shell *sh, const char *s, size_t n)
{
    enum place place = top(sh)->place;
    if (*s == '\\') {
        sh->backslash = n == 1;
        return n > 1 ? 2 : 1;
    }
    if (*s == '$')
        return read_dollar(sh, s, n);
    if (*s == '`' && place == BACKTICKS)
        pop(sh);
    else if (*s == '`')
        push(sh, BACKTICKS, false);
    else if (*s == '"' && place == DOUBLE)
        pop(sh);
    else if (*s == '"' && place != HERE && place != ARITHMETIC)
        push(sh, DOUBLE, false);
    else if (*s == '\'' && !is_text(sh) && place != ARITHMETIC)
        push(sh, SINGLE, false);
    else
        return 0;
    return 1;
}

static size_t read_some(struct shell *sh, const char *s, size_t n)
{
    enum place place = top(sh)->place;
    if (place == SINGLE || place == COMMENT) {
        bool ends = *s == (place == SINGLE ? '\'' : '\n');
        if (ends)
            pop(sh);
        return ends && place == COMMENT ? 0 : 1; /* the line's end counts outside too */
    }
    if (place == HERE && top(sh)->raw)
        return 1;
    size_t quote = read_quote(sh, s, n);
    if (quote)
        return quote;
    if (is_code(sh))
        return read_code(sh, s, n);
    if (place == ARITHMETIC)
        return read_arithmetic(sh, s, n);
    if (place == BRACE && *s == '}')
        pop(sh);
    return 1;
}

static void read_text(struct shell *sh, const char *s, size_t n)
{
    size_t at = 0;
    sh->dollar = sh->backslash = sh->name = false;
    while (at < n && !sh->lost) {
        bool line = sh->before == '\n';
        size_t end =
            line && top(sh)->place == HERE ? ends_document(top(sh), s + at, n - at) : 0;
        if (end) {
            pop(sh);
            at += end;
            sh->before = '\0';
            continue;
        }
        size_t read = read_some(sh, s + at, n - at);
        at += read;
        if (read)
            sh->before = s[at - 1];
    }
}

/* ---- values ---- */

/* Does it have nothing that the shell knows? Of texts, those that format() makes of a
 * number without filling it with blanks. */
static bool is_number(const struct orr_expr *e)
{
    if (e->op == ORRI_CALL && strcmp(e->name, "format") == 0) {
        const char *spec =
            orri_is_literal(e->parts[1]) ? e->parts[1]->value.as.s->s : ">";
        return is_number(e->parts[0]) && (!*spec || !strchr("<>123456789", *spec));
    }
    switch (e->type->kind) {
    case ORR_KIND_BOOL:
    case ORR_KIND_INT:
    case ORR_KIND_FLOAT:
    case ORR_KIND_DURATION:
    case ORR_KIND_SIZE: return true;
    default: return false;
    }
}

/* Are quotes no quotes where we are, so that numbers stand bare? */
static bool is_quoted(struct shell *sh)
{
    enum place place = top(sh)->place;
    return place == SINGLE || place == ARITHMETIC || is_text(sh);
}

struct saying {
    const char *what, *hint;
};

static struct saying wrong_number(struct shell *sh, const struct orr_expr *value)
{
    enum orr_kind kind = value->type->kind;
    if (sh->name && is_quoted(sh))
        return (struct saying) { "{%s} would go on with the name before it",
                                 "write that as ${{NAME}}" };
    if (top(sh)->place == ARITHMETIC &&
        (kind == ORR_KIND_FLOAT || kind == ORR_KIND_BOOL || kind == ORR_KIND_DURATION))
        return (struct saying) { "the shell computes with whole numbers, but {%s} is "
                                 "none",
                                 "use int(), or compute inside of the braces" };
    return (struct saying) { 0 };
}

static struct saying wrong_text(struct shell *sh)
{
    static const char undone[] =
        "{%s} is quoted already: the quotes around it would undo that";
    if (sh->lost)
        return (
            struct saying) { "it cannot be told whether {%s} stands inside of "
                             "quotes: the script is nested too deep, or a "
                             "here-document ends with no plain name",
                             "set a variable at the start, v={x}, and write \"$v\"" };
    if (sh->backslash)
        return (
            struct saying) { "{%s} is quoted already: the '\\' before it would undo "
                             "that",
                             "leave out the '\\'" };
    switch (top(sh)->place) {
    case SINGLE:
    case DOUBLE:
        return (struct saying) {
            undone, "write it outside of the quotes, as in {x} or 'size of '{x}"
        };
    case HERE:
        return (struct saying) {
            "in a here-document the quotes of {%s} are no quotes",
            top(sh)->raw ? "printf '%s\\n' {x} writes it"
                         : "set a variable before it, v={x}, and write $v"
        };
    case COMMENT:
        return (struct saying) { "a line break in {%s} would end the comment",
                                 "double the braces: {{x}}" };
    case BACKTICKS:
        return (struct saying) { "inside of `...` the quotes of {%s} do not hold",
                                 "write $(...)" };
    case ARITHMETIC:
        return (struct saying) { "the shell computes with whole numbers, but {%s} is "
                                 "none",
                                 "use int(), or compute inside of the braces" };
    case BRACE:
        if (top(sh)->literal)
            return (struct saying) { undone,
                                     "set a variable before it, v={x}, and write $v" };
        break;
    default: break;
    }
    return (struct saying) { 0 };
}

static bool check_place(struct orri_checker *c, struct shell *sh,
                        struct orr_expr *value)
{
    struct saying wrong =
        sh->dollar ? (struct saying) { "'$' before {%s}: its value is no name of the "
                                       "shell's",
                                       "braces of the shell's own are doubled: ${{x}}" }
        : is_number(value) ? wrong_number(sh, value)
                           : wrong_text(sh);
    if (!wrong.what)
        return true;
    struct orr_text name = ORR_TEXT_INIT;
    const char *mark = strstr(wrong.what, "%s");
    orr_expr_print(value, &name);
    orr_diag_error(c->diags, value->at, "E0216", "%.*s%.40s%s",
                   (int)(mark - wrong.what), wrong.what, name.s, mark + 2);
    orr_diag_hint(c->diags, "%s", wrong.hint);
    orr_text_release(&name);
    return false;
}

static struct orr_expr *quoted(struct orri_checker *c, struct orr_expr *value)
{
    struct orr_expr *call = orri_expr_new(c->arena, ORRI_CALL, value->at, 1);
    call->name = "quote";
    call->parts[0] = value;
    call->height = (uint16_t)(value->height + 1);
    return call;
}

bool orri_check_script(struct orri_checker *c, struct orr_expr *script)
{
    struct shell sh = { 0 };
    bool good = true;
    for (uint32_t i = 0; i < script->n; i++) {
        struct orr_expr **part = &script->parts[i];
        if (orri_is_literal(*part)) {
            read_text(&sh, (*part)->value.as.s->s, (*part)->value.as.s->length);
            continue;
        }
        bool known = orri_check(c, part, NULL) && orri_not_null(c, *part);
        bool right = known && check_place(c, &sh, *part);
        good &= right;
        if (right && (!is_number(*part) || sh.lost || !is_quoted(&sh)))
            *part = quoted(c, *part);
        sh.dollar = sh.backslash = sh.name = false;
        sh.before = 'x';
    }
    return good;
}
