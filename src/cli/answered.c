/* answered.c - who answers the calls of a dry run, and what their times are
 * Owns: the rehearsal, the results of the earlier run. */
#include "cli/answered.h"

#include "store/rundir.h"

#include <math.h>
#include <stdlib.h>

static const void *find_known(void *context, struct orr_id id, uint32_t *length)
{
    return orr_known_find(context, id, length);
}

static orr_status load_costs(const char *run, struct orr_known **out,
                             struct orr_error *err)
{
    struct orr_run_info info;
    orr_status status = run ? orr_run_info_read(run, &info, err) : ORR_OK;
    if (run && status == ORR_OK)
        status = orr_known_load(run, info.id, false, out, err);
    return status;
}

orr_status orri_answer_job(const struct orr_graph *graph,
                           const struct orr_value *requests, uint32_t n,
                           const char *costs, uint64_t most, struct orri_answered *out,
                           struct orr_error *err)
{
    *out = (struct orri_answered) { .graph = graph };
    orr_status status = load_costs(costs, &out->known, err);
    if (status != ORR_OK)
        return status;
    out->files = orr_files_new();
    char *real = costs ? realpath(costs, NULL) : NULL;
    if (real)
        orr_files_of_run(out->files, real);
    free(real);
    struct orr_rehearsal_setup setup = { .graph = graph,
                                         .requests = requests,
                                         .n_requests = n,
                                         .files = { orr_files_identify, out->files,
                                                    orr_files_within },
                                         .known = out->known ? find_known : NULL,
                                         .known_context = out->known,
                                         .most = most };
    out->rehearsal = orr_rehearse(&setup);
    return ORR_OK;
}

void orri_answered_release(struct orri_answered *answered)
{
    orr_rehearsal_free(answered->rehearsal);
    orr_files_free(answered->files);
    orr_known_free(answered->known);
    *answered = (struct orri_answered) { 0 };
}

double orri_seconds_of(const struct orri_answered *answered, uint32_t id,
                       bool *measured)
{
    const struct orr_task *task = orr_engine_task(
        orr_rehearsal_engine(answered->rehearsal), (orr_task_id) { id });
    const struct orr_graph_function *f = &answered->graph->functions[task->function];
    int64_t time = orr_known_time(answered->known, task->identity);
    double cost = time < 0 ? orr_rehearsal_cost(answered->rehearsal, id) : NAN;
    if (!isnan(cost))
        return cost;
    if (time < 0)
        time = orr_known_mean(answered->known, f->native ? f->native->name : f->name);
    *measured = *measured || time >= 0;
    return time < 0 ? NAN : (double)time * 1e-9;
}
