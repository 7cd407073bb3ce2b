/* finished.c - attempts that ended, in order, until they are taken
 * Owns: their memory, some of which is kept for the next ones. */
#include "node/hosted.h"

#include <stdlib.h>

enum { SPARE_MAX = 3 };

void orri_finished_free(struct orri_finished *finished)
{
    if (!finished)
        return;
    orr_arena_release(&finished->arena);
    if (finished->calls)
        orr_successes_release(finished->calls);
    free(finished->calls);
    free(finished);
}

struct orri_finished *orri_finished_new(struct orr_host *host, uint32_t token,
                                        uint32_t task, uint32_t attempt, uint32_t core)
{
    struct orri_finished *finished = host->spare;
    if (finished) {
        host->spare = finished->next;
        host->n_spare--;
    } else {
        finished = orr_alloc(1, sizeof *finished);
    }
    finished->next = NULL;
    finished->done.token = token;
    finished->done.task = task;
    finished->done.attempt = attempt;
    finished->done.core = core;
    finished->done.blob_fd = -1;
    finished->done.calls = NULL;
    return finished;
}

struct orri_finished *orri_finished_of(struct orr_host *host,
                                       const struct orri_errand *errand)
{
    return orri_finished_new(host, errand->token, errand->task, errand->attempt,
                             errand->core);
}

void orri_finished_push(struct orr_host *host, struct orri_finished *finished)
{
    *host->last = finished;
    host->last = &finished->next;
}

void orri_finished_drop(struct orr_host *host, struct orri_finished *finished)
{
    if (!finished)
        return;
    if (host->n_spare == SPARE_MAX) {
        orri_finished_free(finished);
        return;
    }
    orr_arena_reset(&finished->arena);
    finished->next = host->spare;
    host->spare = finished;
    host->n_spare++;
}

bool orr_host_next(struct orr_host *host, struct orr_host_done *out)
{
    orri_finished_drop(host, host->held);
    host->held = host->first;
    if (!host->held)
        return false;
    host->first = host->held->next;
    if (!host->first)
        host->last = &host->first;
    *out = host->held->done;
    return true;
}
