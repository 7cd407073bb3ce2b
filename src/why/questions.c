/* questions.c - what can be asked: facts, outputs, tasks, rules
 * Owns: which scopes a question is about. */
#include "why/internal.h"

#include <inttypes.h>
#include <string.h>

/* The module whose facts the type is of; NULL: the workflow of the job. */
static const struct orr_module *module_of_type(const struct orr_graph *graph,
                                               uint32_t type)
{
    const struct orr_module *found = NULL;
    for (uint32_t m = 0; type >= graph->own_facts && m < graph->n_modules; m++)
        if (graph->modules[m].job <= type &&
            (!found || found->job < graph->modules[m].job))
            found = &graph->modules[m];
    return found;
}

static const struct orr_module *module_of_rule(const struct orr_graph *graph,
                                               uint32_t rule)
{
    const struct orr_rule *r = &graph->rules[rule];
    return r->n_match ? module_of_type(graph, r->match[0].fact) : NULL;
}

/* Scopes of a module, or the requests: each has one fact with its inputs. */
static uint32_t inputs_type(const struct orr_module *module)
{
    return module ? module->job : 0;
}

static bool of_request(const struct orr_why *why, uint32_t type, uint32_t index,
                       uint32_t request)
{
    return request == ORR_NONE ||
           orr_engine_request_of(why->setup.engine, type, index) == request;
}

static void tell_never_called(struct orr_why *why, struct orr_why_node *root,
                              const struct orr_module *module, uint32_t request)
{
    const struct orr_graph *graph = why->setup.graph;
    struct orr_why_node *node =
        orri_why_add(why, root, ORR_WHY_REASON, "the workflow '%s' was not called",
                     graph->functions[module->function].name);
    for (uint32_t r = 0; r < graph->n_rules; r++) {
        if (graph->rules[r].function != module->function)
            continue;
        struct orr_why_node *rule = orri_rule_node(why, node, r, "could be by ");
        uint32_t inputs = inputs_type(module_of_rule(graph, r));
        for (uint32_t i = 0; i < orr_engine_facts(why->setup.engine, inputs); i++)
            if (of_request(why, inputs, i, request))
                orri_tell_rule(why, rule, r,
                               orr_engine_scope_of(why->setup.engine, inputs, i), NULL,
                               why->setup.depth);
    }
}

/* Facts that are there; how many. */
static uint64_t tell_found(struct orr_why *why, struct orr_why_node *root,
                           const struct orri_ask *ask, uint32_t request)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < orr_engine_facts(why->setup.engine, ask->type); i++) {
        if (!of_request(why, ask->type, i, request) || !orri_meets(why, ask, i, NULL))
            continue;
        if (n++ < why->setup.limit)
            orri_tell_fact(why, root, "", ask->type, i, why->setup.depth);
    }
    if (n > why->setup.limit)
        (void)orri_why_add(why, root, ORR_WHY_NOTE, "and %" PRIu64 " more facts '%s'",
                           n - why->setup.limit,
                           why->setup.graph->facts[ask->type].name);
    return n;
}

static bool scope_has(struct orr_why *why, const struct orri_ask *ask)
{
    const struct orr_engine *engine = why->setup.engine;
    for (uint32_t i = 0; i < orr_engine_facts(engine, ask->type); i++)
        if (orr_engine_scope_of(engine, ask->type, i) == ask->scope &&
            orri_meets(why, ask, i, NULL))
            return true;
    return false;
}

/* The first line of why the request failed. */
static void tell_request(struct orr_why *why, struct orr_why_node *node,
                         uint32_t request)
{
    struct orr_text reason = ORR_TEXT_INIT;
    /* Asks only: nothing of the engine changes. */
    enum orr_request_state state = orr_engine_request_state(
        (struct orr_engine *)(uintptr_t)why->setup.engine, request, &reason);
    if (state == ORR_REQUEST_FAILED && reason.s &&
        orr_engine_requests(why->setup.engine))
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "request %" PRIu32 " failed: %.*s",
                           request, (int)strcspn(reason.s, "\n"), reason.s);
    orr_text_release(&reason);
}

static void tell_scopes(struct orr_why *why, struct orr_why_node *root,
                        struct orri_ask *ask, uint32_t request)
{
    const struct orr_module *module = module_of_type(why->setup.graph, ask->type);
    const struct orr_engine *engine = why->setup.engine;
    uint32_t inputs = inputs_type(module);
    uint32_t scopes = 0;
    uint32_t lacking = 0;
    for (uint32_t i = 0; i < orr_engine_facts(engine, inputs); i++) {
        uint32_t of = orr_engine_request_of(engine, inputs, i);
        if (request != ORR_NONE && of != request)
            continue;
        scopes++;
        ask->scope = orr_engine_scope_of(engine, inputs, i);
        if (scope_has(why, ask) || lacking++ >= why->setup.limit)
            continue;
        struct orr_why_node *node = root;
        if (orr_engine_requests(engine) > 1)
            node = orri_why_add(why, root, ORR_WHY_NOTE, "request %" PRIu32, of);
        tell_request(why, node, of);
        orri_tell_missing(why, node, ask, why->setup.depth);
    }
    if (lacking > why->setup.limit)
        (void)orri_why_add(why, root, ORR_WHY_NOTE, "and %" PRIu32 " more without one",
                           lacking - why->setup.limit);
    if (scopes == 0 && module)
        tell_never_called(why, root, module, request);
}

const struct orr_why_node *orr_why_facts(struct orr_why *why,
                                         const struct orr_why_facts *facts)
{
    struct orr_why_node *root = orri_why_root(why);
    struct orri_ask ask = { .type = facts->type,
                            .fields = facts->fields,
                            .n_fields = facts->n_fields,
                            .where = facts->where };
    uint64_t found = tell_found(why, root, &ask, facts->request);
    bool conditions = facts->n_fields || facts->where;
    /* With conditions one fact answers the question. */
    if (!found || !conditions)
        tell_scopes(why, root, &ask, facts->request);
    return root;
}

static void tell_outputs(struct orr_why *why, struct orr_why_node *node, uint32_t job)
{
    const struct orr_graph *graph = why->setup.graph;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < graph->n_outputs; i++) {
        struct orri_ask ask = { .type = graph->outputs[i].fact,
                                .scope =
                                    orr_engine_scope_of(why->setup.engine, 0, job) };
        if (scope_has(why, &ask))
            continue;
        missing++;
        struct orr_why_node *output =
            orri_why_add(why, node, ORR_WHY_MISSING, "output '%s' does not hold",
                         graph->outputs[i].name);
        orri_tell_missing(why, output, &ask, why->setup.depth);
    }
    if (missing == 0)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "each output has a fact");
}

/* Calls that failed and that no handler took care of. */
static void tell_failed_calls(struct orr_why *why, struct orr_why_node *node,
                              uint32_t request)
{
    const struct orr_engine *engine = why->setup.engine;
    uint64_t n = 0;
    for (uint32_t f = orr_engine_next_firing(engine, ORR_NONE); f != ORR_NONE;
         f = orr_engine_next_firing(engine, f)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, f);
        if (firing.request != request || firing.task == ORR_NONE || firing.handled ||
            firing.moved ||
            orr_engine_task_state(engine, (orr_task_id) { firing.task }) !=
                ORR_TASK_FAILED)
            continue;
        if (n++ < why->setup.limit)
            orri_tell_firing(why, orri_rule_node(why, node, firing.rule, ""), f, NULL,
                             why->setup.depth);
    }
    if (n > why->setup.limit)
        (void)orri_why_add(why, node, ORR_WHY_NOTE,
                           "and %" PRIu64 " more calls that failed",
                           n - why->setup.limit);
}

const struct orr_why_node *orr_why_outputs(struct orr_why *why, uint32_t request)
{
    static const char *const states[] = { "is not finished", "succeeded", "failed" };
    struct orr_engine *engine = (struct orr_engine *)(uintptr_t)why->setup.engine;
    struct orr_why_node *root = orri_why_root(why);
    for (uint32_t i = 0; i < orr_engine_facts(engine, 0); i++) {
        uint32_t of = orr_engine_request_of(engine, 0, i);
        if (request != ORR_NONE && of != request)
            continue;
        enum orr_request_state state = orr_engine_request_state(engine, of, NULL);
        struct orr_why_node *node = orri_why_add(
            why, root, ORR_WHY_NOTE, "request %" PRIu32 " %s", of, states[state]);
        tell_request(why, node, of);
        tell_failed_calls(why, node, of);
        tell_outputs(why, node, i);
    }
    return root;
}

/* ---- tasks and rules ---- */

const struct orr_why_node *orr_why_task(struct orr_why *why, uint32_t task)
{
    const struct orr_engine *engine = why->setup.engine;
    struct orr_why_node *root = orri_why_root(why);
    struct orr_why_node *node = orri_tell_task(why, root, "", task);
    uint64_t n = 0;
    orri_tell_call(why, node, task, why->setup.depth);
    for (uint32_t f = orr_engine_next_asking(engine, (orr_task_id) { task }, ORR_NONE);
         f != ORR_NONE; f = orr_engine_next_asking(engine, (orr_task_id) { task }, f)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, f);
        const struct orr_rule *rule = &why->setup.graph->rules[firing.rule];
        if (n++ >= why->setup.limit)
            continue;
        struct orr_why_node *by =
            orri_rule_node(why, node, firing.rule, "asked for by ");
        for (uint32_t v = 0; v < firing.n_match; v++)
            orri_tell_fact(
                why, by,
                orr_arena_printf(&why->arena, "matched %s = ", rule->match[v].name),
                rule->match[v].fact, firing.match[v], why->setup.depth);
    }
    if (n > why->setup.limit)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "asked for %" PRIu64 " more times",
                           n - why->setup.limit);
    return root;
}

struct outcomes {
    uint64_t fired, done, waiting, failed, handled;
};

static void count(const struct orr_why *why, const struct orr_engine_firing *firing,
                  struct outcomes *out)
{
    enum orr_task_state state = ORR_TASK_DONE;
    if (firing->moved)
        return;
    if (firing->task != ORR_NONE)
        state =
            orr_engine_task_state(why->setup.engine, (orr_task_id) { firing->task });
    out->fired++;
    out->handled += firing->handled;
    out->done += state == ORR_TASK_DONE;
    out->failed += state == ORR_TASK_FAILED;
    out->waiting += state == ORR_TASK_WAITING;
}

static void tell_outcomes(struct orr_why *why, struct orr_why_node *node, uint32_t rule,
                          uint32_t request)
{
    const struct orr_engine *engine = why->setup.engine;
    struct outcomes o = { 0 };
    for (uint32_t f = orr_engine_next_firing(engine, ORR_NONE); f != ORR_NONE;
         f = orr_engine_next_firing(engine, f)) {
        struct orr_engine_firing firing = orr_engine_firing(engine, f);
        if (firing.rule != rule || (request != ORR_NONE && firing.request != request))
            continue;
        count(why, &firing, &o);
    }
    if (why->setup.graph->rules[rule].function == ORR_NONE)
        (void)orri_why_add(why, node, ORR_WHY_NOTE, "it fired %" PRIu64 " times",
                           o.fired);
    else
        (void)orri_why_add(why, node, ORR_WHY_NOTE,
                           "it fired %" PRIu64 " times: of its tasks %" PRIu64
                           " are done, %" PRIu64 " not finished, %" PRIu64
                           " failed; an error handler took over for %" PRIu64,
                           o.fired, o.done, o.waiting, o.failed, o.handled);
}

const struct orr_why_node *orr_why_rule(struct orr_why *why, uint32_t rule,
                                        uint32_t request)
{
    const struct orr_engine *engine = why->setup.engine;
    const struct orr_module *module = module_of_rule(why->setup.graph, rule);
    struct orr_why_node *root = orri_why_root(why);
    struct orr_why_node *node = orri_rule_node(why, root, rule, "");
    uint32_t inputs = inputs_type(module);
    uint32_t told = 0;
    tell_outcomes(why, node, rule, request);
    for (uint32_t i = 0; i < orr_engine_facts(engine, inputs); i++)
        if (of_request(why, inputs, i, request) && told++ < why->setup.limit)
            orri_tell_rule(why, node, rule, orr_engine_scope_of(engine, inputs, i),
                           NULL, why->setup.depth);
    if (module && orr_engine_facts(engine, inputs) == 0)
        tell_never_called(why, node, module, request);
    return root;
}
