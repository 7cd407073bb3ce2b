/* worker.c - a worker rank between its agent and its children
 * Owns: the channel to the agent. Hands on: running attempts (host.c). */
#include "node/worker.h"

#include "base/clock.h"
#include "base/memory.h"
#include "node/local.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
    struct orr_channel agent;
    struct orr_host *host;
    const struct orr_graph *graph;
    struct orr_bytes out; /* results without blobs, sent together */
    uint32_t rank;
    bool stopped;
};

enum { BATCH_BYTES = 64 * 1024, TELL_NS = 5 * 1000 * 1000 };

static void flush_results(struct worker *w)
{
    if (w->out.length)
        orr_channel_send(&w->agent, w->out.data, w->out.length, -1);
    orr_bytes_clear(&w->out);
}

static void send_with_blobs(struct worker *w, const struct orr_host_done *done)
{
    struct orr_bytes one = ORR_BYTES_INIT;
    orr_batch_begin(&one, ORR_MESSAGE_DONE);
    orri_local_done_put(&one, done);
    orr_channel_send(&w->agent, one.data, one.length, done->blob_fd);
    (void)close(done->blob_fd);
    orr_bytes_release(&one);
}

static void send_results(struct worker *w)
{
    struct orr_host_done done;
    while (orr_host_next(w->host, &done)) {
        if (done.blob_fd >= 0) {
            send_with_blobs(w, &done);
            continue;
        }
        if (w->out.length == 0)
            orr_batch_begin(&w->out, ORR_MESSAGE_DONE);
        orri_local_done_put(&w->out, &done);
        if (w->out.length > BATCH_BYTES)
            flush_results(w);
    }
    flush_results(w);
}

/* Calls in place run here and now: what they gave is told every few milliseconds. */
static void take_assignments(struct worker *w, struct orr_reader *in)
{
    struct orri_local_assignment a;
    struct orr_arena arena = ORR_ARENA_INIT;
    int64_t told = orr_clock_monotonic();
    while (orr_reader_left(in)) {
        if (orri_local_assignment_get(in, &arena, &a) != ORR_OK)
            ORR_BUG("damaged assignment from the agent");
        if (w->graph->functions[a.run.first.function].isolated)
            orr_host_start(w->host, a.token, &a.run.first, a.cores, a.n_cores, a.env);
        else
            orr_host_run(w->host, a.token, &a.run, a.cores[0]);
        int64_t now = orr_clock_monotonic();
        if (now - told > TELL_NS) {
            send_results(w);
            told = now;
        }
    }
    orr_arena_release(&arena);
}

static void cancel(struct worker *w, struct orr_reader *in)
{
    struct orr_attempt_name name;
    while (orr_reader_left(in)) {
        if (orr_attempt_name_get(in, &name) != ORR_OK)
            ORR_BUG("damaged message from the agent");
        orr_host_cancel(w->host, name.task, name.attempt);
    }
}

static void hear_agent(struct worker *w)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    while (!w->stopped &&
           orr_channel_receive(&w->agent, &data, &length, &fd) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        switch (orr_message_of(&in)) {
        case ORR_MESSAGE_ASSIGN: take_assignments(w, &in); break;
        case ORR_MESSAGE_CANCEL: cancel(w, &in); break;
        case ORR_MESSAGE_ABANDON: orr_host_abandon(w->host); break;
        case ORR_MESSAGE_STOP: w->stopped = true; break;
        default: ORR_BUG("unexpected message from the agent");
        }
    }
}

static void wait_for_news(struct worker *w)
{
    struct pollfd fds[2 + ORRI_CORES_MAX];
    int64_t wake = orr_host_wake(w->host);
    size_t n = orr_host_fds(w->host, fds + 1, ORRI_CORES_MAX + 1);
    fds[0] = (struct pollfd) { .fd = w->agent.fd, .events = POLLIN };
    if (orr_channel_wants_write(&w->agent))
        fds[0].events |= POLLOUT;
    struct timespec limit = { 0 };
    if (wake != INT64_MAX) {
        int64_t left = wake - orr_clock_monotonic();
        left = left > 0 ? left : 0;
        limit = (struct timespec) { left / ORR_SECOND, left % ORR_SECOND };
    }
    (void)ppoll(fds, (nfds_t)(n + 1), wake == INT64_MAX ? NULL : &limit, NULL);
}

static void say_hello(struct worker *w, uint32_t cores, int call_fd)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_hello hello = { .wire_version = ORR_WIRE_VERSION,
                               .version = ORR_VERSION,
                               .rank = w->rank,
                               .cores = cores,
                               .pid = (uint32_t)getpid() };
    orr_hello_put(&out, &hello);
    orr_channel_send(&w->agent, out.data, out.length, call_fd);
    orr_bytes_release(&out);
}

static void say_bye(struct worker *w)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_bye bye = { .rank = w->rank,
                           .worker_cpu = orr_clock_cpu(),
                           .workers = 1 };
    orr_bye_put(&out, &bye);
    orr_channel_send(&w->agent, out.data, out.length, -1);
    orr_bytes_release(&out);
    struct pollfd writable = { .fd = w->agent.fd, .events = POLLOUT };
    while (!orr_channel_flush(&w->agent) && poll(&writable, 1, 1000) > 0)
        continue;
}

orr_status orr_worker_run(const struct orr_host_setup *setup, uint64_t token,
                          uint32_t agent, uint32_t rank, struct orr_error *err)
{
    struct orr_host_setup shared = *setup;
    int call_fd = orri_local_share_call(&shared.call, err);
    int fd = call_fd < 0 ? -1 : orri_local_connect(token, agent, err);
    if (fd < 0)
        return ORR_ERR_MACHINE; /* the process ends */
    struct worker w = { .rank = rank,
                        .host = orr_host_new(&shared),
                        .graph = setup->graph };
    orr_channel_init(&w.agent, fd);
    say_hello(&w, setup->children, call_fd);
    (void)close(call_fd);
    while (!w.stopped && !w.agent.closed && !orr_host_broken(w.host)) {
        wait_for_news(&w);
        (void)orr_channel_flush(&w.agent);
        hear_agent(&w);
        orr_host_step(w.host, true);
        send_results(&w);
    }
    if (w.stopped)
        say_bye(&w);
    orr_host_free(w.host);
    orri_local_forget_call(shared.call);
    orr_channel_release(&w.agent);
    orr_bytes_release(&w.out);
    return w.stopped ? ORR_OK : ORR_END;
}
