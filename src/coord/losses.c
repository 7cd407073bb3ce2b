/* losses.c - nodes that are gone, attempts that ended with their worker or their node
 *
 * That is no fault of the task: its attempt is made again, without asking the rules,
 * but three times at most; then it fails with the last of these, and the rules decide.
 * When it was three processes that died, not machines that fell silent, the task is
 * poisoned: no retry of it is made, nor in a resume.
 * Owns nothing: works on the coordinator. */
#include "coord/internal.h"

#include "base/clock.h"
#include "base/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MISSED_SECONDS = 2, /* twice the beat of an agent */
};
enum { LOST_MOST = 3, POISONED_AFTER = 3 /* workers that one task took down */ };

bool orri_is_poisoned(const struct orr_coord *coord, uint32_t task)
{
    if (task >= coord->records.n)
        return false;
    const struct orri_task_record *record = orr_rows_at(&coord->records, task);
    return record->died >= POISONED_AFTER;
}

/* With what is stored of this loss, so that a resume tells the rules the same. */
static void fail_lost(struct orr_coord *coord, const struct orri_loss *lost)
{
    orr_task_id id = { lost->task };
    struct orr_failure failure = { ORR_FAIL_LOST, lost->died ? ORR_LOST_DIED : 0,
                                   lost->message };
    orri_told(coord, lost->task)->state = ORRI_TOLD_FAILED;
    orri_stage(coord, orr_engine_task(coord->engine, id)->function)->failed++;
    coord->status.failed_attempts++;
    orri_drop_opinion(coord, lost->task);
    orr_engine_attempt_failed(coord->engine, id, lost->attempt, &failure);
}

bool orri_lose(struct orr_coord *coord, const struct orri_loss *lost)
{
    struct orri_task_record *record = orri_record(coord, lost->task);
    record->lost++;
    record->died += lost->died;
    if (record->lost < LOST_MOST)
        return true;
    coord->status.poisoned += orri_is_poisoned(coord, lost->task);
    fail_lost(coord, lost);
    return false;
}

void orri_poison_again(struct orr_coord *coord, uint32_t task)
{
    orri_record(coord, task)->died = POISONED_AFTER;
}

void orri_refuse_poisoned(struct orr_coord *coord, const struct orr_engine_call *call)
{
    struct orr_failure failure = { ORR_FAIL_LOST, ORR_LOST_DIED,
                                   "not tried again: it took three workers down" };
    orr_engine_attempt_failed(coord->engine, call->task, call->attempt, &failure);
}

/* ---- nodes ---- */

struct losing {
    struct orr_coord *coord;
    uint32_t node;
};

/* What waited for a core there had no part in it. */
static bool put_back(void *context, struct orr_ready *ready, int64_t ran_for)
{
    const struct losing *losing = context;
    struct orr_coord *coord = losing->coord;
    const struct orri_node *node = &coord->nodes[losing->node];
    bool ran = ran_for >= 0 && !node->guest;
    orri_account_lost(coord, ready, ran_for);
    if (coord->draining || orri_has_result(coord, ready->task))
        return false;
    char message[120];
    (void)snprintf(message, sizeof message,
                   "the agent of node %s (rank %" PRIu32 ") %s", node->host, node->rank,
                   node->died ? "died" : "fell silent");
    struct orri_loss loss = { .task = ready->task,
                              .attempt = ready->attempt,
                              .node = losing->node,
                              .rank = node->rank,
                              .died = node->died,
                              .message = message,
                              .when = orri_wall(coord) };
    if (ran)
        orri_store_loss(coord, &loss);
    return !ran || orri_lose(coord, &loss);
}

/* An agent next to us is missed when its process is gone; others, when silent. */
static bool is_lost(const struct orr_coord *coord, const struct orri_node *node,
                    int64_t now, struct orr_text *why)
{
    int64_t silent = now - node->heard;
    if (node->guest && orr_link_gone(coord->setup.link, (orr_rank) { node->rank }))
        orr_text_puts(why, "is gone");
    else if (node->pid && silent > MISSED_SECONDS * ORR_SECOND &&
             !orr_pid_lives(node->pid))
        orr_text_puts(why, "died");
    else if (silent >= coord->setup.lost_after)
        orr_text_printf(why, "was silent for %.1f s", (double)silent / 1e9);
    return why->length > 0;
}

static void tell_lost(const struct orr_coord *coord, const struct orri_node *node,
                      const char *why)
{
    if (!coord->setup.run_dir)
        return;
    orr_progress_break(coord->setup.progress);
    (void)fprintf(stderr,
                  "orrery: the %s node %s (rank %" PRIu32
                  ") %s: %sits attempts run elsewhere\n",
                  node->guest ? "opportunistic job on" : "agent of", node->host,
                  node->rank, why, node->guest ? "" : "lost, ");
}

void orri_put_back(struct orr_coord *coord, uint32_t node)
{
    orr_sched_node_lost(coord->sched, node, put_back, &(struct losing) { coord, node });
}

void orri_check_nodes(struct orr_coord *coord, int64_t now)
{
    for (uint32_t i = 0; i < coord->n_nodes; i++) {
        struct orri_node *node = &coord->nodes[i];
        struct orr_text why = ORR_TEXT_INIT;
        if (node->lost || node->left || !is_lost(coord, node, now, &why))
            continue;
        node->lost = true;
        node->died = node->pid && !orr_pid_lives(node->pid);
        coord->status.lost_nodes += !node->guest;
        coord->status.guests -= node->guest;
        orri_count_cores(coord, node->aside ? 0 : -(int32_t)node->cores, now);
        tell_lost(coord, node, why.s);
        orr_text_release(&why);
        orri_put_back(coord, i);
    }
}
