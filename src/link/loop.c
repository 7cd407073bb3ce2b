/* loop.c - ranks in one process: queues instead of a network
 * Owns: all messages under way. */
#include "link/link.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct loop_message {
    struct loop_message *next;
    uint32_t from;
    size_t length;
    unsigned char data[];
};

struct loop_link {
    struct orr_link link;
    struct orr_loop_hub *hub;
    struct loop_message *head;
    struct loop_message **tail;
    struct loop_message *held; /* what receive() handed out last */
    bool cut;
};

struct orr_loop_hub {
    uint32_t n;
    struct loop_link *ranks;
};

static orr_status loop_send(struct orr_link *link, orr_rank to, const void *data,
                            size_t length, struct orr_error *err)
{
    struct loop_link *self = (struct loop_link *)link;
    if (to.v >= self->hub->n)
        return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN, "no rank %u", to.v);
    struct loop_link *other = &self->hub->ranks[to.v];
    if (self->cut || other->cut)
        return ORR_OK;
    struct loop_message *message = orr_alloc(1, sizeof *message + length);
    message->from = link->rank;
    message->length = length;
    if (length)
        memcpy(message->data, data, length);
    *other->tail = message;
    other->tail = &message->next;
    return ORR_OK;
}

static orr_status loop_receive(struct orr_link *link, orr_rank *from, const void **data,
                               size_t *length, struct orr_error *err)
{
    (void)err;
    struct loop_link *self = (struct loop_link *)link;
    free(self->held);
    self->held = self->head;
    if (!self->held)
        return ORR_END;
    self->head = self->held->next;
    if (!self->head)
        self->tail = &self->head;
    from->v = self->held->from;
    *data = self->held->data;
    *length = self->held->length;
    return ORR_OK;
}

static bool loop_sent(struct orr_link *link)
{
    (void)link;
    return true;
}

static void loop_free(struct orr_link *link) { (void)link; /* the hub's */ }

static const struct orr_link_ops loop_ops = { "loop",    loop_send, loop_receive,
                                              loop_sent, loop_free, NULL };

struct orr_loop_hub *orr_loop_hub_new(uint32_t ranks)
{
    struct orr_loop_hub *hub = orr_alloc(1, sizeof *hub);
    hub->n = ranks;
    hub->ranks = orr_alloc(ranks, sizeof *hub->ranks);
    for (uint32_t i = 0; i < ranks; i++) {
        struct loop_link *rank = &hub->ranks[i];
        rank->link = (struct orr_link) { &loop_ops, i, ranks };
        rank->hub = hub;
        rank->tail = &rank->head;
    }
    return hub;
}

struct orr_link *orr_loop_hub_link(struct orr_loop_hub *hub, uint32_t rank)
{
    return &hub->ranks[rank].link;
}

static void drop_messages(struct loop_link *rank)
{
    while (rank->head) {
        struct loop_message *next = rank->head->next;
        free(rank->head);
        rank->head = next;
    }
    rank->tail = &rank->head;
}

void orr_loop_hub_cut(struct orr_loop_hub *hub, uint32_t rank)
{
    hub->ranks[rank].cut = true;
    drop_messages(&hub->ranks[rank]);
}

void orr_loop_hub_free(struct orr_loop_hub *hub)
{
    if (!hub)
        return;
    for (uint32_t i = 0; i < hub->n; i++) {
        drop_messages(&hub->ranks[i]);
        free(hub->ranks[i].held);
    }
    free(hub->ranks);
    free(hub);
}
