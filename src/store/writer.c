/* writer.c - the queue in front of the log, and the thread that empties it
 * Owns: the queue, the grouping, the acknowledgements, the thread. Hands on: bytes and
 * syncs (log.c), index files (sealer.c).
 *
 * An item goes queued -> pending (in the log's group) -> done (synced) -> taken. With
 * logs on the node's disk those with blobs are staged in between: synced there, but not
 * in the run directory yet, where others read them. */
#include "store/writer.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/copied.h"
#include "store/log.h"
#include "store/sealer.h"
#include "store/stage.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SEGMENT_SLACK = 4096 /* the OPEN frame */ };

struct item {
    struct item *next;
    struct orri_entry entry; /* what it points to is behind the item, in its memory */
    uint64_t cost;           /* bytes counted against the queue */
    uint64_t token;
    struct orri_run run; /* when the entry stands for many */
    uint32_t segment;    /* of a staged one: its group ends there */
    uint64_t end;
};

struct list {
    struct item *head;
    struct item **tail; /* NULL: empty */
};

struct orr_writer {
    struct orr_writer_options options;
    char *run_dir;
    char *node_folder; /* where the log is, or NULL */
    struct orri_stage *stage;
    pthread_t thread;
    int event_fd;

    /* the thread's own */
    struct orri_log log;
    struct orr_sealer *sealer; /* NULL: no index files */
    int64_t group_started, last_added, linger;
    uint32_t next_segment;

    /* the caller's own */
    struct list taken;

    /* shared, under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work; /* to the thread */
    pthread_cond_t idle; /* to drain */
    struct list queued, pending, staged, done;
    uint64_t held; /* attempts in these lists; */
    uint64_t held_bytes;
    uint64_t held_blobs; /* descriptors */
    uint64_t waiting;    /* items queued, pending or staged */
    bool hurry;          /* commit as soon as the queue is empty */
    bool stop;
    orr_status status; /* sticky */
    struct orr_error error;
    struct orr_writer_stats stats;
};

/* --- lists ------------------------------------------------------------------ */

static void push(struct list *list, struct item *item)
{
    item->next = NULL;
    if (!list->tail)
        list->tail = &list->head;
    *list->tail = item;
    list->tail = &item->next;
}

static struct item *pop(struct list *list)
{
    struct item *item = list->head;
    if (item) {
        list->head = item->next;
        if (!list->head)
            list->tail = NULL;
    }
    return item;
}

static void free_list(struct list *list)
{
    struct item *item = NULL;
    while ((item = pop(list)) != NULL)
        free(item);
}

/* --- the thread ------------------------------------------------------------- */

static void fail(struct orr_writer *w, orr_status status, const struct orr_error *error)
{
    pthread_mutex_lock(&w->mutex);
    w->status = status;
    w->error = *error;
    (void)eventfd_write(w->event_fd, 1);
    pthread_cond_broadcast(&w->idle);
    pthread_mutex_unlock(&w->mutex);
}

static orr_status open_segment(struct orr_writer *w, uint64_t need,
                               struct orr_error *err)
{
    struct orri_shard_id shard = { w->options.run_id, w->options.writer,
                                   w->options.epoch, w->next_segment };
    uint64_t bytes = w->options.segment_bytes;
    if (bytes < need + SEGMENT_SLACK)
        bytes = need + SEGMENT_SLACK;
    orr_status status =
        orri_log_open(&w->log, w->node_folder ? w->node_folder : w->run_dir, &shard,
                      bytes, w->options.durability != ORR_DURABILITY_NONE, err);
    if (status != ORR_OK)
        return status;
    w->next_segment++;
    pthread_mutex_lock(&w->mutex);
    w->stats.segments++;
    pthread_mutex_unlock(&w->mutex);
    return ORR_OK;
}

static uint32_t attempts_of(const struct item *item)
{
    return item->run.n ? item->run.n : 1;
}

/* Under the mutex. */
static void hand_back(struct orr_writer *w, struct item *item)
{
    push(&w->done, item);
    w->waiting -= attempts_of(item);
    (void)eventfd_write(w->event_fd, 1);
    if (!w->waiting)
        pthread_cond_broadcast(&w->idle);
}

/* The group is synced. */
static void acknowledge(struct orr_writer *w, uint64_t bytes, int64_t sync)
{
    pthread_mutex_lock(&w->mutex);
    while (w->pending.head) {
        struct item *item = pop(&w->pending);
        item->segment = w->log.shard.segment;
        item->end = w->log.end;
        w->stats.results += attempts_of(item);
        if (w->stage && item->entry.blob_bytes)
            push(&w->staged, item);
        else
            hand_back(w, item);
    }
    w->stats.bytes += bytes;
    w->stats.groups++;
    w->stats.syncs += w->options.durability != ORR_DURABILITY_NONE;
    w->stats.sync_ns += sync;
    if (sync > w->stats.longest_sync_ns)
        w->stats.longest_sync_ns = sync;
    pthread_mutex_unlock(&w->mutex);
}

/* More of the log is in the run directory. In the stage's thread. */
static void moved(void *context, orr_status status, const struct orr_error *error)
{
    struct orr_writer *w = context;
    if (status != ORR_OK) {
        fail(w, status, error);
        return;
    }
    pthread_mutex_lock(&w->mutex);
    while (w->staged.head &&
           orri_stage_has(w->stage, w->staged.head->segment, w->staged.head->end))
        hand_back(w, pop(&w->staged));
    pthread_mutex_unlock(&w->mutex);
}

static void stage_log(struct orr_writer *w, bool closed)
{
    const struct orri_log *log = &w->log;
    struct orri_staged staged = { log->shard, log->created, log->log_bytes, log->end };
    pthread_mutex_lock(&w->mutex);
    bool soon = w->staged.head != NULL;
    pthread_mutex_unlock(&w->mutex);
    orri_stage_add(w->stage, &staged, soon, closed);
}

static int64_t linger_after(const struct orr_writer_options *o, int64_t sync)
{
    int64_t linger = sync < o->linger_ns ? o->linger_ns : sync;
    return linger < o->group_ns ? linger : o->group_ns;
}

static orr_status commit(struct orr_writer *w, struct orr_error *err)
{
    int64_t sync = 0;
    uint64_t bytes = orri_log_group_bytes(&w->log);
    orr_status status = orri_log_commit(&w->log, &sync, err);
    if (status != ORR_OK)
        return status;
    w->linger = linger_after(&w->options, sync);
    acknowledge(w, bytes, sync);
    if (w->stage)
        stage_log(w, false);
    return ORR_OK;
}

/* Nothing more goes to the segment: its index is made where it stays. `seal`: now. */
static orr_status close_segment(struct orr_writer *w, bool seal, struct orr_error *err)
{
    struct orri_shard_id shard = w->log.shard;
    if (w->stage)
        stage_log(w, true);
    orr_status status = orri_log_close(&w->log, !w->stage, err);
    if (status == ORR_OK && w->sealer && seal && !w->stage)
        orri_sealer_add(w->sealer, &shard);
    return status;
}

/* The segment is full: end it, begin the next. */
static orr_status rotate(struct orr_writer *w, uint64_t need, struct orr_error *err)
{
    orr_status status = w->log.group.attempts ? commit(w, err) : ORR_OK;
    if (status == ORR_OK)
        status = close_segment(w, true, err);
    return status == ORR_OK ? open_segment(w, need, err) : status;
}

static orr_status write_entry(struct orr_writer *w, struct orri_entry *entry,
                              struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (!orri_log_fits(&w->log, entry))
        status = rotate(w, orri_log_need(entry), err);
    return status == ORR_OK ? orri_log_append(&w->log, entry, err) : status;
}

static orr_status write_item(struct orr_writer *w, struct item *item,
                             struct orr_error *err)
{
    orr_status status = ORR_OK;
    if (!item->run.n)
        status = write_entry(w, &item->entry, err);
    for (uint32_t i = 0; i < item->run.n && status == ORR_OK; i++) {
        struct orri_entry entry = orri_stored_run_entry(&item->run, &item->entry, i);
        status = write_entry(w, &entry, err);
    }
    w->last_added = orr_clock_monotonic();
    if (w->log.group.attempts == attempts_of(item))
        w->group_started = w->last_added;
    return status;
}

static bool group_is_full(const struct orr_writer *w)
{
    return orri_log_group_bytes(&w->log) >= w->options.group_bytes ||
           w->log.group.attempts >= w->options.group_results ||
           orr_clock_monotonic() - w->group_started >= w->options.group_ns;
}

/* When the running group is due though nothing more came. */
static int64_t commit_due(const struct orr_writer *w)
{
    int64_t by_age = w->group_started + w->options.group_ns;
    int64_t by_quiet = w->last_added + w->linger;
    return by_age < by_quiet ? by_age : by_quiet;
}

static void wait_until(struct orr_writer *w, int64_t monotonic_ns)
{
    struct timespec at = { .tv_sec = (time_t)(monotonic_ns / ORR_SECOND),
                           .tv_nsec = (long)(monotonic_ns % ORR_SECOND) };
    (void)pthread_cond_timedwait(&w->work, &w->mutex, &at);
}

/* The next item, or NULL: commit now (a group is running), or stop. Under the mutex. */
static struct item *next_item(struct orr_writer *w)
{
    while (!w->queued.head) {
        bool running = w->log.group.attempts > 0;
        if (running && (w->hurry || w->stop || orr_clock_monotonic() >= commit_due(w)))
            return NULL;
        if (running)
            wait_until(w, commit_due(w));
        else if (w->stop)
            return NULL;
        else
            pthread_cond_wait(&w->work, &w->mutex);
    }
    return pop(&w->queued);
}

static void *writer_main(void *argument)
{
    struct orr_writer *w = argument;
    struct orr_error error = { .code = ORR_OK };
    orr_status status = ORR_OK;
    while (status == ORR_OK) {
        pthread_mutex_lock(&w->mutex);
        struct item *item = next_item(w);
        bool end = !item && !w->log.group.attempts;
        pthread_mutex_unlock(&w->mutex);
        if (end)
            return NULL;
        if (item) {
            status = write_item(w, item, &error);
            /* Freed with the others after an error: it was not acknowledged. */
            pthread_mutex_lock(&w->mutex);
            push(&w->pending, item);
            pthread_mutex_unlock(&w->mutex);
        }
        if (status == ORR_OK && (!item || group_is_full(w)))
            status = commit(w, &error);
    }
    fail(w, status, &error);
    return NULL;
}

/* --- opening ---------------------------------------------------------------- */

/* Others are for what comes in, and for files. */
static uint32_t quarter_of_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 > UINT32_MAX)
        return UINT32_MAX;
    return limit.rlim_cur < 4 ? 1 : (uint32_t)(limit.rlim_cur / 4);
}

static void set_defaults(struct orr_writer_options *o)
{
    if (!o->segment_bytes)
        o->segment_bytes = UINT64_C(1) << 30;
    if (!o->group_bytes)
        o->group_bytes = UINT64_C(16) << 20;
    if (!o->group_results)
        o->group_results = 512;
    if (!o->group_ns)
        o->group_ns = ORR_SECOND / 5;
    if (!o->linger_ns)
        o->linger_ns = 2 * ORR_SECOND / 1000;
    if (!o->queue_results)
        o->queue_results = 4096;
    if (!o->queue_bytes)
        o->queue_bytes = UINT64_C(1) << 30;
    if (!o->queue_blobs)
        o->queue_blobs = quarter_of_descriptors();
}

static void init_waits(struct orr_writer *w)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->idle, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void free_writer(struct orr_writer *w)
{
    (void)orri_stage_end(w->stage, false, NULL);
    if (w->log.buffer) {
        /* Writing failed: leave the file as it is, scan knows how far it is good. */
        (void)orri_log_close(&w->log, false, NULL);
    }
    free_list(&w->queued);
    free_list(&w->pending);
    free_list(&w->staged);
    free_list(&w->done);
    free_list(&w->taken);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->idle);
    pthread_mutex_destroy(&w->mutex);
    if (w->event_fd >= 0)
        (void)close(w->event_fd);
    (void)orr_sealer_end(w->sealer, false, NULL);
    free(w->run_dir);
    free(w->node_folder);
    free(w);
}

static orr_status start_stage(struct orr_writer *w, struct orr_error *err)
{
    struct orri_stage_setup setup = { .folder = w->node_folder,
                                      .run_dir = w->run_dir,
                                      .sealer = w->sealer,
                                      .moved = moved,
                                      .context = w };
    return w->node_folder ? orri_stage_new(&setup, &w->stage, err) : ORR_OK;
}

/* Signals are the main thread's business. */
static int start_thread(struct orr_writer *w)
{
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int bad = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return bad;
}

orr_status orr_writer_open(const struct orr_writer_options *options,
                           struct orr_writer **out, struct orr_error *err)
{
    struct orr_writer *w = orr_alloc(1, sizeof *w);
    w->options = *options;
    set_defaults(&w->options);
    w->linger = linger_after(&w->options, 0);
    w->run_dir = orr_strdup(options->run_dir);
    if (options->node_folder)
        w->node_folder = orr_strdup(options->node_folder);
    if (!options->no_index)
        w->sealer =
            orri_sealer_new(w->run_dir, options->durability != ORR_DURABILITY_NONE);
    init_waits(w);
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    orr_status status = ORR_OK;
    if (w->event_fd < 0)
        status =
            orr_error_errno(err, ORR_ERR_MACHINE, errno, "cannot make an event file");
    if (status == ORR_OK)
        status = open_segment(w, 0, err);
    if (status == ORR_OK)
        status = start_stage(w, err);
    int bad = status == ORR_OK ? start_thread(w) : 0;
    if (bad)
        status = orr_error_errno(err, ORR_ERR_MACHINE, bad, "cannot start a thread");
    if (status != ORR_OK) {
        free_writer(w);
        return status;
    }
    *out = w;
    return ORR_OK;
}

/* --- the caller's side ------------------------------------------------------ */

/* One piece of memory: the item, its counters, the run, and what they point to. */
static struct item *make_item(const struct orr_stored *stored,
                              const struct orr_stored_run *run, uint64_t token)
{
    size_t counters =
        sizeof(struct item) + stored->n_counters * sizeof(struct orr_stored_counter);
    size_t fixed = counters + (run ? orri_stored_run_bytes(run) : 0);
    orri_stored_check(stored);
    struct item *item = orr_alloc(1, fixed + (size_t)orri_stored_bytes(stored));
    orri_stored_copy(&item->entry, stored, (struct orr_stored_counter *)(item + 1),
                     (unsigned char *)item + fixed);
    item->entry.blob_fd = -1;
    if (run)
        orri_stored_run_copy(run, (unsigned char *)item + counters, &item->run);
    item->token = token;
    item->cost = orri_stored_bytes(stored);
    return item;
}

static bool has_room(struct orr_writer *w, uint64_t cost, bool blob)
{
    pthread_mutex_lock(&w->mutex);
    bool refused = w->status != ORR_OK || w->held >= w->options.queue_results ||
                   (blob && w->held_blobs >= w->options.queue_blobs) ||
                   (w->held && w->held_bytes + cost > w->options.queue_bytes);
    pthread_mutex_unlock(&w->mutex);
    return !refused;
}

static void enqueue(struct orr_writer *w, struct item *item)
{
    pthread_mutex_lock(&w->mutex);
    bool sleeps = !w->queued.head;
    push(&w->queued, item);
    w->held += attempts_of(item);
    w->waiting += attempts_of(item);
    w->held_bytes += item->cost;
    w->held_blobs += item->entry.blob_fd >= 0;
    if (sleeps)
        pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->mutex);
}

bool orr_writer_put(struct orr_writer *w, const struct orr_stored *stored, int blob_fd,
                    uint64_t blob_bytes, uint64_t token)
{
    if (!has_room(w, orri_stored_bytes(stored) + blob_bytes, blob_fd >= 0))
        return false;
    struct item *item = make_item(stored, NULL, token);
    item->entry.blob_fd = blob_fd;
    item->entry.blob_bytes = blob_bytes;
    item->cost += blob_bytes;
    enqueue(w, item);
    return true;
}

bool orr_writer_put_run(struct orr_writer *w, const struct orr_stored_run *run,
                        uint64_t token)
{
    if (!has_room(w, orri_stored_bytes(&run->first), false))
        return false;
    enqueue(w, make_item(&run->first, run, token));
    return true;
}

size_t orr_writer_take(struct orr_writer *w, struct orr_written *out, size_t n)
{
    size_t count = 0;
    eventfd_t ignored = 0;
    free_list(&w->taken);
    pthread_mutex_lock(&w->mutex);
    while (count < n && w->done.head) {
        struct item *item = pop(&w->done);
        push(&w->taken, item);
        w->held -= attempts_of(item);
        w->held_bytes -= item->cost;
        w->held_blobs -= item->entry.blob_fd >= 0;
        w->stats.acknowledged += attempts_of(item);
        out[count++] = (struct orr_written) {
            item->token, item->entry.results, item->entry.stored.results_bytes,
            item->run.n, item->run.times,     item->run.ends,
        };
    }
    if (!w->done.head && w->status == ORR_OK)
        (void)eventfd_read(w->event_fd, &ignored);
    pthread_mutex_unlock(&w->mutex);
    return count;
}

int orr_writer_event_fd(const struct orr_writer *writer) { return writer->event_fd; }

orr_status orr_writer_error(struct orr_writer *w, struct orr_error *err)
{
    pthread_mutex_lock(&w->mutex);
    orr_status status = w->status;
    if (status != ORR_OK && err)
        *err = w->error;
    pthread_mutex_unlock(&w->mutex);
    return status;
}

void orr_writer_stats(struct orr_writer *w, struct orr_writer_stats *out)
{
    pthread_mutex_lock(&w->mutex);
    *out = w->stats;
    out->queued = w->waiting;
    pthread_mutex_unlock(&w->mutex);
}

orr_status orr_writer_drain(struct orr_writer *w, struct orr_error *err)
{
    pthread_mutex_lock(&w->mutex);
    w->hurry = true;
    pthread_cond_signal(&w->work);
    while (w->waiting && w->status == ORR_OK)
        pthread_cond_wait(&w->idle, &w->mutex);
    w->hurry = false;
    orr_status status = w->status;
    if (status != ORR_OK && err)
        *err = w->error;
    pthread_mutex_unlock(&w->mutex);
    return status;
}

/* The thread has ended; its fields are ours. */
static orr_status finish_files(struct orr_writer *w, bool seal, struct orr_error *err)
{
    struct orr_sealer *sealer = w->sealer;
    orr_status status = close_segment(w, seal, err);
    orr_status staged = orri_stage_end(w->stage, true, status == ORR_OK ? err : NULL);
    w->stage = NULL;
    w->sealer = NULL;
    if (status == ORR_OK)
        status = staged;
    orr_status sealed =
        orr_sealer_end(sealer, seal && status == ORR_OK, status == ORR_OK ? err : NULL);
    return status != ORR_OK ? status : sealed;
}

orr_status orr_writer_close(struct orr_writer *w, bool seal, struct orr_error *err)
{
    if (!w)
        return ORR_OK;
    orr_status status = orr_writer_drain(w, err);
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    if (status == ORR_OK)
        status = finish_files(w, seal, err);
    free_writer(w);
    return status;
}
