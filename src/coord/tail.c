/* tail.c - the end of a stage: cores are idle here while work waits, or drags on, there
 *
 * What waits behind other attempts is taken back and given to idle cores. What has run
 * for twice as long as is typical is run on a second node as well: the first result
 * wins, the other attempt is ended and leaves no trace.
 * Owns nothing: works on the coordinator. Hands on: what is worth it (sched). */
#include "coord/internal.h"

/* Nodes are asked not with every batch of results; an empty answer is good for longer.
 */
static const int64_t BALANCE = ORR_SECOND / 20;
static const int64_t TWIN = ORR_SECOND;
static const int64_t EMPTY = ORR_SECOND;

enum { TWINS_AT_ONCE = 64 };

static bool has_path(const struct orr_type *type)
{
    bool found = type->kind == ORR_KIND_PATH;
    if (type->kind == ORR_KIND_LIST)
        found = has_path(type->element);
    for (uint32_t i = 0; type->kind == ORR_KIND_RECORD && i < type->record->n_fields;
         i++)
        found = found || has_path(type->record->fields[i].type);
    return found;
}

/* A command that returns nothing but its exit code is there for what it does elsewhere;
 * so is one that works in a directory of its author's. */
bool orri_may_run_twice(const struct orr_graph_function *function)
{
    const struct orr_type results = { .kind = ORR_KIND_RECORD,
                                      .record = function->results };
    const struct orr_command *command = &function->command;
    if (!function->isolated || has_path(&results))
        return false;
    if (function->form == ORR_FORM_USE)
        return true;
    bool returns = command->stdout_mode != ORR_STDOUT_NONE ||
                   (command->out && command->out->n_fields);
    return returns && !command->cwd;
}

/* ---- taking back ---- */

static orr_status ask_node(struct orr_coord *coord, uint32_t index, int64_t now,
                           struct orr_error *err)
{
    struct orri_node *node = &coord->nodes[index];
    struct orr_retract retract = { 0 };
    if (node->lost || node->left || node->asked || now < node->ask_from)
        return ORR_OK;
    retract.cores = orr_sched_surplus(coord->sched, index, &retract.widest);
    if (!retract.cores)
        return ORR_OK;
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_retract_put(&out, &retract);
    orr_status status = orri_send(coord, node, &out, err);
    orr_bytes_release(&out);
    node->asked = true;
    return status;
}

static orr_status balance(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    orr_status status = ORR_OK;
    coord->balanced = now;
    for (uint32_t i = 0; i < coord->n_nodes && status == ORR_OK; i++)
        status = ask_node(coord, i, now, err);
    return status;
}

static void take_one(struct orr_coord *coord, uint32_t node, uint32_t task)
{
    struct orr_ready ready;
    uint32_t other = UINT32_MAX;
    if (!orr_sched_take_back(coord->sched, task, node, &ready) || coord->draining ||
        orri_has_result(coord, task) || orr_sched_flight(coord->sched, task, &other))
        return;
    coord->status.taken_back++;
    ready.not_before = 0;
    orr_sched_add(coord->sched, &ready);
}

orr_status orri_take_given(struct orr_coord *coord, struct orri_node *node,
                           struct orr_reader *in, struct orr_error *err)
{
    node->asked = false;
    if (!orr_reader_left(in))
        node->ask_from = orri_now(coord) + EMPTY;
    while (orr_reader_left(in)) {
        struct orr_attempt_name name;
        if (orr_attempt_name_get(in, &name) != ORR_OK ||
            name.task >= orr_engine_tasks(coord->engine))
            return orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                                 "damaged report from an agent");
        take_one(coord, (uint32_t)(node - coord->nodes), name.task);
    }
    return ORR_OK;
}

/* ---- twins ---- */

static orr_status start_twins(struct orr_coord *coord, int64_t now,
                              struct orr_error *err)
{
    struct orr_ready ready;
    uint32_t node = 0;
    coord->twinned = now;
    for (int i = 0; i < TWINS_AT_ONCE; i++) {
        if (!orr_sched_twin(coord->sched, now, &node, &ready))
            break;
        coord->busy = true;
        coord->status.twins++;
        orri_assign(coord, node, &ready);
    }
    return orri_flush_assignments(coord, err);
}

orr_status orri_cancel_twin(struct orr_coord *coord, uint32_t task,
                            struct orr_error *err)
{
    uint32_t node = 0;
    const struct orr_ready *ready = orr_sched_flight(coord->sched, task, &node);
    if (!ready)
        return ORR_OK;
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_attempt_name_put(&out, ORR_MESSAGE_CANCEL,
                         (struct orr_attempt_name) { task, ready->attempt });
    orr_status status = orri_send(coord, &coord->nodes[node], &out, err);
    orr_bytes_release(&out);
    return status;
}

orr_status orri_step_tail(struct orr_coord *coord, int64_t now, struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (coord->n_nodes < 2 || orr_sched_in_flight(coord->sched) == 0 ||
        !orr_sched_has_idle(coord->sched))
        return ORR_OK;
    if (now - coord->balanced >= BALANCE)
        status = balance(coord, now, err);
    if (status == ORR_OK && !coord->setup.no_twins && now - coord->twinned >= TWIN)
        status = start_twins(coord, now, err);
    return status;
}
