/* health.h - which node fails attempts that others would not
 *
 * Pure: no clock, no messages. The caller tells how attempts end where. A node whose
 * attempts fail one after another, while others fail less than they succeed, is a
 * suspect: what fails there is tried on another node before it counts. When enough of
 * that succeeds elsewhere, and the row is longer than chance makes it, the node is
 * sick. With many opinions open it is to be held: it gets no work until they are there.
 */
#ifndef ORR_SCHED_HEALTH_H
#define ORR_SCHED_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct orr_health_node {
    uint64_t done;        /* attempts that succeeded */
    uint64_t failed;      /* that were not tried elsewhere, or failed there too */
    uint64_t others_done; /* when its row began; 0 when it never succeeded */
    uint64_t others_failed;
    uint32_t row;     /* failures since the last success */
    uint32_t refuted; /* of those, the ones that then succeeded elsewhere */
    uint32_t open;    /* opinions that are not there yet */
};

/* Zeroed struct is empty. */
struct orr_health {
    struct orr_health_node *nodes;
    uint32_t n;
    uint64_t done; /* of all nodes */
    uint64_t failed;
};
void orr_health_release(struct orr_health *health);

void orr_health_succeeded(struct orr_health *health, uint32_t node);
/* True: the node is a suspect, another should try. */
bool orr_health_failed(struct orr_health *health, uint32_t node);
/* Another is asked; one of the three below follows. True: the node is to be held. */
bool orr_health_asked(struct orr_health *health, uint32_t node);
/* What failed there succeeded elsewhere. True: the node is sick. */
bool orr_health_refuted(struct orr_health *health, uint32_t node);
/* It failed on another node as well: the task is to blame. */
void orr_health_confirmed(struct orr_health *health, uint32_t node, uint32_t other);
/* Nobody will know. */
void orr_health_dropped(struct orr_health *health, uint32_t node);
/* It failed last, and has not succeeded yet or waits for opinions: no place for one. */
bool orr_health_in_doubt(const struct orr_health *health, uint32_t node);
const struct orr_health_node *orr_health_of(const struct orr_health *health,
                                            uint32_t node);

#endif
