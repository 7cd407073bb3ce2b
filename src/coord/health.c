/* health.c - nodes that fail what others can do
 *
 * What fails on a suspect (sched/health.h) is tried on another node first, as the same
 * attempt: it costs the task no retry. A node that is found sick is set aside: it gets
 * no work, and what waits there is taken back.
 * Owns nothing: works on the coordinator. */
#include "coord/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Kinds that the machine may be to blame for. */
static bool may_be_the_node(enum orr_fail_kind kind)
{
    return kind == ORR_FAIL_EXIT || kind == ORR_FAIL_SIGNAL ||
           kind == ORR_FAIL_TIMEOUT || kind == ORR_FAIL_MEMORY || kind == ORR_FAIL_IO;
}

static bool is_here(const struct orri_node *node) { return !node->lost && !node->left; }

static bool works(const struct orri_node *node)
{
    return is_here(node) && !node->aside && !node->held;
}

static bool is_large_enough(const struct orri_node *node,
                            const struct orr_resources *needs)
{
    struct orr_resources has = { node->cores, node->gpus,
                                 node->memory ? node->memory : UINT64_MAX };
    return orr_resources_fit(&has, needs);
}

/* Is there a node but this one that gets work, and is large enough for that? */
static bool has_other(const struct orr_coord *coord, uint32_t but,
                      const struct orr_resources *needs)
{
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        if (i != but && works(&coord->nodes[i]) && !coord->nodes[i].guest &&
            is_large_enough(&coord->nodes[i], needs))
            return true;
    return false;
}

/* It is the last one, or calls that fit on no other node need it. */
static bool is_needed(const struct orr_coord *coord, uint32_t node)
{
    static const struct orr_resources least = { .cores = 1 };
    bool needed = !has_other(coord, node, &least);
    for (uint32_t f = 0; f < coord->setup.graph->n_functions && !needed; f++) {
        struct orr_resources needs =
            orr_function_needs(&coord->setup.graph->functions[f]);
        needed = is_large_enough(&coord->nodes[node], &needs) &&
                 !has_other(coord, node, &needs);
    }
    return needed;
}

static orr_status take_all_back(struct orr_coord *coord, uint32_t node,
                                struct orr_error *err)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    orr_sched_node(coord->sched, node, 0);
    orr_retract_put(&out, &(struct orr_retract) {
                              UINT32_MAX, { UINT32_MAX, UINT32_MAX, UINT64_MAX } });
    orr_status status = orri_send(coord, &coord->nodes[node], &out, err);
    orr_bytes_release(&out);
    return status;
}

/* ---- opinions ---- */

/* Is the last opinion there, or a success? Then the node is not sick. */
static void let_go(struct orr_coord *coord, uint32_t index)
{
    struct orri_node *node = &coord->nodes[index];
    bool doubted = orr_health_in_doubt(&coord->health, index);
    orr_sched_doubt(coord->sched, index, doubted);
    const struct orr_health_node *health = orr_health_of(&coord->health, index);
    if (!node->held || (health->open && health->row))
        return;
    node->held = false;
    if (works(node))
        orr_sched_node(coord->sched, index, node->cores);
}

static uint32_t take_suspect(struct orr_coord *coord, uint32_t task) /* + 1; 0: none */
{
    if (task >= coord->records.n)
        return 0;
    struct orri_task_record *record = orri_record(coord, task);
    uint32_t suspect = record->suspect;
    record->suspect = 0;
    return suspect;
}

void orri_drop_opinion(struct orr_coord *coord, uint32_t task)
{
    uint32_t suspect = take_suspect(coord, task);
    if (!suspect)
        return;
    orr_health_dropped(&coord->health, suspect - 1);
    let_go(coord, suspect - 1);
}

/* An opinion itself failed: that counts, wherever it was. */
static bool was_opinion(struct orr_coord *coord, uint32_t node, uint32_t task)
{
    uint32_t suspect = take_suspect(coord, task);
    if (!suspect)
        return false;
    if (suspect == node + 1)
        orr_health_dropped(&coord->health, node);
    else
        orr_health_confirmed(&coord->health, suspect - 1, node);
    let_go(coord, suspect - 1);
    return true;
}

/* Calls in place start no process and say nothing of a node that cannot start any. */
static bool tells(const struct orr_coord *coord, uint32_t task)
{
    uint32_t function =
        orr_engine_task(coord->engine, (orr_task_id) { task })->function;
    return coord->setup.graph->functions[function].isolated;
}

orr_status orri_second_opinion(struct orr_coord *coord, uint32_t node,
                               const struct orr_done *done, bool *asked,
                               struct orr_error *err)
{
    uint32_t function =
        orr_engine_task(coord->engine, (orr_task_id) { done->task })->function;
    struct orr_resources needs =
        orr_function_needs(&coord->setup.graph->functions[function]);
    *asked = false;
    if (!tells(coord, done->task) || was_opinion(coord, node, done->task) ||
        !may_be_the_node((enum orr_fail_kind)done->failure))
        return ORR_OK;
    bool working = works(&coord->nodes[node]);
    bool suspect = orr_health_failed(&coord->health, node) || !working;
    orr_sched_doubt(coord->sched, node, orr_health_in_doubt(&coord->health, node));
    if (!suspect || !has_other(coord, node, &needs))
        return ORR_OK;
    *asked = true;
    coord->status.forgiven++;
    orri_record(coord, done->task)->suspect = node + 1;
    struct orr_ready ready = orri_ready_of(coord, done->task, done->attempt);
    ready.deadline = INT64_MIN; /* a node waits for what comes of it */
    orr_sched_add(coord->sched, &ready);
    bool hold = orr_health_asked(&coord->health, node);
    if (!hold || !working || is_needed(coord, node))
        return ORR_OK;
    coord->nodes[node].held = true;
    return take_all_back(coord, node, err);
}

/* ---- setting aside ---- */

static void say(const struct orr_coord *coord, uint32_t node, const char *what)
{
    if (!coord->setup.run_dir)
        return;
    orr_progress_break(coord->setup.progress);
    (void)fprintf(stderr, "orrery: node %s (rank %" PRIu32 ") %s\n",
                  coord->nodes[node].host, coord->nodes[node].rank, what);
}

static void list_set_aside(struct orr_coord *coord)
{
    struct orr_text all = ORR_TEXT_INIT;
    struct orr_run_status *s = &coord->status;
    s->set_aside = 0;
    for (uint32_t i = 0; i < coord->n_nodes; i++)
        if (coord->nodes[i].aside)
            orr_text_printf(&all, "%s%s (rank %" PRIu32 ")", s->set_aside++ ? ", " : "",
                            coord->nodes[i].host, coord->nodes[i].rank);
    (void)snprintf(s->set_aside_nodes, sizeof s->set_aside_nodes, "%s",
                   all.s ? all.s : "");
    orr_text_release(&all);
}

static orr_status set_aside(struct orr_coord *coord, uint32_t index,
                            struct orr_error *err)
{
    struct orri_node *node = &coord->nodes[index];
    struct orr_text why = ORR_TEXT_INIT;
    node->aside = true;
    coord->status.cores -= node->cores;
    list_set_aside(coord);
    orr_text_printf(&why,
                    "is set aside: its last %" PRIu32
                    " attempts failed, and those that were made again elsewhere "
                    "succeeded",
                    orr_health_of(&coord->health, index)->row);
    say(coord, index, why.s);
    orr_text_release(&why);
    return take_all_back(coord, index, err);
}

orr_status orri_note_success(struct orr_coord *coord, uint32_t node, uint32_t task,
                             struct orr_error *err)
{
    if (!tells(coord, task))
        return ORR_OK;
    uint32_t suspect = take_suspect(coord, task);
    orr_health_succeeded(&coord->health, node);
    let_go(coord, node);
    if (!suspect)
        return ORR_OK;
    if (suspect == node + 1) { /* there was no other any more */
        orr_health_dropped(&coord->health, node);
        return ORR_OK;
    }
    const struct orri_node *its = &coord->nodes[suspect - 1];
    bool sick = orr_health_refuted(&coord->health, suspect - 1);
    if (sick && is_here(its) && !its->aside && !is_needed(coord, suspect - 1))
        return set_aside(coord, suspect - 1, err);
    let_go(coord, suspect - 1);
    return ORR_OK;
}

static void work_again(struct orr_coord *coord, uint32_t index, const char *why)
{
    struct orri_node *node = &coord->nodes[index];
    if (node->aside) {
        coord->status.cores += node->cores;
        say(coord, index, why);
    }
    node->aside = false;
    node->held = false;
    orr_sched_node(coord->sched, index, node->cores);
}

/* Guests may not stay: what needs a node does not wait for one of them. */
bool orri_recall_set_aside(struct orr_coord *coord)
{
    static const struct orr_resources least = { .cores = 1 };
    bool none = !has_other(coord, UINT32_MAX, &least);
    bool changed = false;
    for (uint32_t i = 0; i < coord->n_nodes && !coord->ending; i++) {
        const struct orri_node *node = &coord->nodes[i];
        if (!is_here(node) || works(node) || node->guest ||
            !(none || is_needed(coord, i)))
            continue;
        work_again(coord, i,
                   none ? "gets work again: no other is left"
                        : "gets work again: no other is left that is large enough");
        changed = true;
    }
    if (changed)
        list_set_aside(coord);
    return changed;
}
