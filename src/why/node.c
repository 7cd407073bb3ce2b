/* node.c - the tree of an explanation, and its printing
 * Owns: the nodes, their texts. */
#include "why/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define X(id, text) text,
static const char *const kind_text[] = { ORR_WHY_KINDS(X) };
#undef X

struct orr_why *orr_why_new(const struct orr_why_setup *setup)
{
    struct orr_why *why = orr_alloc(1, sizeof *why);
    why->setup = *setup;
    return why;
}

void orr_why_free(struct orr_why *why)
{
    if (!why)
        return;
    orr_map_release(&why->told);
    orr_map_release(&why->missed);
    orr_arena_release(&why->arena);
    orr_arena_release(&why->scratch);
    free(why);
}

struct orr_why_node *orri_why_root(struct orr_why *why)
{
    struct orr_why_node *node = orr_arena_alloc(&why->arena, sizeof *node);
    node->kind = ORR_WHY_ANSWER;
    node->text = "";
    return node;
}

struct orr_why_node *orri_why_add(struct orr_why *why, struct orr_why_node *parent,
                                  enum orr_why_kind kind, const char *format, ...)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_why_node *node = orr_arena_alloc(&why->arena, sizeof *node);
    va_list args;
    va_start(args, format);
    orr_text_vprintf(&text, format, args);
    va_end(args);
    for (size_t i = 0; i < text.length; i++)
        if (text.s[i] == '\n')
            text.s[i] = ' ';
    node->kind = kind;
    node->text = orr_arena_strdup(&why->arena, text.s ? text.s : "");
    orr_text_release(&text);
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

/* ---- texts ---- */

/* Cut at `most` bytes, not within a character. */
static const char *cut(struct orr_why *why, struct orr_text *text, size_t most)
{
    const char *out = NULL;
    size_t n = most;
    if (text->length <= most) {
        out = orr_arena_strdup(&why->arena, text->s ? text->s : "");
    } else {
        while (n && ((unsigned char)text->s[n] & 0xC0) == 0x80)
            n--;
        out = orr_arena_printf(&why->arena, "%.*s...", (int)n, text->s);
    }
    orr_text_release(text);
    return out;
}

enum { FIELD_BYTES = 60, FACT_BYTES = 400 };

const char *orri_value_text(struct orr_why *why, struct orr_value v, size_t most)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_value_print(v, &text);
    return cut(why, &text, most);
}

const char *orri_fact_text(struct orr_why *why, uint32_t type, uint32_t index)
{
    struct orr_text text = ORR_TEXT_INIT;
    const struct orr_engine *engine = why->setup.engine;
    const struct orr_fact_type *fact = &why->setup.graph->facts[type];
    orr_text_printf(&text, "%s {", fact->name);
    for (uint32_t f = 0; f < fact->record->n_fields; f++) {
        struct orr_value v = orr_engine_fact_field(engine, type, index, f);
        orr_text_printf(&text, "%s%s: %s", f ? ", " : "", fact->record->fields[f].name,
                        orri_value_text(why, v, FIELD_BYTES));
    }
    orr_text_puts(&text, "}");
    if (orr_engine_requests(engine) > 1)
        orr_text_printf(&text, " of request %" PRIu32,
                        orr_engine_request_of(engine, type, index));
    return cut(why, &text, FACT_BYTES);
}

const char *orri_expr_text(struct orr_why *why, const struct orr_expr *expr)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_expr_print(expr, &text);
    return cut(why, &text, FACT_BYTES);
}

struct orr_why_node *orri_rule_node(struct orr_why *why, struct orr_why_node *parent,
                                    uint32_t rule, const char *what)
{
    const struct orr_rule *r = &why->setup.graph->rules[rule];
    const char *file = r->at.file ? r->at.file : why->setup.graph->file;
    const char *base = file && strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    struct orr_why_node *node =
        orri_why_add(why, parent, ORR_WHY_RULE, "%srule '%s' (%s:%" PRIu32 ")", what,
                     r->name, base ? base : "workflow", r->at.line);
    node->at = r->at;
    node->at.file = file;
    return node;
}

void orr_why_print_task(const struct orr_why *why, uint32_t id, struct orr_text *out)
{
    const struct orr_task *task =
        orr_engine_task(why->setup.engine, (orr_task_id) { id });
    const struct orr_graph_function *f = &why->setup.graph->functions[task->function];
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_reader in = orr_reader_of(task->args, task->args_length);
    const char *between = "";
    orr_text_printf(out, "%s(", f->name);
    for (uint32_t i = 0; i < f->params->n_fields; i++) {
        struct orr_text text = ORR_TEXT_INIT;
        struct orr_value v;
        if (orr_value_get(&in, f->params->fields[i].type, &arena, &v, NULL) != ORR_OK)
            ORR_BUG("arguments of task %" PRIu32 " do not read back", id);
        if (v.kind == ORR_KIND_NULL)
            continue;
        orr_value_print(v, &text);
        bool whole = text.length <= FIELD_BYTES;
        size_t n = whole ? text.length : FIELD_BYTES;
        while (!whole && n && ((unsigned char)text.s[n] & 0xC0) == 0x80)
            n--;
        orr_text_printf(out, "%s%s: %.*s%s", between, f->params->fields[i].name, (int)n,
                        text.s, whole ? "" : "...");
        between = ", ";
        orr_text_release(&text);
    }
    orr_text_puts(out, ")");
    orr_arena_release(&arena);
}

/* ---- printing ---- */

static void print(const struct orr_why_node *node, int level, struct orr_text *out)
{
    if (*node->text)
        orr_text_printf(out, "%*s%s\n", 2 * level, "", node->text);
    for (const struct orr_why_node *n = node->first; n; n = n->next)
        print(n, *node->text ? level + 1 : level, out);
}

void orr_why_print(const struct orr_why_node *node, struct orr_text *out)
{
    print(node, 0, out);
}

static void json(const struct orr_why_node *node, int level, struct orr_text *out)
{
    orr_text_printf(out, "%*s{\"kind\": \"%s\", \"text\": ", 2 * level, "",
                    kind_text[node->kind]);
    orr_text_json(out, node->text, strlen(node->text));
    if (node->at.line) {
        orr_text_puts(out, ", \"file\": ");
        orr_text_json(out, node->at.file ? node->at.file : "",
                      node->at.file ? strlen(node->at.file) : 0);
        orr_text_printf(out, ", \"line\": %" PRIu32, node->at.line);
    }
    if (node->has_id) {
        char hex[ORR_ID_TEXT];
        orr_id_text(node->id, hex);
        orr_text_printf(out, ", \"identity\": \"%s\"", hex);
    }
    if (node->first)
        orr_text_puts(out, ", \"because\": [\n");
    for (const struct orr_why_node *n = node->first; n; n = n->next) {
        json(n, level + 1, out);
        orr_text_puts(out, n->next ? ",\n" : "]");
    }
    orr_text_puts(out, "}");
}

void orr_why_json(const struct orr_why_node *node, struct orr_text *out)
{
    json(node, 0, out);
    orr_text_puts(out, "\n");
}
