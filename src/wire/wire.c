/* wire.c - messages as bytes; owns nothing */
#include "wire/wire.h"

#include <string.h>

static void put_text(struct orr_bytes *out, const char *s)
{
    orr_put_string(out, s ? s : "", s ? strlen(s) : 0);
}

static const char *get_text(struct orr_reader *in, struct orr_arena *arena)
{
    size_t length = 0;
    const char *s = orr_get_string(in, &length);
    return orr_arena_strndup(arena, s ? s : "", length);
}

static void put_id(struct orr_bytes *out, struct orr_id id)
{
    orr_put_u64(out, id.hi);
    orr_put_u64(out, id.lo);
}

static struct orr_id get_id(struct orr_reader *in)
{
    struct orr_id id = { .hi = orr_get_u64(in) };
    id.lo = orr_get_u64(in);
    return id;
}

static orr_status whole(const struct orr_reader *in)
{
    return in->bad ? ORR_ERR_DATA : ORR_OK;
}

enum orr_message orr_message_of(struct orr_reader *in)
{
    uint8_t number = orr_get_u8(in);
    switch (number) {
#define X(id, value) case value:
        ORR_MESSAGES(X)
#undef X
        return (enum orr_message)number;
    default: return (enum orr_message)0;
    }
}

void orr_batch_begin(struct orr_bytes *out, enum orr_message message)
{
    orr_put_u8(out, (uint8_t)message);
}

void orr_hello_put(struct orr_bytes *out, const struct orr_hello *h)
{
    orr_put_u8(out, ORR_MESSAGE_HELLO);
    orr_put_u32(out, h->wire_version);
    put_text(out, h->version);
    put_id(out, h->digest);
    put_text(out, h->host);
    orr_put_u32(out, h->rank);
    orr_put_u32(out, h->cores);
    orr_put_u32(out, h->workers);
    orr_put_u64(out, h->memory);
    orr_put_u32(out, h->pid);
    put_text(out, h->pid_space);
    put_text(out, h->bind);
    orr_put_u32(out, h->gpus);
}

orr_status orr_hello_get(struct orr_reader *in, struct orr_arena *arena,
                         struct orr_hello *h)
{
    h->wire_version = orr_get_u32(in);
    h->version = get_text(in, arena);
    h->digest = get_id(in);
    h->host = get_text(in, arena);
    h->rank = orr_get_u32(in);
    h->cores = orr_get_u32(in);
    h->workers = orr_get_u32(in);
    h->memory = orr_get_u64(in);
    h->pid = orr_get_u32(in);
    h->pid_space = get_text(in, arena);
    h->bind = get_text(in, arena);
    h->gpus = orr_get_u32(in);
    return whole(in);
}

void orr_beat_put(struct orr_bytes *out, const struct orr_beat *b)
{
    orr_put_u8(out, ORR_MESSAGE_BEAT);
    orr_put_u32(out, b->running);
    orr_put_u32(out, b->waiting);
    orr_put_u32(out, b->unstored);
    orr_put_u32(out, b->cores);
}

orr_status orr_beat_get(struct orr_reader *in, struct orr_beat *b)
{
    b->running = orr_get_u32(in);
    b->waiting = orr_get_u32(in);
    b->unstored = orr_get_u32(in);
    b->cores = orr_get_u32(in);
    return whole(in);
}

void orr_bye_put(struct orr_bytes *out, const struct orr_bye *b)
{
    orr_put_u8(out, ORR_MESSAGE_BYE);
    orr_put_u32(out, b->rank);
    orr_put_i64(out, b->agent_cpu);
    orr_put_i64(out, b->worker_cpu);
    orr_put_u32(out, b->workers);
    orr_put_u64(out, b->results);
    orr_put_u64(out, b->stored_bytes);
    orr_put_u64(out, b->syncs);
    orr_put_i64(out, b->sync_ns);
}

orr_status orr_bye_get(struct orr_reader *in, struct orr_bye *b)
{
    b->rank = orr_get_u32(in);
    b->agent_cpu = orr_get_i64(in);
    b->worker_cpu = orr_get_i64(in);
    b->workers = orr_get_u32(in);
    b->results = orr_get_u64(in);
    b->stored_bytes = orr_get_u64(in);
    b->syncs = orr_get_u64(in);
    b->sync_ns = orr_get_i64(in);
    return whole(in);
}

void orr_retract_put(struct orr_bytes *out, const struct orr_retract *r)
{
    orr_put_u8(out, ORR_MESSAGE_RETRACT);
    orr_put_u32(out, r->cores);
    orr_put_u32(out, r->widest.cores);
    orr_put_u32(out, r->widest.gpus);
    orr_put_u64(out, r->widest.memory);
}

orr_status orr_retract_get(struct orr_reader *in, struct orr_retract *r)
{
    r->cores = orr_get_u32(in);
    r->widest.cores = orr_get_u32(in);
    r->widest.gpus = orr_get_u32(in);
    r->widest.memory = orr_get_u64(in);
    return whole(in);
}

void orr_attempt_name_put(struct orr_bytes *out, enum orr_message message,
                          struct orr_attempt_name name)
{
    if (out->length == 0)
        orr_batch_begin(out, message);
    orr_put_u32(out, name.task);
    orr_put_u32(out, name.attempt);
}

orr_status orr_attempt_name_get(struct orr_reader *in, struct orr_attempt_name *name)
{
    name->task = orr_get_u32(in);
    name->attempt = orr_get_u32(in);
    return whole(in);
}

void orr_signal_put(struct orr_bytes *out, enum orr_message message, const char *text)
{
    orr_put_u8(out, (uint8_t)message);
    put_text(out, text);
}

void orr_stop_put(struct orr_bytes *out, bool hurries)
{
    orr_signal_put(out, ORR_MESSAGE_STOP, "");
    orr_put_u8(out, hurries);
}

bool orr_stop_hurries(struct orr_reader *in)
{
    size_t length = 0;
    (void)orr_get_string(in, &length);
    return orr_reader_left(in) && orr_get_u8(in) != 0;
}

const char *orr_signal_get(struct orr_reader *in, struct orr_arena *arena)
{
    return get_text(in, arena);
}
