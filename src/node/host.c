/* host.c - one rank's cores: its life, its limits, and what ends attempts early
 * Owns: the host. Hands on: what children are given (errands.c), what they say
 * (children.c), calls in place (inplace.c), what is finished (finished.c). */
#include "node/hosted.h"

#include "base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* `warm` of all functions together: any child runs any function. */
static uint32_t warm_of(const struct orr_host_setup *setup)
{
    uint32_t n = 0;
    for (uint32_t f = 0; f < setup->graph->n_functions && n < setup->children; f++)
        if (setup->graph->functions[f].isolated)
            n += setup->graph->functions[f].warm;
    return n < setup->children ? n : setup->children;
}

struct orr_host *orr_host_new(const struct orr_host_setup *setup)
{
    struct orr_host *host = orr_alloc(1, sizeof *host);
    host->setup = *setup;
    host->children = orr_alloc(setup->children, sizeof *host->children);
    host->last = &host->first;
    host->spare_blob_fd = -1;
    orr_oom_open(&host->kills, "");
    for (uint32_t i = 0; i < setup->children; i++) {
        host->children[i].channel.fd = -1;
        host->children[i].last = &host->children[i].first;
        host->children[i].memory.next = INT64_MAX;
        host->children[i].kills = host->kills;
    }
    for (uint32_t f = 0; f < setup->graph->n_functions; f++)
        if (setup->graph->functions[f].isolated && setup->graph->functions[f].native)
            orr_nursery_prepare(setup->nursery,
                                setup->graph->functions[f].native->name);
    host->warm = warm_of(setup);
    for (uint32_t i = 0; i < host->warm; i++)
        orri_child_spawn(host, &host->children[i]);
    return host;
}

void orr_host_free(struct orr_host *host)
{
    if (!host)
        return;
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct orri_child *child = &host->children[i];
        if (child->state != ORRI_CHILD_NONE)
            orr_channel_release(&child->channel);
        orr_footprint_end(&child->memory);
        while (child->first) {
            struct orri_errand *next = child->first->next;
            orri_errand_free(child->first);
            child->first = next;
        }
    }
    orr_oom_close(&host->kills);
    orri_errand_free(host->unused);
    while (host->first) {
        struct orri_finished *next = host->first->next;
        if (host->first->done.blob_fd >= 0)
            (void)close(host->first->done.blob_fd);
        orri_finished_free(host->first);
        host->first = next;
    }
    orri_finished_free(host->held);
    while (host->spare) {
        struct orri_finished *next = host->spare->next;
        orri_finished_free(host->spare);
        host->spare = next;
    }
    if (host->spare_blob_fd >= 0)
        (void)close(host->spare_blob_fd);
    free(host->children);
    free(host);
}

/* What it still says comes too late. */
static void end_child(struct orri_child *child)
{
    if (child->state != ORRI_CHILD_BUSY)
        return;
    child->state = ORRI_CHILD_DYING;
    (void)kill(child->pid, SIGKILL);
}

static const int64_t LOOK = ORR_SECOND;

/* When nobody looked for longer than that we were suspended, and so was the child: its
 * time stood still. */
static void enforce_time(struct orri_child *child, int64_t now)
{
    if (child->state != ORRI_CHILD_BUSY || child->deadline == INT64_MAX)
        return;
    if (now - child->looked > 2 * LOOK)
        child->deadline += now - child->looked - LOOK;
    child->looked = now;
    if (now < child->deadline)
        return;
    child->timed_out = true;
    end_child(child);
}

static void enforce_memory(struct orri_child *child, int64_t now)
{
    if (child->state != ORRI_CHILD_BUSY || !orr_footprint_is_over(&child->memory, now))
        return;
    child->too_much_memory = true;
    end_child(child);
}

void orr_host_step(struct orr_host *host, bool ready)
{
    int64_t now = orr_clock_monotonic();
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct orri_child *child = &host->children[i];
        if (ready &&
            (child->state == ORRI_CHILD_BUSY || child->state == ORRI_CHILD_IDLE))
            orri_child_hear(host, child);
        if (child->channel.closed) /* it can say nothing any more, dead or not */
            end_child(child);
        enforce_time(child, now);
        enforce_memory(child, now);
    }
    if (ready)
        orri_host_hear_nursery(host);
}

size_t orr_host_fds(const struct orr_host *host, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    if (max)
        fds[n++] = (struct pollfd) { .fd = orr_nursery_fd(host->setup.nursery),
                                     .events = POLLIN };
    for (uint32_t i = 0; i < host->setup.children && n < max; i++) {
        const struct orri_child *child = &host->children[i];
        if (child->state != ORRI_CHILD_BUSY || child->channel.closed)
            continue;
        short events = POLLIN;
        if (orr_channel_wants_write(&child->channel))
            events |= POLLOUT;
        fds[n++] = (struct pollfd) { .fd = child->channel.fd, .events = events };
    }
    return n;
}

int64_t orr_host_wake(const struct orr_host *host)
{
    int64_t wake = INT64_MAX;
    if (host->first)
        return 0;
    for (uint32_t i = 0; i < host->setup.children; i++) {
        const struct orri_child *child = &host->children[i];
        if (child->state != ORRI_CHILD_BUSY)
            continue;
        if (child->channel.closed)
            return 0;
        if (child->deadline != INT64_MAX) {
            int64_t look = child->looked + LOOK;
            int64_t next = child->deadline < look ? child->deadline : look;
            wake = next < wake ? next : wake;
        }
        wake = child->memory.next < wake ? child->memory.next : wake;
    }
    return wake;
}

void orr_host_abandon(struct orr_host *host)
{
    for (uint32_t i = 0; i < host->setup.children; i++) {
        host->children[i].abandoned = host->children[i].first != NULL;
        end_child(&host->children[i]);
    }
}

void orr_host_cancel(struct orr_host *host, uint32_t task, uint32_t attempt)
{
    for (uint32_t i = 0; i < host->setup.children; i++) {
        struct orri_child *child = &host->children[i];
        struct orri_errand *first = child->first;
        if (!first || first->task != task || first->attempt != attempt)
            continue; /* what waits behind another is short, and may as well run */
        first->cancelled = true;
        end_child(child);
    }
}

bool orr_host_broken(const struct orr_host *host)
{
    return orr_nursery_lost(host->setup.nursery);
}
