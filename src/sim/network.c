/* network.c - rank 0's link, as a network would deliver: latency, then the bytes, one
 * message after the other at rank 0's end
 * Owns: messages under way. Hands on: what nodes do with theirs (node.c). */
#include "sim/internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static struct orr_sim *sim_of(struct orr_link *link)
{
    return (struct orr_sim *)((char *)link - offsetof(struct orr_sim, link));
}

/* ---- memory ---- */

static uint32_t message_new(struct orr_sim *sim, uint32_t from, uint32_t to,
                            const void *data, size_t length)
{
    uint32_t at = sim->unused_message - 1;
    if (sim->unused_message) {
        sim->unused_message = sim->messages[at].next;
    } else {
        sim->messages = orr_grow(sim->messages, sim->n_messages, &sim->cap_messages,
                                 sizeof *sim->messages);
        at = (uint32_t)sim->n_messages++;
    }
    struct orri_message *message = &sim->messages[at];
    *message = (struct orri_message) { .from = from, .to = to, .length = length };
    message->data = orr_alloc(length + 1, 1);
    memcpy(message->data, data, length);
    sim->message_bytes += length;
    if (sim->message_bytes > sim->message_bytes_most)
        sim->message_bytes_most = sim->message_bytes;
    return at;
}

void orri_message_free(struct orr_sim *sim, uint32_t at)
{
    struct orri_message *message = &sim->messages[at];
    free(message->data);
    sim->message_bytes -= message->length;
    while (message->tries.n)
        orri_try_free(sim, orri_try_pop(sim, &message->tries));
    *message = (struct orri_message) { .next = sim->unused_message };
    sim->unused_message = at + 1;
}

void orri_messages_release(struct orr_sim *sim)
{
    for (size_t i = 0; i < sim->n_messages; i++)
        free(sim->messages[i].data);
    free(sim->messages);
    free(sim->inbox.items);
    free(sim->outbox);
}

static void inbox_add(struct orri_inbox *inbox, uint32_t at)
{
    if (inbox->n == inbox->cap) {
        size_t cap = inbox->cap ? inbox->cap * 2 : 64;
        uint32_t *items = orr_alloc(cap, sizeof *items);
        for (size_t i = 0; i < inbox->n; i++)
            items[i] = inbox->items[(inbox->head + i) % inbox->cap];
        free(inbox->items);
        *inbox = (struct orri_inbox) { items, cap, 0, inbox->n };
    }
    inbox->items[(inbox->head + inbox->n++) % inbox->cap] = at;
}

/* ---- the link of rank 0 ---- */

static orr_status sim_send(struct orr_link *link, orr_rank to, const void *data,
                           size_t length, struct orr_error *err)
{
    (void)err;
    struct orr_sim *sim = sim_of(link);
    sim->outbox =
        orr_grow(sim->outbox, sim->n_outbox, &sim->cap_outbox, sizeof *sim->outbox);
    sim->outbox[sim->n_outbox++] = message_new(sim, 0, to.v, data, length);
    return ORR_OK;
}

static void count_received(struct orr_sim *sim, const struct orri_message *message)
{
    sim->received++;
    sim->received_entries += message->entries;
    if (!message->entries)
        return;
    double longest = (double)(sim->now - message->first_end) / 1e9;
    sim->delays += sim->now * message->entries - message->ends;
    sim->n_delays += message->entries;
    if (longest > sim->out->delay_most)
        sim->out->delay_most = longest;
}

static orr_status sim_receive(struct orr_link *link, orr_rank *from, const void **data,
                              size_t *length, struct orr_error *err)
{
    (void)err;
    struct orr_sim *sim = sim_of(link);
    struct orri_inbox *inbox = &sim->inbox;
    if (sim->held)
        orri_message_free(sim, sim->held - 1);
    sim->held = 0;
    if (inbox->n == 0)
        return ORR_END;
    sim->held = inbox->items[inbox->head] + 1;
    inbox->head = (inbox->head + 1) % inbox->cap;
    inbox->n--;
    const struct orri_message *message = &sim->messages[sim->held - 1];
    count_received(sim, message);
    from->v = message->from;
    *data = message->data;
    *length = message->length;
    return ORR_OK;
}

static bool sim_sent(struct orr_link *link)
{
    (void)link;
    return true;
}

static void sim_free(struct orr_link *link) { (void)link; /* the simulation's */ }

const struct orr_link_ops orri_sim_link_ops = { "sim",    sim_send, sim_receive,
                                                sim_sent, sim_free, NULL };

/* ---- on the way ---- */

/* When all of it has passed rank 0's end of the network, `end`, which carries one
 * message at a time. */
static int64_t carry(const struct orr_sim *sim, int64_t at, size_t length, int64_t *end)
{
    int64_t first = at > *end ? at : *end;
    *end = first + (int64_t)(sim->setup.costs.network_ns_per_byte * (double)length);
    return *end;
}

uint32_t orri_send_up(struct orr_sim *sim, uint32_t node, int64_t at,
                      const struct orr_bytes *data)
{
    uint32_t message = message_new(sim, node + 1, 0, data->data, data->length);
    sim->out->messages_up++;
    sim->out->bytes_up += data->length;
    orri_event_add(&sim->events, at + (int64_t)sim->setup.costs.latency_ns,
                   ORRI_EVENT_ARRIVAL, message, 0);
    return message;
}

uint32_t orri_read_assignments(struct orr_sim *sim, uint32_t at)
{
    struct orr_reader in =
        orr_reader_of(sim->messages[at].data, sim->messages[at].length);
    if (orr_message_of(&in) != ORR_MESSAGE_ASSIGN)
        return 0;
    struct orr_arena arena = ORR_ARENA_INIT;
    uint32_t n = 0;
    while (orr_reader_left(&in) && sim->failed.code == ORR_OK) {
        struct orr_assignment_run run;
        if (orr_assignment_run_get(&in, &run) != ORR_OK)
            ORR_BUG("rank 0 sent a damaged assignment");
        unsigned char *args = orr_arena_alloc(&arena, run.args.length + 1);
        for (uint32_t i = 0; i < run.n && sim->failed.code == ORR_OK; i++, n++) {
            struct orr_assignment assignment;
            orr_assignment_of(&run, i, args, &assignment);
            uint32_t try = orri_try_new(sim, &assignment, sim->messages[at].to - 1);
            orri_try_push(sim, &sim->messages[at].tries, try);
        }
    }
    orr_arena_release(&arena);
    sim->messages[at].entries = n;
    return n;
}

void orri_send_down(struct orr_sim *sim, int64_t at)
{
    for (size_t i = 0; i < sim->n_outbox; i++) {
        size_t length = sim->messages[sim->outbox[i]].length;
        sim->out->messages_down++;
        sim->out->bytes_down += length;
        int64_t gone = carry(sim, at, length, &sim->wire_down);
        orri_event_add(&sim->events, gone + (int64_t)sim->setup.costs.latency_ns,
                       ORRI_EVENT_ARRIVAL, sim->outbox[i], 0);
    }
    sim->n_outbox = 0;
}

void orri_there(struct orr_sim *sim, uint32_t at)
{
    inbox_add(&sim->inbox, at);
    int64_t seen = sim->now + orri_half_nap(sim, sim->now - sim->last_busy);
    if (seen < sim->free_at)
        seen = sim->free_at;
    if (seen < sim->next_step)
        sim->next_step = seen;
}

void orri_arrive(struct orr_sim *sim, uint32_t at)
{
    static const int64_t soon = 1000; /* ns: not worth an event */
    uint32_t to = sim->messages[at].to;
    if (to == 0) {
        bool idle = sim->wire_up <= sim->now; /* all before it are there */
        int64_t there = carry(sim, sim->now, sim->messages[at].length, &sim->wire_up);
        if (idle && there - sim->now < soon)
            orri_there(sim, at);
        else
            orri_event_add(&sim->events, there, ORRI_EVENT_THERE, at, 0);
        return;
    }
    if (!sim->nodes[to - 1].dead && !sim->nodes[to - 1].left)
        orri_node_hear(sim, to - 1, at);
    orri_message_free(sim, at);
}
