/* shared.c - the start message as bytes; owns nothing */
#include "cli/shared.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void put_text(struct orr_bytes *out, const char *s)
{
    orr_put_string(out, s ? s : "", s ? strlen(s) : 0);
}

static char *get_text(struct orr_reader *in)
{
    size_t length = 0;
    const char *s = orr_get_string(in, &length);
    char *copy = orr_alloc(length + 1, 1);
    if (length)
        memcpy(copy, s, length);
    return copy;
}

void orri_shared_put(struct orr_bytes *out, const struct orri_shared *s,
                     const struct orri_texts *texts)
{
    orr_put_u8(out, s->go);
    orr_put_u64(out, s->token);
    put_text(out, s->run_dir);
    orr_put_u64(out, s->run_id.hi);
    orr_put_u64(out, s->run_id.lo);
    orr_put_u32(out, s->epoch);
    orr_put_u32(out, (uint32_t)s->durability);
    put_text(out, s->local_dir);
    orr_put_u32(out, (uint32_t)s->n_local);
    for (size_t i = 0; i < s->n_local; i++)
        put_text(out, s->local[i]);
    orr_put_u32(out, s->cores_per_rank);
    orr_put_u8(out, (uint8_t)s->bind);
    orr_put_u64(out, s->memory);
    orr_put_u32(out, s->gpus);
    put_text(out, s->job);
    orr_put_u32(out, (uint32_t)s->n_settings);
    for (size_t i = 0; i < s->n_settings; i++) {
        put_text(out, s->settings[i].name);
        put_text(out, s->settings[i].value);
        put_text(out, s->settings[i].directory);
    }
    orr_put_u32(out, (uint32_t)texts->n);
    for (size_t i = 0; i < texts->n; i++) {
        put_text(out, texts->items[i].path);
        orr_put_string(out, texts->items[i].text.s, texts->items[i].text.length);
    }
}

static void get_texts(struct orr_reader *in, struct orri_texts *texts)
{
    texts->closed = true;
    texts->n = orr_get_u32(in);
    if (texts->n > orr_reader_left(in))
        in->bad = true;
    if (in->bad)
        texts->n = 0;
    texts->items = orr_alloc(texts->n + 1, sizeof *texts->items);
    for (size_t i = 0; i < texts->n; i++) {
        texts->items[i].path = get_text(in);
        size_t length = 0;
        const char *s = orr_get_string(in, &length);
        orr_text_append(&texts->items[i].text, s, length);
    }
}

static void get_settings(struct orr_reader *in, struct orri_shared *s)
{
    s->n_settings = orr_get_u32(in);
    if (s->n_settings > orr_reader_left(in))
        in->bad = true;
    if (in->bad)
        s->n_settings = 0;
    s->settings = orr_alloc(s->n_settings + 1, sizeof *s->settings);
    for (size_t i = 0; i < s->n_settings; i++) {
        s->settings[i].name = get_text(in);
        s->settings[i].value = get_text(in);
        s->settings[i].directory = get_text(in);
    }
}

static void get_local(struct orr_reader *in, struct orri_shared *s)
{
    s->n_local = orr_get_u32(in);
    if (s->n_local > orr_reader_left(in))
        in->bad = true;
    if (in->bad)
        s->n_local = 0;
    s->local = orr_alloc(s->n_local + 1, sizeof *s->local);
    for (size_t i = 0; i < s->n_local; i++)
        s->local[i] = get_text(in);
}

orr_status orri_shared_get(const struct orr_bytes *bytes, struct orri_shared *s,
                           struct orri_texts *texts)
{
    struct orr_reader in = orr_reader_of(bytes->data, bytes->length);
    s->go = orr_get_u8(&in) != 0;
    s->token = orr_get_u64(&in);
    s->run_dir = get_text(&in);
    s->run_id.hi = orr_get_u64(&in);
    s->run_id.lo = orr_get_u64(&in);
    s->epoch = orr_get_u32(&in);
    s->durability = (enum orr_durability)orr_get_u32(&in);
    s->local_dir = get_text(&in);
    get_local(&in, s);
    s->cores_per_rank = orr_get_u32(&in);
    s->bind = (enum orr_bind)orr_get_u8(&in);
    s->memory = orr_get_u64(&in);
    s->gpus = orr_get_u32(&in);
    s->job = get_text(&in);
    get_settings(&in, s);
    get_texts(&in, texts);
    return in.bad ? ORR_ERR_DATA : ORR_OK;
}

void orri_shared_release(struct orri_shared *s)
{
    free(s->run_dir);
    free(s->local_dir);
    for (size_t i = 0; i < s->n_local; i++)
        free(s->local[i]);
    free(s->local);
    free(s->job);
    for (size_t i = 0; i < s->n_settings; i++) {
        free((void *)(uintptr_t)s->settings[i].name);
        free((void *)(uintptr_t)s->settings[i].value);
        free((void *)(uintptr_t)s->settings[i].directory);
    }
    free(s->settings);
    *s = (struct orri_shared) { 0 };
}
