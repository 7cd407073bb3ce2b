/* firing.c - what became of a rule that fired, but did not make what was asked for
 * Owns nothing. */
#include "why/internal.h"

#include <inttypes.h>
#include <string.h>

/* All that the reaction sees, in the slots. */
static void bind_result(struct orr_why *why, const struct orr_engine_firing *firing,
                        struct orr_value *slots)
{
    const struct orr_rule *rule = &why->setup.graph->rules[firing->rule];
    orri_why_bind(why, firing->rule, firing->match, slots);
    if (rule->result_slot != ORR_NONE && firing->task != ORR_NONE) {
        const struct orr_record *results = orr_engine_task_results(
            why->setup.engine, (orr_task_id) { firing->task }, &why->arena);
        slots[rule->result_slot] = results ? orr_value_of_record(results) : orr_null();
    }
}

/* The slots that can be bound again: all but what is gathered. */
static bool can_see(const struct orr_rule *rule, const struct orr_expr *expr)
{
    return !rule->gather.name || !(orr_expr_slots(expr) >> rule->gather.slot & 1);
}

static bool reads_loop(const struct orr_assertion *a, const struct orr_expr *expr)
{
    uint32_t slots = orr_expr_slots(expr);
    return (a->loop_slot != ORR_NONE && slots >> a->loop_slot & 1) ||
           (a->index_slot != ORR_NONE && slots >> a->index_slot & 1);
}

static void tell_loop_condition(struct orr_why *why, struct orr_why_node *node,
                                const struct orr_rule *rule,
                                const struct orr_assertion *a, struct orr_value *slots)
{
    struct orr_sequence items;
    uint64_t left_out = 0;
    if (!can_see(rule, a->list) ||
        orr_expr_sequence(a->list, slots, &why->arena, &items, NULL) != ORR_OK)
        return;
    if (items.n == 0)
        (void)orri_why_add(why, node, ORR_WHY_REASON,
                           "`for: ... in %s`: the list is empty",
                           orri_expr_text(why, a->list));
    for (uint64_t i = 0; a->when && i < items.n && left_out < why->setup.limit; i++) {
        slots[a->loop_slot] = orr_sequence_at(&items, i);
        if (a->index_slot != ORR_NONE)
            slots[a->index_slot] = orr_int((int64_t)i);
        if (!can_see(rule, a->when) || orri_why_true(why, a->when, slots))
            continue;
        (void)orri_why_add(why, node, ORR_WHY_REASON, "for %s = %s: `when` %s",
                           a->loop_name, orri_value_text(why, slots[a->loop_slot], 60),
                           orri_condition_text(why, rule, a->when, slots));
        left_out++;
    }
}

static void tell_assertion(struct orr_why *why, struct orr_why_node *node,
                           const struct orr_rule *rule, const struct orr_assertion *a,
                           struct orr_value *slots)
{
    if (a->list && (!a->when || reads_loop(a, a->when)))
        tell_loop_condition(why, node, rule, a, slots);
    else if (a->when && can_see(rule, a->when) && !orri_why_true(why, a->when, slots))
        (void)orri_why_add(why, node, ORR_WHY_REASON, "`when` %s",
                           orri_condition_text(why, rule, a->when, slots));
}

/* What it made instead. */
static void tell_made(struct orr_why *why, struct orr_why_node *node, uint32_t number,
                      const struct orri_ask *ask)
{
    const struct orr_engine *engine = why->setup.engine;
    uint32_t n = 0;
    for (uint32_t i = 0; i < orr_engine_facts(engine, ask->type); i++) {
        if (orr_engine_firing_of(engine, ask->type, i) != number)
            continue;
        if (n++ < why->setup.limit)
            (void)orri_why_add(why, node, ORR_WHY_NEAREST, "it made %s",
                               orri_fact_text(why, ask->type, i));
    }
    if (n > why->setup.limit)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "and %" PRIu32 " more",
                           n - why->setup.limit);
}

static bool by_reaction(const struct orr_rule *rule, uint32_t type)
{
    for (uint32_t i = 0; i < rule->n_then; i++)
        if (rule->then[i].fact == type)
            return true;
    return false;
}

static void tell_reaction(struct orr_why *why, struct orr_why_node *node,
                          uint32_t number, const struct orri_ask *ask)
{
    struct orr_engine_firing firing = orr_engine_firing(why->setup.engine, number);
    const struct orr_rule *rule = &why->setup.graph->rules[firing.rule];
    struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
    bind_result(why, &firing, slots);
    for (uint32_t i = 0; ask && i < rule->n_then; i++)
        if (rule->then[i].fact == ask->type)
            tell_assertion(why, node, rule, &rule->then[i], slots);
    if (ask && !by_reaction(rule, ask->type))
        (void)orri_why_add(why, node, ORR_WHY_REASON,
                           "it succeeded: only its error handler asserts facts '%s'",
                           why->setup.graph->facts[ask->type].name);
    else if (ask)
        tell_made(why, node, number, ask);
}

/* ---- handlers ---- */

static void bind_error(struct orr_why *why, const struct orr_engine_firing *firing,
                       struct orr_value *slots)
{
    const struct orr_rule *rule = &why->setup.graph->rules[firing->rule];
    const struct orr_failure *failure =
        orr_engine_task_failure(why->setup.engine, (orr_task_id) { firing->task });
    const char *kind = failure ? orr_fail_kind_text[failure->kind] : "";
    const char *message = failure && failure->message ? failure->message : "";
    struct orr_record *error = orr_record_new(&why->arena, &orr_error_record);
    error->fields[0] = orr_string_new(&why->arena, ORR_KIND_STRING, kind, strlen(kind));
    error->fields[1] = orr_int(failure ? failure->code : 0);
    error->fields[2] =
        orr_string_new(&why->arena, ORR_KIND_STRING, message, strlen(message));
    orri_why_bind(why, firing->rule, firing->match, slots);
    slots[rule->error_slot] = orr_value_of_record(error);
    slots[rule->attempt_slot] = orr_int(firing->failures);
}

static const char *what_it_does(struct orr_why *why, const struct orr_handler *handler)
{
    static const char *const words[] = { "retry", "assert", "skip", "fail" };
    if (handler->kind != ORR_HANDLER_ASSERT)
        return words[handler->kind];
    return orr_arena_printf(&why->arena, "assert %s",
                            why->setup.graph->facts[handler->assertion.fact].name);
}

static void tell_taken(struct orr_why *why, struct orr_why_node *node,
                       const struct orr_engine_firing *firing,
                       const struct orr_handler *handler)
{
    const char *does = what_it_does(why, handler);
    if (firing->handled || handler->kind == ORR_HANDLER_FAIL)
        (void)orri_why_add(why, node, ORR_WHY_REASON, "its error handler took over: %s",
                           does);
    else
        (void)orri_why_add(why, node, ORR_WHY_REASON,
                           "its error handler (%s) did not come to it: the request had "
                           "failed",
                           does);
}

/* Which handler was taken, and why those before it were not. */
static void tell_handlers(struct orr_why *why, struct orr_why_node *node,
                          const struct orr_engine_firing *firing)
{
    const struct orr_rule *rule = &why->setup.graph->rules[firing->rule];
    struct orr_value slots[ORR_SLOTS_MAX] = { 0 };
    if (rule->n_handlers == 0)
        return;
    bind_error(why, firing, slots);
    for (uint32_t i = 0; i < rule->n_handlers; i++) {
        const struct orr_handler *handler = &rule->handlers[i];
        if (handler->when && !can_see(rule, handler->when))
            continue;
        bool holds = !handler->when || orri_why_true(why, handler->when, slots);
        if (holds && handler->kind != ORR_HANDLER_RETRY) {
            tell_taken(why, node, firing, handler);
            return;
        }
        (void)orri_why_add(
            why, node, ORR_WHY_REASON, "its error handler (%s) %s%s",
            what_it_does(why, handler), holds ? "is used up" : "did not: ",
            holds ? "" : orri_condition_text(why, rule, handler->when, slots));
    }
}

void orri_tell_firing(struct orr_why *why, struct orr_why_node *node, uint32_t number,
                      const struct orri_ask *ask, uint32_t depth)
{
    struct orr_engine_firing firing = orr_engine_firing(why->setup.engine, number);
    const struct orr_rule *rule = &why->setup.graph->rules[firing.rule];
    struct orr_text matched = ORR_TEXT_INIT;
    for (uint32_t v = 0; v < firing.n_match; v++)
        if (rule->match[v].fact != 0)
            orr_text_printf(&matched, "%s%s = %s", matched.length ? ", " : " for ",
                            rule->match[v].name,
                            orri_fact_text(why, rule->match[v].fact, firing.match[v]));
    struct orr_why_node *fired = orri_why_add(why, node, ORR_WHY_REASON, "it fired%s",
                                              matched.s ? matched.s : "");
    orr_text_release(&matched);
    if (firing.moved) {
        (void)orri_why_add(why, fired, ORR_WHY_REASON,
                           "its task failed, and an error handler called again with "
                           "other arguments");
        return;
    }
    enum orr_task_state state = ORR_TASK_DONE;
    if (firing.task != ORR_NONE) {
        state = orr_engine_task_state(why->setup.engine, (orr_task_id) { firing.task });
        struct orr_why_node *task = orri_tell_task(why, fired, "called ", firing.task);
        if (state != ORR_TASK_DONE)
            orri_tell_call(why, task, firing.task, depth);
    }
    if (firing.task != ORR_NONE &&
        (state == ORR_TASK_FAILED || (firing.handled && state != ORR_TASK_DONE)))
        tell_handlers(why, fired, &firing);
    else if (state == ORR_TASK_DONE)
        tell_reaction(why, fired, number, ask);
}
