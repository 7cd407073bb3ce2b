/* losses.c - attempts that ended with their worker or their node
 *
 * That is no fault of the task: its attempt is made again, without asking the rules,
 * but three times at most; then it fails, and the rules decide. When it was three
 * processes that died, not machines that fell silent, the task is poisoned: it fails
 * with the evidence, and no retry of it is made, nor in a resume. Owns: which task was
 * where when that was lost. */
#include "coord/internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

enum { LOST_MOST = 3, POISONED_AFTER = 3 /* workers that one task took down */ };

static void note(struct orr_coord *coord, const struct orri_loss *loss)
{
    *(struct orri_loss *)orr_rows_add(&coord->losses) = *loss;
    struct orri_task_record *record = orri_record(coord, loss->task);
    record->lost++;
    record->died += loss->died;
}

bool orri_is_poisoned(const struct orr_coord *coord, uint32_t task)
{
    if (task >= coord->records.n)
        return false;
    const struct orri_task_record *record = orr_rows_at(&coord->records, task);
    return record->died >= POISONED_AFTER;
}

/* Where it was each time, and when. */
static void describe(const struct orr_coord *coord, uint32_t task, struct orr_text *out)
{
    uint32_t n = 0;
    orr_text_puts(out, orri_is_poisoned(coord, task) ? "it took its workers down:"
                                                     : "its workers were lost:");
    for (uint32_t i = 0; i < coord->losses.n; i++) {
        const struct orri_loss *loss = orr_rows_at(&coord->losses, i);
        const struct orri_node *node = &coord->nodes[loss->node];
        char when[ORR_TIME_TEXT];
        if (loss->task != task)
            continue;
        orr_clock_text(loss->when, when);
        orr_text_printf(out, "%s %s rank %" PRIu32 " on %s at %s", n++ ? "," : "",
                        loss->rank == node->rank ? "agent" : "worker", loss->rank,
                        node->host, when);
    }
}

static void fail_poisoned(struct orr_coord *coord, uint32_t task, uint32_t attempt,
                          const char *why)
{
    orr_task_id id = { task };
    struct orr_failure failure = { ORR_FAIL_LOST, 0, why };
    orri_told(coord, task)->state = ORRI_TOLD_FAILED;
    orri_stage(coord, orr_engine_task(coord->engine, id)->function)->failed++;
    coord->status.failed_attempts++;
    orri_drop_opinion(coord, task);
    orr_engine_attempt_failed(coord->engine, id, attempt, &failure);
}

bool orri_lose(struct orr_coord *coord, const struct orri_loss *lost)
{
    struct orr_text why = ORR_TEXT_INIT;
    note(coord, lost);
    if (orri_record(coord, lost->task)->lost < LOST_MOST)
        return true;
    coord->status.poisoned += orri_is_poisoned(coord, lost->task);
    describe(coord, lost->task, &why);
    fail_poisoned(coord, lost->task, lost->attempt, why.s);
    orr_text_release(&why);
    return false;
}

void orri_poison_again(struct orr_coord *coord, uint32_t task)
{
    orri_record(coord, task)->died = POISONED_AFTER;
}

void orri_refuse_poisoned(struct orr_coord *coord, const struct orr_engine_call *call)
{
    struct orr_failure failure = { ORR_FAIL_LOST, 0,
                                   "not tried again: it took three workers down" };
    orr_engine_attempt_failed(coord->engine, call->task, call->attempt, &failure);
}
