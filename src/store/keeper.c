/* keeper.c - a thread that renews a run's lock
 * Owns: the thread. Hands on: the lock (rundir.c). */
#include "store/keeper.h"

#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct orr_keeper {
    struct orr_rundir *dir;
    int64_t interval;
    pthread_t thread;
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool end;
    orr_status status;
    struct orr_error error;
};

static void wait_for_next(struct orr_keeper *keeper)
{
    int64_t at = orr_clock_monotonic() + keeper->interval;
    struct timespec until = { (time_t)(at / ORR_SECOND), (long)(at % ORR_SECOND) };
    (void)pthread_cond_timedwait(&keeper->wake, &keeper->mutex, &until);
}

/* A lost lock is not taken back: the keeper only remembers. */
static void *keep(void *argument)
{
    struct orr_keeper *keeper = argument;
    pthread_mutex_lock(&keeper->mutex);
    while (!keeper->end) {
        if (keeper->status == ORR_OK)
            keeper->status = orr_rundir_beat(keeper->dir, &keeper->error);
        wait_for_next(keeper);
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

static void release(struct orr_keeper *keeper)
{
    pthread_cond_destroy(&keeper->wake);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}

struct orr_keeper *orr_keeper_start(struct orr_rundir *dir, int64_t interval)
{
    sigset_t all;
    sigset_t old;
    pthread_condattr_t monotonic;
    struct orr_keeper *keeper = orr_alloc(1, sizeof *keeper);
    keeper->dir = dir;
    keeper->interval = interval;
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int bad = pthread_create(&keeper->thread, NULL, keep, keeper);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (bad) {
        release(keeper);
        return NULL;
    }
    return keeper;
}

orr_status orr_keeper_end(struct orr_keeper *keeper, struct orr_error *err)
{
    if (!keeper)
        return ORR_OK;
    pthread_mutex_lock(&keeper->mutex);
    keeper->end = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->mutex);
    pthread_join(keeper->thread, NULL);
    if (keeper->status == ORR_OK)
        keeper->status = orr_rundir_beat(keeper->dir, &keeper->error);
    orr_status status = keeper->status;
    if (status != ORR_OK && err)
        *err = keeper->error;
    release(keeper);
    return status;
}
