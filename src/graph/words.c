/* words.c - names: kept, looked up, refused; paths made absolute */
#include "graph/internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *orri_keep(struct orri_compile *c, orr_model_leaf leaf)
{
    return leaf ? orr_arena_strndup(c->arena, leaf->text, leaf->length) : NULL;
}

void orri_hint_nearest(struct orri_compile *c, const char *name,
                       const char *const *names, size_t n)
{
    if (c->diags->n >= ORR_DIAG_MAX)
        return; /* it would not be shown */
    const char *nearest = orr_text_nearest(name, names, n);
    if (nearest)
        orr_diag_hint(c->diags, "did you mean '%s'?", nearest);
}

uint32_t orri_find(struct orri_compile *c, orr_model_leaf leaf, const char *what,
                   const char *id, const char *const *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i], leaf->text) == 0)
            return i;
    orr_diag_error(c->diags, leaf->at, id, "unknown %s '%s'", what, leaf->text);
    orri_hint_nearest(c, leaf->text, names, n);
    return ORR_NONE;
}

int orri_written(const struct orr_model_head *head, const char *names)
{
    int n = 0;
    for (size_t length = 0; *names; names += length + (names[length] == ' ')) {
        length = strcspn(names, " ");
        for (uint32_t i = 0; i < head->node->n; i++)
            n += head->node->kind == ORR_YAML_MAPPING &&
                 head->node->keys[i]->length == length &&
                 memcmp(head->node->keys[i]->text, names, length) == 0;
    }
    return n;
}

/* Two names with one hash of 64 bits: not in any file that a person can write. */
uint32_t orri_recall(const struct orri_compile *c, enum orri_names kind,
                     const char *name)
{
    const uint64_t *index =
        orr_map_find(&c->names, orr_hash64(name, strlen(name), (uint64_t)kind));
    return index ? (uint32_t)*index : ORR_NONE;
}

void orri_remember(struct orri_compile *c, enum orri_names kind, const char *name,
                   uint32_t index)
{
    bool fresh = false;
    uint64_t *slot = orr_map_insert(
        &c->names, orr_hash64(name, strlen(name), (uint64_t)kind), &fresh);
    if (fresh)
        *slot = index;
}

uint32_t orri_find_fact(struct orri_compile *c, orr_model_leaf leaf)
{
    uint32_t known = orri_recall(c, ORRI_FACT_NAMES, leaf->text);
    if (known != ORR_NONE)
        return known;
    const char **names = orr_alloc(c->graph->n_facts, sizeof *names);
    for (uint32_t i = 0; i < c->graph->n_facts; i++)
        names[i] = c->facts[i].name;
    uint32_t found = orri_find(c, leaf, "fact", "E0401", names, c->graph->n_facts);
    free(names);
    return found;
}

bool orri_check_word(struct orri_compile *c, const char *word, struct orr_span at,
                     const char *what)
{
    static const char *const reserved[] = { "and",    "or",   "not",    "in",
                                            "if",     "else", "for",    "true",
                                            "false",  "null", "result", "error",
                                            "attempt" };
    if (!orr_model_is_identifier(word)) {
        orr_diag_error(
            c->diags, at, "E0403",
            "'%s' cannot be the name of %s: letters, digits and _ only, no digit first",
            word, what);
        return false;
    }
    /* the last three name variables, and a step is one */
    bool variable = strcmp(what, "a variable") == 0 || strcmp(what, "a step") == 0;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved - (variable ? 0 : 3); i++)
        if (strcmp(reserved[i], word) == 0) {
            orr_diag_error(c->diags, at, "E0403",
                           "'%s' cannot be the name of %s: the language uses the word",
                           word, what);
            return false;
        }
    return true;
}

bool orri_check_name(struct orri_compile *c, orr_model_leaf key, const char *what)
{
    return orri_check_word(c, key->text, key->at, what);
}

enum { FILE_NAME_MAX = 128 }; /* bytes; the time, or an identity, comes behind it */

void orri_check_file_name(struct orri_compile *c, orr_model_leaf name, const char *what)
{
    bool good = name->length > 0 && !strchr(".-", name->text[0]) &&
                name->length <= FILE_NAME_MAX;
    for (size_t i = 0; i < name->length; i++)
        good &= (unsigned char)name->text[i] > ' ' && name->text[i] != '/' &&
                name->text[i] != 0x7f;
    if (good)
        return;
    orr_diag_error(c->diags, name->at, "E0403",
                   "'%.40s' cannot be the name of %s: no blanks, no '/', no '.' or '-' "
                   "first, 1 to %d bytes",
                   name->text, what, FILE_NAME_MAX);
}

/* Take the parts of `path` onto `out`, ".." removing the last one. */
static void add_parts(struct orr_text *out, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (out->length && out->s[--out->length] != '/')
                ;
        } else if (n && !(n == 1 && path[0] == '.')) {
            orr_text_puts(out, "/");
            orr_text_append(out, path, n);
        }
        path += n + (path[n] == '/');
    }
}

const char *orri_resolve_path(struct orr_arena *arena, const char *directory,
                              const char *path)
{
    char here[PATH_MAX] = "";
    struct orr_text out = ORR_TEXT_INIT;
    orr_text_append(&out, "", 0);
    if (*path != '/') {
        if (*directory != '/' && getcwd(here, sizeof here))
            add_parts(&out, here);
        add_parts(&out, directory);
    }
    add_parts(&out, path);
    if (out.length == 0)
        orr_text_puts(&out, "/");
    const char *kept = orr_arena_strndup(arena, out.s, out.length);
    orr_text_release(&out);
    return kept;
}

void orri_break(struct orri_compile *c, orr_model_leaf key)
{
    struct orri_broken *broken = orr_arena_alloc(c->arena, sizeof *broken);
    *broken = (struct orri_broken) { c->broken, orri_keep(c, key) };
    c->broken = broken;
}

/* Does it say that such a field, input or name is unknown? */
static bool follows(const struct orri_compile *c, const struct orr_diag *diag)
{
    static const char *const ids[] = { "E0206", "E0207", "E0405", "E0501" };
    bool unknown = false;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        unknown |= strcmp(diag->id, ids[i]) == 0;
    for (const struct orri_broken *b = unknown ? c->broken : NULL; b; b = b->next) {
        size_t n = strlen(b->name);
        const char *at = diag->message;
        while ((at = strchr(at, '\'')) != NULL)
            if (strncmp(++at, b->name, n) == 0 && at[n] == '\'')
                return true;
    }
    return false;
}

void orri_drop_follow_ups(struct orri_compile *c, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < c->diags->n; i++) {
        if (!follows(c, &c->diags->items[i]))
            c->diags->items[kept++] = c->diags->items[i];
        else
            c->diags->errors--;
    }
    c->diags->n = kept < c->diags->n ? kept : c->diags->n;
}
