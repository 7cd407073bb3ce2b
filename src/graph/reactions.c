/* reactions.c - what a rule does: its call, what it asserts, how it meets errors */
#include "graph/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- the call ---- */

static const struct orr_graph_function *find_function(struct orri_compile *c,
                                                      orr_model_leaf call,
                                                      uint32_t *index)
{
    *index = orri_recall(c, ORRI_FUNCTION_NAMES, call->text);
    if (*index == ORR_NONE) {
        uint32_t n = c->graph->n_functions;
        const char **names = orr_alloc(n, sizeof *names);
        for (uint32_t i = 0; i < n; i++)
            names[i] = c->functions[i].name;
        (void)orri_find(c, call, "function", "E0401", names, n);
        free(names);
        return NULL;
    }
    c->function_used[*index] = true;
    return c->functions[*index].params ? &c->functions[*index] : NULL;
}

/* `with` left out: fine when nothing is required. */
static void check_nothing_required(struct orri_compile *c,
                                   const struct orr_record_type *record,
                                   struct orr_expr *const *defaults, struct orr_span at,
                                   const char *what, const char *part)
{
    for (uint32_t i = 0; i < record->n_fields; i++)
        if (!record->fields[i].type->optional && !(defaults && defaults[i]))
            orr_diag_error(c->diags, at, "E0406", "%s needs the %s '%s'", what, part,
                           record->fields[i].name);
}

static const struct orr_type *record_type(struct orri_compile *c,
                                          const struct orr_record_type *record)
{
    struct orr_type *type = orr_arena_alloc(c->arena, sizeof *type);
    *type = (struct orr_type) { .kind = ORR_KIND_RECORD, .record = record };
    return type;
}

void orri_compile_action(struct orri_compile *c, const struct orr_model_rule *m,
                         struct orri_rule_scope *rs)
{
    struct orr_rule *rule = rs->rule;
    uint32_t index = ORR_NONE;
    if (!m->action || !m->action->call)
        return;
    const struct orr_graph_function *f = find_function(c, m->action->call, &index);
    rule->function = index;
    if (m->action->priority)
        rule->priority = orri_expr(c, m->action->priority, &rs->match,
                                   orr_type_scalar(ORR_KIND_INT));
    if (m->action->deadline)
        rule->deadline = orri_expr(c, m->action->deadline, &rs->match,
                                   orr_type_scalar(ORR_KIND_DURATION));
    if (!f)
        return;
    const char *what = orr_arena_printf(c->arena, "function '%s'", f->name);
    if (m->action->with)
        rule->args = orri_parts(c, m->action->with, f->params, f->defaults, what,
                                "argument", &rs->match);
    else if (!orri_written(&m->action->head, "with"))
        check_nothing_required(c, f->params, f->defaults, m->action->call->at, what,
                               "argument");
    if (!rule->args)
        rule->args =
            orr_arena_alloc(c->arena, (f->params->n_fields + 1) * sizeof *rule->args);
}

/* ---- assertions ---- */

static size_t scan_name(const char *text, size_t at, size_t *end)
{
    size_t n = 0;
    while (isspace((unsigned char)text[at]))
        at++;
    while (isalnum((unsigned char)text[at + n]) || text[at + n] == '_')
        n++;
    *end = at + n;
    return at;
}

/* "VAR in LIST" or "INDEX, VARIABLE in LIST"; false: it is neither. */
bool orri_scan_for(struct orr_arena *arena, const char *text, struct orri_for *out)
{
    size_t end = 0;
    size_t at = scan_name(text, 0, &end);
    *out =
        (struct orri_for) { .variable = orr_arena_strndup(arena, text + at, end - at) };
    while (isspace((unsigned char)text[end]))
        end++;
    if (text[end] == ',') {
        out->index = out->variable;
        at = scan_name(text, end + 1, &end);
        out->variable = orr_arena_strndup(arena, text + at, end - at);
    }
    size_t word = end;
    while (isspace((unsigned char)text[word]))
        word++;
    out->list = word + 3;
    return *out->variable && (!out->index || *out->index) &&
           isspace((unsigned char)text[word - 1]) &&
           strncmp(text + word, "in", 2) == 0 && isspace((unsigned char)text[word + 2]);
}

static bool set_loop_variable(struct orri_compile *c, orr_model_leaf node,
                              struct orr_scope *scope, uint32_t slot, const char *name,
                              const struct orr_type *type)
{
    for (uint32_t i = 0; i < ORR_SLOTS_MAX; i++)
        if (scope->slots[i].name && strcmp(scope->slots[i].name, name) == 0) {
            orr_diag_error(c->diags, node->at, "E0409",
                           "'%s' is a variable of the rule already", name);
            return false;
        }
    orri_scope_set(scope, slot, name, type);
    return true;
}

const struct orr_type *orri_compile_list(struct orri_compile *c, orr_model_leaf node,
                                         const struct orri_for *loop,
                                         struct orr_scope *scope, struct orr_expr **out)
{
    *out = orri_expr_from(c, node, loop->list, scope, NULL);
    if (!*out)
        return NULL;
    const struct orr_type *list = orr_expr_type(*out);
    if (list->kind == ORR_KIND_LIST && !list->optional && list->element)
        return list->element;
    struct orr_text text = ORR_TEXT_INIT;
    orr_type_print(list, &text);
    orr_diag_error(c->diags, orr_expr_span(*out), "E0423",
                   "'for' needs a list, but this is %s", text.s);
    orr_text_release(&text);
    return NULL;
}

static bool compile_for(struct orri_compile *c, orr_model_leaf node,
                        struct orr_scope *scope, uint32_t loop_slot,
                        struct orr_assertion *a)
{
    struct orri_for loop;
    if (!orri_scan_for(c->arena, node->text, &loop)) {
        orr_diag_error(c->diags, node->at, "E0423",
                       "'for' is written VARIABLE in LIST");
        return false;
    }
    if (!orri_check_word(c, loop.variable, node->at, "a variable") ||
        (loop.index && !orri_check_word(c, loop.index, node->at, "a variable")))
        return false;
    const struct orr_type *element = orri_compile_list(c, node, &loop, scope, &a->list);
    if (!element ||
        !set_loop_variable(c, node, scope, loop_slot, loop.variable, element))
        return false;
    a->loop_slot = loop_slot;
    a->loop_name = loop.variable;
    a->index_name = loop.index;
    if (!loop.index)
        return true;
    a->index_slot = loop_slot + 1;
    return set_loop_variable(c, node, scope, loop_slot + 1, loop.index,
                             orr_type_scalar(ORR_KIND_INT));
}

/* `scope` is a copy of the rule's: a loop variable is seen by this assertion only. */
static void compile_assertion(struct orri_compile *c,
                              const struct orr_model_assertion *m,
                              struct orr_scope scope, uint32_t loop_slot,
                              struct orr_assertion *a)
{
    *a = (struct orr_assertion) { .loop_slot = ORR_NONE,
                                  .index_slot = ORR_NONE,
                                  .fact = ORR_NONE,
                                  .at = m->fact->at };
    a->fact = orri_find_fact(c, m->fact);
    if (a->fact != ORR_NONE)
        c->fact_made[a->fact] = true;
    if (m->list && !compile_for(c, m->list, &scope, loop_slot, a))
        return; /* what follows uses the variable */
    if (m->when)
        a->when = orri_expr(c, m->when, &scope, orr_type_scalar(ORR_KIND_BOOL));
    if (a->fact == ORR_NONE)
        return;
    const struct orr_fact_type *fact = &c->facts[a->fact];
    const char *what = orr_arena_printf(c->arena, "fact '%s'", fact->name);
    if (a->fact == 0)
        orr_diag_error(c->diags, m->fact->at, "E0424",
                       "'job' cannot be asserted: it holds the inputs of the request");
    else if (!m->with)
        check_nothing_required(c, fact->record, NULL, m->fact->at, what, "field");
    else if (m->with->kind == ORR_YAML_MAPPING) {
        struct orr_expr **parts =
            orri_parts(c, m->with, fact->record, NULL, what, "field", &scope);
        a->record =
            parts ? orr_expr_record(fact->record, parts, m->with->at, c->arena) : NULL;
    } else {
        a->record = orri_expr(c, m->with, &scope, record_type(c, fact->record));
    }
    if (!m->with) {
        struct orr_expr **none =
            orr_arena_alloc(c->arena, (fact->record->n_fields + 1) * sizeof *none);
        a->record = orr_expr_record(fact->record, none, m->fact->at, c->arena);
    }
}

static void compile_assertions(struct orri_compile *c,
                               const struct orr_model_blocks *blocks,
                               struct orri_rule_scope *rs,
                               const struct orr_scope *scope)
{
    const struct orr_model_assertion *models = blocks->items;
    struct orr_rule *rule = rs->rule;
    rule->then = orr_arena_alloc(c->arena, (blocks->n + 1) * sizeof *rule->then);
    for (uint32_t i = 0; i < blocks->n; i++)
        if (models[i].fact)
            compile_assertion(c, &models[i], *scope, rs->loop_slot,
                              &rule->then[rule->n_then++]);
}

/* ---- errors ---- */

#define TEXT_FIELD(field)                                                              \
    {                                                                                  \
        .name = field, .type = &string_type                                            \
    }
static const struct orr_type string_type = { .kind = ORR_KIND_STRING };
static const struct orr_type int_type = { .kind = ORR_KIND_INT };
static const struct orr_field error_fields[] = { TEXT_FIELD("kind"),
                                                 { .name = "code", .type = &int_type },
                                                 TEXT_FIELD("message") };
const struct orr_record_type orr_error_record = { .name = "error",
                                                  .n_fields = 3,
                                                  .fields = error_fields };
static const struct orr_type error_type = { .kind = ORR_KIND_RECORD,
                                            .record = &orr_error_record };

static void compile_retry(struct orri_compile *c, const struct orr_model_retry *m,
                          struct orri_rule_scope *rs, struct orr_scope *scope,
                          struct orr_handler *h)
{
    h->retry_max = (uint32_t)orri_int(c, m->max, "max", 1, ORRI_RETRIES_MAX, 1);
    h->retry_delay = orri_quantity_of(c, m->delay, ORR_KIND_DURATION, "delay", 0);
    if (rs->rule->function == ORR_NONE || !c->functions[rs->rule->function].params)
        return;
    const struct orr_graph_function *f = &c->functions[rs->rule->function];
    struct orr_record_type some = *f->params; /* none of them is required here */
    struct orr_expr **all =
        orr_arena_alloc(c->arena, (some.n_fields + 1) * sizeof *all);
    for (uint32_t i = 0; i < some.n_fields; i++)
        all[i] = orr_expr_constant(orr_null(), some.fields[i].type, h->at, c->arena);
    if (m->with)
        h->retry_with = orri_parts(c, m->with, &some, all,
                                   orr_arena_printf(c->arena, "function '%s'", f->name),
                                   "argument", scope);
    if (!h->retry_with)
        h->retry_with =
            orr_arena_alloc(c->arena, (some.n_fields + 1) * sizeof *h->retry_with);
}

static void check_handler_shape(struct orri_compile *c,
                                const struct orr_model_handler *m)
{
    const struct orr_model_head *head = &m->assertion.head;
    int ways = orri_written(head, "retry assert skip fail");
    if (ways != 1)
        orr_diag_error(c->diags, head->node->at, "E0425",
                       "an error handler needs %s of retry, assert, skip, fail",
                       ways ? "only one" : "one");
    if (!orri_written(head, "assert") && (m->assertion.with || m->assertion.list))
        orr_diag_error(c->diags, head->node->at, "E0425",
                       "'with' and 'for' of an error handler belong to 'assert'");
}

/* `fail: error.message` is that very text. */
static void warn_expression(struct orri_compile *c, orr_model_leaf text,
                            struct orr_scope scope)
{
    struct orr_diags quiet = { 0 };
    if (text->style != ORR_YAML_PLAIN || strpbrk(text->text, "{}"))
        return;
    const struct orr_expr *e =
        orr_expr_compile(text->text, text->at, &scope, NULL, c->arena, &quiet);
    orr_diags_release(&quiet);
    if (!e || orr_expr_slots(e) == 0)
        return;
    orr_diag_warning(c->diags, text->at, "W0453",
                     "this is taken as a text, as it stands, not as an expression");
    orr_diag_hint(c->diags, "for its value, write \"{%s}\"", text->text);
}

static void compile_handler(struct orri_compile *c, const struct orr_model_handler *m,
                            struct orri_rule_scope *rs, struct orr_scope *scope,
                            struct orr_handler *h)
{
    struct orr_model_assertion assertion = m->assertion;
    h->at = m->assertion.head.node->at;
    check_handler_shape(c, m);
    if (assertion.when)
        h->when = orri_expr(c, assertion.when, scope, orr_type_scalar(ORR_KIND_BOOL));
    orri_check_handler(c, rs->rule, h);
    assertion.when = NULL; /* the handler's, not the assertion's */
    if (m->retry) {
        h->kind = ORR_HANDLER_RETRY;
        compile_retry(c, m->retry, rs, scope, h);
    } else if (assertion.fact) {
        h->kind = ORR_HANDLER_ASSERT;
        compile_assertion(c, &assertion, *scope, rs->loop_slot, &h->assertion);
    } else if (m->skip) {
        h->kind = ORR_HANDLER_SKIP;
        const char *word = orr_bool_word(m->skip->text);
        if (strcmp(m->skip->text, "true") != 0)
            orr_diag_error(c->diags, m->skip->at, "E0425", "skip can only be true");
        if (word && strcmp(word, "true") == 0 && strcmp(m->skip->text, word) != 0)
            orr_diag_hint(c->diags, "write 'true'");
    } else if (m->fail) {
        h->kind = ORR_HANDLER_FAIL;
        h->message = orri_template(c, m->fail, scope, orr_type_scalar(ORR_KIND_STRING));
        warn_expression(c, m->fail, *scope);
    }
}

static void compile_handlers(struct orri_compile *c, const struct orr_model_rule *m,
                             struct orri_rule_scope *rs)
{
    const struct orr_model_handler *models = m->error.items;
    struct orr_rule *rule = rs->rule;
    struct orr_scope scope = rs->match;
    orri_scope_set(&scope, rule->error_slot, "error", &error_type);
    orri_scope_set(&scope, rule->attempt_slot, "attempt", &int_type);
    rule->handlers =
        orr_arena_alloc(c->arena, (m->error.n + 1) * sizeof *rule->handlers);
    for (uint32_t i = 0; i < m->error.n; i++)
        if (models[i].assertion.head.node->kind == ORR_YAML_MAPPING)
            compile_handler(c, &models[i], rs, &scope,
                            &rule->handlers[rule->n_handlers++]);
}

/* ---- the whole ---- */

static void check_shape(struct orri_compile *c, const struct orr_model_rule *m,
                        const struct orr_rule *rule)
{
    const struct orr_model_assertion *own = &m->assertion;
    const struct orr_model_head *head = &own->head;
    bool acts = orri_written(head, "action");
    bool asserts = orri_written(head, "assert");
    if (m->action && (own->fact || m->then.items))
        orr_diag_error(c->diags, rule->at, "E0426",
                       "a rule with an action asserts in 'reaction', not directly");
    if (!acts && (m->reaction.items || m->error.items))
        orr_diag_error(
            c->diags, rule->at, "E0426",
            "'reaction' and 'error' need an action; without one, write assert or then");
    if (!acts && !asserts && !m->then.items && !m->reaction.items)
        orr_diag_error(c->diags, rule->at, "E0426",
                       "the rule does nothing: it has neither action nor assert");
    if (!m->action && own->fact && m->then.items)
        orr_diag_error(c->diags, rule->at, "E0426",
                       "a rule has either assert or then, not both");
    if (!asserts && (own->with || own->list || own->when))
        orr_diag_error(c->diags, rule->at, "E0426",
                       "'with', 'for' and 'when' of a rule belong to 'assert'");
}

static void compile_reaction(struct orri_compile *c, const struct orr_model_rule *m,
                             struct orri_rule_scope *rs)
{
    struct orr_rule *rule = rs->rule;
    struct orr_scope scope = rs->match;
    const struct orr_graph_function *f =
        rule->function == ORR_NONE ? NULL : &c->functions[rule->function];
    if (f && f->results) {
        orri_scope_set(&scope, rule->result_slot, "result", record_type(c, f->results));
        compile_assertions(c, &m->reaction, rs, &scope);
        return;
    }
}

/* A fact counts as made by what a rule says, right or wrong. */
static void mark_made(struct orri_compile *c, const struct orr_model_blocks *blocks)
{
    const struct orr_model_assertion *models = blocks->items;
    for (uint32_t i = 0; i < blocks->n; i++) {
        uint32_t f = models[i].fact
                         ? orri_recall(c, ORRI_FACT_NAMES, models[i].fact->text)
                         : ORR_NONE;
        if (f != ORR_NONE)
            c->fact_made[f] = true;
    }
}

void orri_compile_reactions(struct orri_compile *c, const struct orr_model_rule *m,
                            struct orri_rule_scope *rs)
{
    const struct orr_model_blocks own = { 1, (void *)(uintptr_t)&m->assertion };
    check_shape(c, m, rs->rule);
    mark_made(c, &own);
    mark_made(c, &m->reaction);
    mark_made(c, &m->then);
    if (m->action) {
        compile_reaction(c, m, rs);
        compile_handlers(c, m, rs);
    } else if (m->assertion.fact) {
        compile_assertions(c, &own, rs, &rs->match);
    } else if (m->then.items) {
        compile_assertions(c, &m->then, rs, &rs->match);
    }
}
