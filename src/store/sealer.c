/* sealer.c - the thread that seals shards: cuts them to length, writes their index
 * Owns: the queue of shards. Hands on: one shard (seal.c). */
#include "store/sealer.h"

#include "base/memory.h"
#include "store/scan.h"
#include "store/shard.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct orr_sealer {
    char *run_dir;
    bool durable;
    bool started;
    pthread_t thread;
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct orri_shard_id *shards;
    size_t n, cap, next;
    bool end; /* no more will come */
    orr_status status;
    struct orr_error error;
};

struct orr_sealer *orri_sealer_new(const char *run_dir, bool durable)
{
    struct orr_sealer *sealer = orr_alloc(1, sizeof *sealer);
    sealer->run_dir = orr_strdup(run_dir);
    sealer->durable = durable;
    pthread_mutex_init(&sealer->mutex, NULL);
    pthread_cond_init(&sealer->work, NULL);
    return sealer;
}

/* False: there is nothing more to do. Under the mutex. */
static bool take(struct orr_sealer *sealer, struct orri_shard_id *out)
{
    while (sealer->next == sealer->n && !sealer->end)
        pthread_cond_wait(&sealer->work, &sealer->mutex);
    if (sealer->next == sealer->n || sealer->status != ORR_OK)
        return false;
    *out = sealer->shards[sealer->next++];
    return true;
}

static void *seal_all(void *argument)
{
    struct orr_sealer *sealer = argument;
    struct orri_shard_id shard;
    struct orr_error error = { .code = ORR_OK };
    pthread_mutex_lock(&sealer->mutex);
    while (take(sealer, &shard)) {
        pthread_mutex_unlock(&sealer->mutex);
        orr_status status =
            orri_shard_seal(sealer->run_dir, &shard, sealer->durable, &error);
        pthread_mutex_lock(&sealer->mutex);
        sealer->status = status;
        if (status != ORR_OK)
            sealer->error = error;
    }
    pthread_mutex_unlock(&sealer->mutex);
    return NULL;
}

/* Signals are the main thread's business. Without a thread the shards are sealed at the
 * end. */
static void start(struct orr_sealer *sealer)
{
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    sealer->started = pthread_create(&sealer->thread, NULL, seal_all, sealer) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void orri_sealer_add(struct orr_sealer *sealer, const struct orri_shard_id *shard)
{
    pthread_mutex_lock(&sealer->mutex);
    sealer->shards =
        orr_grow(sealer->shards, sealer->n, &sealer->cap, sizeof *sealer->shards);
    sealer->shards[sealer->n++] = *shard;
    pthread_cond_signal(&sealer->work);
    pthread_mutex_unlock(&sealer->mutex);
    if (!sealer->started)
        start(sealer);
}

orr_status orr_sealer_end(struct orr_sealer *sealer, bool all, struct orr_error *err)
{
    if (!sealer)
        return ORR_OK;
    pthread_mutex_lock(&sealer->mutex);
    sealer->end = true;
    if (!all)
        sealer->next = sealer->n;
    pthread_cond_signal(&sealer->work);
    pthread_mutex_unlock(&sealer->mutex);
    if (sealer->started)
        pthread_join(sealer->thread, NULL);
    else
        (void)seal_all(sealer);
    orr_status status = sealer->status;
    if (status != ORR_OK && err)
        *err = sealer->error;
    pthread_mutex_destroy(&sealer->mutex);
    pthread_cond_destroy(&sealer->work);
    free(sealer->run_dir);
    free(sealer->shards);
    free(sealer);
    return status;
}

orr_status orr_shards_seal(const char *run_dir, struct orr_id run_id, uint32_t before,
                           struct orr_sealer **out, struct orr_error *err)
{
    struct orri_shard_id *all = NULL;
    size_t n = 0;
    *out = NULL;
    orr_status status = orri_shard_list(run_dir, &all, &n, err);
    for (size_t i = 0; i < n && status == ORR_OK; i++) {
        all[i].run = run_id;
        if (all[i].epoch >= before || orri_shard_is_sealed(run_dir, &all[i]))
            continue;
        if (!*out)
            *out = orri_sealer_new(run_dir, true);
        orri_sealer_add(*out, &all[i]);
    }
    free(all);
    return status;
}
