/* expr_builtin.c - the table of functions: names, forms, documentation
 * A form is "ARGUMENTS>RESULT", a letter each: b bool, i int, f float, s string,
 * d duration, z size, p path, k blob; capitals are lists of these, X any list, * any
 * value; + repeats the letter before it. The first form that fits is taken; the result
 * X is the type of the argument X. Hands on: what they do (expr_functions.c). */
#include "lang/functions.h"
#include "lang/internal.h"

#include <ctype.h>
#include <string.h>

#define X(name, usage, forms, doc) { #name, usage, doc, forms, orri_run_##name },
static const struct orri_builtin builtins[] = { ORRI_FUNCTIONS(X) };
#undef X

enum { N_BUILTINS = sizeof builtins / sizeof *builtins };

const struct orri_builtin *orri_builtin_find(const char *name)
{
    for (size_t i = 0; i < N_BUILTINS; i++)
        if (strcmp(builtins[i].name, name) == 0)
            return &builtins[i];
    return NULL;
}

const struct orr_builtin_doc *orr_expr_builtins(size_t *n)
{
#define X(name, usage, forms, doc) { #name, usage, doc },
    static const struct orr_builtin_doc docs[] = { ORRI_FUNCTIONS(X) };
#undef X
    *n = N_BUILTINS;
    return docs;
}

const char *const *orri_builtin_names(struct orr_arena *arena, size_t *n)
{
    const char **names = orr_arena_alloc(arena, N_BUILTINS * sizeof *names);
    for (size_t i = 0; i < N_BUILTINS; i++)
        names[i] = builtins[i].name;
    *n = N_BUILTINS;
    return names;
}

static enum orr_kind kind_of(char letter)
{
    switch (tolower((unsigned char)letter)) {
    case 'b': return ORR_KIND_BOOL;
    case 'i': return ORR_KIND_INT;
    case 'f': return ORR_KIND_FLOAT;
    case 's': return ORR_KIND_STRING;
    case 'd': return ORR_KIND_DURATION;
    case 'z': return ORR_KIND_SIZE;
    case 'p': return ORR_KIND_PATH;
    default: return ORR_KIND_BLOB;
    }
}

/* The type of a letter; lists of scalars are made once. */
static const struct orr_type *type_of(char letter, const struct orr_type *any)
{
#define X(id, number, text) [number] = { .kind = ORR_KIND_##id },
    static const struct orr_type elements[] = { ORR_KINDS(X) };
#undef X
#define X(id, number, text)                                                            \
    [number] = { .kind = ORR_KIND_LIST, .element = &elements[number] },
    static const struct orr_type lists[] = { ORR_KINDS(X) };
#undef X
    if (letter == 'X' || letter == '*')
        return any;
    return isupper((unsigned char)letter) ? &lists[kind_of(letter)]
                                          : orr_type_scalar(kind_of(letter));
}

static bool letter_fits(char letter, const struct orr_type *type)
{
    if (letter == '*')
        return true;
    if (letter == 'X')
        return type->kind == ORR_KIND_LIST && !type->optional;
    return orr_type_fits(type_of(letter, NULL), type);
}

/* Letter of argument i of the form at s, or '\0'. */
static char letter_at(const char *s, uint32_t i)
{
    for (; *s != '>'; s++, i--) {
        if (*s == '+')
            return s[-1];
        if (i == 0)
            return *s;
    }
    return '\0';
}

static uint32_t least_arguments(const char *s)
{
    uint32_t n = 0;
    while (*s != '>')
        n += *s++ != '+';
    return n;
}

static bool form_fits(const char *form, const struct orr_expr *call)
{
    if (call->n < least_arguments(form))
        return false;
    for (uint32_t i = 0; i < call->n; i++) {
        char letter = letter_at(form, i);
        if (!letter || !letter_fits(letter, call->parts[i]->type))
            return false;
    }
    return true;
}

static const struct orr_type *take_form(struct orri_checker *c, struct orr_expr *call,
                                        const char *form)
{
    const struct orr_type *any = NULL;
    for (uint32_t i = 0; i < call->n; i++) {
        char letter = letter_at(form, i);
        const struct orr_type *want = type_of(letter, NULL);
        if (letter == 'X')
            any = call->parts[i]->type;
        if (want && !orri_coerce(c, &call->parts[i], want))
            return NULL;
    }
    return type_of(strchr(form, '>')[1], any);
}

static const struct orr_type *no_form(struct orri_checker *c, struct orr_expr *call)
{
    struct orr_text have = ORR_TEXT_INIT;
    for (uint32_t i = 0; i < call->n; i++)
        orr_text_printf(&have, "%s%s", i ? ", " : "",
                        orri_type_text(c, call->parts[i]->type));
    orr_diag_error(c->diags, call->at, "E0212", "%s() cannot take (%s); it is %s",
                   call->name, have.s ? have.s : "", call->builtin->usage);
    orr_text_release(&have);
    call->bad = true;
    return NULL;
}

static const struct orr_type *unknown_function(struct orri_checker *c,
                                               struct orr_expr *call)
{
    size_t n = 0;
    const char *const *names = orri_builtin_names(c->arena, &n);
    const char *nearest = orr_text_nearest(call->name, names, n);
    orr_diag_error(c->diags, call->at, "E0211", "unknown function '%s'", call->name);
    if (nearest)
        orr_diag_hint(c->diags, "did you mean '%s'?", nearest);
    call->bad = true;
    return NULL;
}

const struct orr_type *orri_check_call(struct orri_checker *c, struct orr_expr *call)
{
    call->builtin = orri_builtin_find(call->name);
    if (!call->builtin)
        return unknown_function(c, call);
    for (uint32_t i = 0; i < call->n; i++)
        if (!call->parts[i]->type)
            return NULL;
    for (const char *form = call->builtin->forms; form; form = strchr(form, ' ')) {
        form += *form == ' ';
        if (form_fits(form, call))
            return take_form(c, call, form);
    }
    for (uint32_t i = 0; i < call->n; i++)
        if (call->parts[i]->type->optional && !orri_not_null(c, call->parts[i])) {
            call->bad = true;
            return NULL;
        }
    return no_form(c, call);
}
