/* macro.c - names of submit descriptions and $(NAME) in values
 * Owns: lists of macros. */
#include "import/macro.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 32, VALUE_MAX = 4 * ORRI_COMMAND_MAX };

void orri_macros_set(struct orri_macros *macros, const char *name, const char *value,
                     struct orr_span at)
{
    struct orri_macro *there = orri_macros_find(macros, name, strlen(name));
    if (!there) {
        macros->items =
            orr_grow(macros->items, macros->n, &macros->cap, sizeof *macros->items);
        there = &macros->items[macros->n++];
    }
    *there = (struct orri_macro) { .name = name, .value = value, .at = at };
}

void orri_macros_release(struct orri_macros *macros)
{
    free(macros->items);
    *macros = (struct orri_macros) { 0 };
}

struct orri_macro *orri_macros_find(const struct orri_macros *macros, const char *name,
                                    size_t length)
{
    for (size_t i = 0; macros && i < macros->n; i++)
        if (strlen(macros->items[i].name) == length &&
            strncasecmp(macros->items[i].name, name, length) == 0)
            return &macros->items[i];
    return NULL;
}

struct orri_macro *orri_node_find(const struct orri_node *node, const char *name,
                                  size_t length)
{
    struct orri_macro *found = orri_macros_find(node->vars, name, length);
    return found ? found : orri_macros_find(&node->submit->macros, name, length);
}

/* A finding about a macro, once however many nodes use it. */
static bool refuse(struct orri_expansion *x, const char *what, const char *s, size_t n)
{
    if (!x->macro->said)
        orr_diag_error(x->diags, x->macro->at, NULL, what, (int)n, s);
    x->macro->said = true;
    return false;
}

/* What is always there. */
static bool put_known(struct orri_expansion *x, const char *name, size_t n)
{
    struct orri_word word = { name, n };
    if (orri_word_is(word, "JOB") || orri_word_is(word, "DAGNodeName"))
        orr_text_puts(x->out, x->node->name);
    else if (orri_word_is(word, "Process") || orri_word_is(word, "ProcId") ||
             orri_word_is(word, "Step") || orri_word_is(word, "RETRY"))
        orr_text_puts(x->out, "0");
    else if (orri_word_is(word, "Cluster") || orri_word_is(word, "ClusterId"))
        orr_text_printf(x->out, "%" PRId64, x->node->number);
    else if (orri_word_is(word, "DOLLAR"))
        orr_text_puts(x->out, "$");
    else
        return false;
    return true;
}

/* $(NAME) or $(NAME:DEFAULT), `s` behind the bracket, `end` at the one that closes. */
static bool put_macro(struct orri_expansion *x, const char *s, const char *end)
{
    const char *colon = memchr(s, ':', (size_t)(end - s));
    size_t n = (size_t)((colon ? colon : end) - s);
    struct orri_macro *found = orri_node_find(x->node, s, n);
    if (found) {
        struct orri_macro *outer = x->macro;
        x->macro = found;
        bool good = orri_expand(x, found->value, strlen(found->value));
        x->macro = outer;
        return good;
    }
    if (put_known(x, s, n))
        return true;
    if (colon)
        return orri_expand(x, colon + 1, (size_t)(end - colon - 1));
    return refuse(x, "macro '%.*s' is not defined, for one node at least", s, n);
}

static const char *closing(const char *s, const char *end)
{
    int open = 1;
    for (; s < end; s++) {
        open += (*s == '(') - (*s == ')');
        if (open == 0)
            return s;
    }
    return NULL;
}

bool orri_expand(struct orri_expansion *x, const char *s, size_t n)
{
    const char *end = s + n;
    bool good = true;
    if (x->depth >= DEPTH_MAX)
        return refuse(x, "the macro holds itself%.*s", "", 0);
    x->depth++;
    while (good && s < end) {
        const char *name = s + 1;
        while (*s == '$' && name < end &&
               (isalpha((unsigned char)*name) || *name == '$'))
            name++;
        bool call = *s == '$' && name < end && *name == '(';
        const char *close = call ? closing(name + 1, end) : NULL;
        if (x->out->length > VALUE_MAX)
            good = refuse(x, "the value is too long%.*s", "", 0);
        else if (close && name == s + 1)
            good = put_macro(x, name + 1, close);
        else if (close)
            good = refuse(x, "%.*s(...) is not supported: write the value itself", s,
                          (size_t)(name - s));
        else
            orr_text_append(x->out, s, 1);
        s = close ? close + 1 : s + 1;
    }
    x->depth--;
    return good;
}
