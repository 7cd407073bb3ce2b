/* stage.c - the thread that copies a node's logs to the run directory
 * Owns: which logs there are, how far they are copied, the thread. Hands on: copying
 * (copylog.c), indexes (sealer.c). */
#include "store/stage.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/copylog.h"
#include "store/shard.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const int64_t linger = ORR_SECOND; /* when nobody waits */

struct job {
    struct job *next;
    struct orri_staged log;
    bool closed;
};

struct orri_stage {
    struct orri_stage_setup setup;
    pthread_t thread;
    struct orri_copylog copy; /* the thread's own, of the first job */
    bool open;

    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct job *first; /* the log being copied, and those after it */
    struct job **last;
    int64_t since; /* something waits to be copied; 0: nothing */
    bool soon;
    bool end;  /* when everything is copied; */
    bool stop; /* at once */
    uint32_t segment;
    uint64_t reached; /* of it */
    orr_status status;
    struct orr_error error;
};

/* --- the thread ------------------------------------------------------------- */

static bool due(const struct orri_stage *stage)
{
    return stage->stop || stage->end || stage->soon ||
           (stage->first && stage->first->closed) ||
           (stage->since && orr_clock_monotonic() - stage->since >= linger);
}

static void wait_for_work(struct orri_stage *stage)
{
    int64_t until = stage->since + linger;
    struct timespec at = { .tv_sec = (time_t)(until / ORR_SECOND),
                           .tv_nsec = (long)(until % ORR_SECOND) };
    if (stage->since)
        (void)pthread_cond_timedwait(&stage->work, &stage->mutex, &at);
    else
        (void)pthread_cond_wait(&stage->work, &stage->mutex);
}

/* What to copy now; false: nothing, for ever. */
static bool next_job(struct orri_stage *stage, struct job *out)
{
    pthread_mutex_lock(&stage->mutex);
    while (!due(stage))
        wait_for_work(stage);
    bool more = stage->first && !stage->stop;
    if (more)
        *out = *stage->first;
    stage->soon = more && stage->first->next; /* the next log is not forgotten */
    stage->since = 0;
    pthread_mutex_unlock(&stage->mutex);
    return more;
}

/* The log is in the run directory, whole: the node's disk need not keep it. */
static orr_status finish_log(struct orri_stage *stage,
                             const struct orri_shard_id *shard, struct orr_error *err)
{
    orr_status status = orri_copylog_close(&stage->copy, true, err);
    stage->open = false;
    if (status != ORR_OK)
        return status;
    char *path = orri_shard_path(stage->setup.folder, shard, ".blob.h5");
    (void)unlink(path);
    free(path);
    if (stage->setup.sealer)
        orri_sealer_add(stage->setup.sealer, shard);
    return ORR_OK;
}

static orr_status copy_job(struct orri_stage *stage, const struct job *job,
                           struct orr_error *err)
{
    const struct orri_staged *log = &job->log;
    orr_status status = ORR_OK;
    if (!stage->open) {
        status =
            orri_copylog_open(&stage->copy, stage->setup.folder, stage->setup.run_dir,
                              &log->shard, log->created, log->log_bytes, 0, err);
        stage->open = status == ORR_OK;
    }
    if (status == ORR_OK)
        status = orri_copylog_upto(&stage->copy, log->end, err);
    if (status == ORR_OK && job->closed)
        status = finish_log(stage, &log->shard, err);
    return status;
}

static void note_copied(struct orri_stage *stage, const struct job *job)
{
    pthread_mutex_lock(&stage->mutex);
    stage->segment = job->log.shard.segment;
    stage->reached = job->log.end;
    struct job *first = stage->first;
    bool over = job->closed || (stage->end && first->log.end == job->log.end);
    if (over) {
        stage->first = first->next;
        if (!stage->first)
            stage->last = &stage->first;
        free(first);
    }
    pthread_mutex_unlock(&stage->mutex);
}

static void *stage_main(void *argument)
{
    struct orri_stage *stage = argument;
    struct orr_error error = { .code = ORR_OK };
    struct job job;
    orr_status status = ORR_OK;
    while (status == ORR_OK && next_job(stage, &job)) {
        status = copy_job(stage, &job, &error);
        if (status == ORR_OK)
            note_copied(stage, &job);
        else {
            stage->status = status; /* read when the thread has ended */
            stage->error = error;
        }
        stage->setup.moved(stage->setup.context, status, &error);
    }
    return NULL;
}

/* --- the writer's side ------------------------------------------------------ */

orr_status orri_stage_new(const struct orri_stage_setup *setup, struct orri_stage **out,
                          struct orr_error *err)
{
    struct orri_stage *stage = orr_alloc(1, sizeof *stage);
    pthread_condattr_t monotonic;
    sigset_t all;
    sigset_t old;
    stage->setup = *setup;
    stage->last = &stage->first;
    pthread_mutex_init(&stage->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stage->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int bad = pthread_create(&stage->thread, NULL, stage_main, stage);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (bad) {
        free(stage);
        return orr_error_errno(err, ORR_ERR_MACHINE, bad, "cannot start a thread");
    }
    *out = stage;
    return ORR_OK;
}

/* The job of a log, the newest. Under the mutex. */
static struct job *job_of(struct orri_stage *stage, const struct orri_staged *log)
{
    for (struct job *job = stage->first; job; job = job->next)
        if (job->log.shard.segment == log->shard.segment)
            return job;
    struct job *job = orr_alloc(1, sizeof *job);
    *stage->last = job;
    stage->last = &job->next;
    return job;
}

void orri_stage_add(struct orri_stage *stage, const struct orri_staged *log, bool soon,
                    bool closed)
{
    pthread_mutex_lock(&stage->mutex);
    struct job *job = job_of(stage, log);
    job->log = *log;
    job->closed = closed;
    stage->soon = stage->soon || soon;
    if (!stage->since)
        stage->since = orr_clock_monotonic();
    pthread_cond_signal(&stage->work);
    pthread_mutex_unlock(&stage->mutex);
}

bool orri_stage_has(struct orri_stage *stage, uint32_t segment, uint64_t end)
{
    pthread_mutex_lock(&stage->mutex);
    bool has = stage->segment > segment ||
               (stage->segment == segment && stage->reached >= end);
    pthread_mutex_unlock(&stage->mutex);
    return has;
}

orr_status orri_stage_end(struct orri_stage *stage, bool all, struct orr_error *err)
{
    if (!stage)
        return ORR_OK;
    pthread_mutex_lock(&stage->mutex);
    stage->end = true;
    stage->stop = !all;
    pthread_cond_signal(&stage->work);
    pthread_mutex_unlock(&stage->mutex);
    pthread_join(stage->thread, NULL);
    orr_status status = stage->status;
    if (status != ORR_OK && err)
        *err = stage->error;
    if (stage->open)
        (void)orri_copylog_close(&stage->copy, false, NULL);
    for (struct job *job = stage->first; job; job = stage->first) {
        stage->first = job->next;
        free(job);
    }
    pthread_mutex_destroy(&stage->mutex);
    pthread_cond_destroy(&stage->work);
    free(stage);
    return status;
}
