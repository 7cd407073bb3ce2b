/* attempt.c - orders and outcomes as bytes; owns nothing */
#include "exec/attempt.h"

#include "base/resources.h"

#include <string.h>

static void put_text(struct orr_bytes *out, const char *s)
{
    orr_put_u8(out, s != NULL);
    if (s)
        orr_put_string(out, s, strlen(s));
}

static const char *get_text(struct orr_reader *in, struct orr_arena *arena)
{
    if (orr_get_u8(in) == 0)
        return NULL;
    size_t length = 0;
    const char *s = orr_get_string(in, &length);
    return orr_arena_strndup(arena, s ? s : "", length);
}

static const void *get_blob(struct orr_reader *in, uint32_t *length)
{
    size_t n = 0;
    const void *at = orr_get_string(in, &n);
    *length = (uint32_t)n;
    return at;
}

/* A count that the rest of the message can hold. */
static uint32_t get_count(struct orr_reader *in)
{
    uint32_t n = orr_get_u32(in);
    if (n > orr_reader_left(in))
        in->bad = true;
    return in->bad ? 0 : n;
}

static void put_texts(struct orr_bytes *out, const char *const *texts, uint32_t n)
{
    orr_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++)
        put_text(out, texts[i]);
}

static const char *const *get_texts(struct orr_reader *in, struct orr_arena *arena,
                                    uint32_t *n)
{
    *n = get_count(in);
    const char **texts = orr_arena_alloc(arena, (*n + 1) * sizeof *texts);
    for (uint32_t i = 0; i < *n; i++)
        texts[i] = get_text(in, arena);
    return texts;
}

static void put_blob(struct orr_bytes *out, const struct orr_blob *blob)
{
    unsigned char bytes[ORR_BLOB_BYTES];
    orr_blob_encode(blob, bytes);
    orr_put_raw(out, bytes, sizeof bytes);
}

void orr_order_put(struct orr_bytes *out, const struct orr_order *order)
{
    put_text(out, order->function);
    orr_put_string(out, order->args, order->args_length);
    put_texts(out, order->argv, order->n_argv);
    put_texts(out, order->env, order->n_env);
    put_text(out, order->cwd);
    orr_put_u32(out, order->n_ins);
    for (uint32_t i = 0; i < order->n_ins; i++) {
        put_text(out, order->ins[i].written);
        put_blob(out, &order->ins[i].blob);
    }
    orr_put_u32(out, order->n_outs);
    for (uint32_t i = 0; i < order->n_outs; i++) {
        put_text(out, order->outs[i].written);
        put_text(out, order->outs[i].kept);
    }
    orr_put_u32(out, order->n_exit_codes);
    for (uint32_t i = 0; i < order->n_exit_codes; i++)
        orr_put_u32(out, (uint32_t)order->exit_codes[i]);
    orr_put_u8(out, order->keep_stdout);
    orr_put_u32(out, order->cores);
    orr_put_i64(out, order->timeout);
    orr_put_i64(out, order->memory);
    orr_put_u64(out, order->blobs_most);
    put_text(out, order->run_dir);
    put_text(out, order->scratch);
}

static void get_ins(struct orr_reader *in, struct orr_arena *arena,
                    struct orr_order *order)
{
    order->n_ins = get_count(in);
    struct orr_command_in *ins =
        orr_arena_alloc(arena, (order->n_ins + 1) * sizeof *ins);
    for (uint32_t i = 0; i < order->n_ins; i++) {
        ins[i].written = get_text(in, arena);
        const unsigned char *at = orr_get_raw(in, ORR_BLOB_BYTES);
        if (at)
            orr_blob_decode(at, &ins[i].blob);
    }
    order->ins = ins;
}

static void get_outs(struct orr_reader *in, struct orr_arena *arena,
                     struct orr_order *order)
{
    order->n_outs = get_count(in);
    struct orr_command_out *outs =
        orr_arena_alloc(arena, (order->n_outs + 1) * sizeof *outs);
    for (uint32_t i = 0; i < order->n_outs; i++) {
        outs[i].written = get_text(in, arena);
        outs[i].kept = get_text(in, arena);
    }
    order->outs = outs;
}

orr_status orr_order_get(struct orr_reader *in, struct orr_arena *arena,
                         struct orr_order *order)
{
    *order = (struct orr_order) { 0 };
    order->function = get_text(in, arena);
    order->args = get_blob(in, &order->args_length);
    order->argv = get_texts(in, arena, &order->n_argv);
    order->env = get_texts(in, arena, &order->n_env);
    order->cwd = get_text(in, arena);
    get_ins(in, arena, order);
    get_outs(in, arena, order);
    order->n_exit_codes = get_count(in);
    int *codes = orr_arena_alloc(arena, (order->n_exit_codes + 1) * sizeof *codes);
    for (uint32_t i = 0; i < order->n_exit_codes; i++)
        codes[i] = (int)orr_get_u32(in);
    order->exit_codes = codes;
    order->keep_stdout = orr_get_u8(in) != 0;
    order->cores = orr_get_u32(in);
    order->timeout = orr_get_i64(in);
    order->memory = orr_get_i64(in);
    order->blobs_most = orr_get_u64(in);
    order->run_dir = get_text(in, arena);
    order->scratch = get_text(in, arena);
    return in->bad ? ORR_ERR_DATA : ORR_OK;
}

static void put_counters(struct orr_bytes *out, const struct orr_outcome *outcome)
{
    orr_put_u32(out, outcome->n_counters);
    for (uint32_t i = 0; i < outcome->n_counters; i++) {
        put_text(out, outcome->counters[i].name);
        orr_put_f64(out, outcome->counters[i].amount);
    }
}

void orr_outcome_put(struct orr_bytes *out, const struct orr_outcome *o)
{
    orr_put_u8(out, (uint8_t)o->failure);
    orr_put_i64(out, o->code);
    put_text(out, o->message);
    orr_put_string(out, o->error_tail, o->error_tail_length);
    put_text(out, o->warnings);
    orr_put_string(out, o->results, o->results_length);
    orr_put_string(out, o->rows, o->rows_length);
    orr_put_u32(out, o->n_rows);
    put_counters(out, o);
    orr_put_u32(out, o->n_made);
    for (uint32_t i = 0; i < o->n_made; i++)
        put_blob(out, &o->made[i]);
    orr_put_string(out, o->output, o->output_length);
    orr_put_u64(out, o->blob_bytes);
    orr_put_i64(out, o->t_start);
    orr_put_i64(out, o->t_end);
    orr_put_i64(out, o->cpu_user);
    orr_put_i64(out, o->cpu_sys);
    orr_put_u64(out, o->max_rss);
}

static void get_counters(struct orr_reader *in, struct orr_arena *arena,
                         struct orr_outcome *o)
{
    o->n_counters = get_count(in);
    if (o->n_counters > ORR_COUNTERS_MAX)
        in->bad = true;
    for (uint32_t i = 0; i < o->n_counters && !in->bad; i++) {
        const char *name = get_text(in, arena);
        if (name)
            memccpy(o->counters[i].name, name, '\0', sizeof o->counters[i].name - 1);
        o->counters[i].amount = orr_get_f64(in);
    }
}

static void get_made(struct orr_reader *in, struct orr_arena *arena,
                     struct orr_outcome *o)
{
    o->n_made = get_count(in);
    struct orr_blob *made = orr_arena_alloc(arena, (o->n_made + 1) * sizeof *made);
    for (uint32_t i = 0; i < o->n_made; i++) {
        const unsigned char *at = orr_get_raw(in, ORR_BLOB_BYTES);
        if (at)
            orr_blob_decode(at, &made[i]);
    }
    o->made = made;
}

orr_status orr_outcome_get(struct orr_reader *in, struct orr_arena *arena,
                           struct orr_outcome *o)
{
    *o = (struct orr_outcome) { .failure = (enum orr_fail_kind)orr_get_u8(in) };
    o->code = orr_get_i64(in);
    o->message = get_text(in, arena);
    o->error_tail = orr_get_string(in, &o->error_tail_length);
    o->warnings = get_text(in, arena);
    o->results = get_blob(in, &o->results_length);
    o->rows = get_blob(in, &o->rows_length);
    o->n_rows = orr_get_u32(in);
    get_counters(in, arena, o);
    get_made(in, arena, o);
    const char *output = orr_get_string(in, &o->output_length);
    o->output = orr_arena_strndup(arena, output ? output : "", o->output_length);
    o->blob_bytes = orr_get_u64(in);
    o->t_start = orr_get_i64(in);
    o->t_end = orr_get_i64(in);
    o->cpu_user = orr_get_i64(in);
    o->cpu_sys = orr_get_i64(in);
    o->max_rss = orr_get_u64(in);
    return in->bad || o->failure > ORR_FAIL_IO ? ORR_ERR_DATA : ORR_OK;
}

const char *orr_memory_message(struct orr_arena *arena, const char *what, uint64_t used,
                               uint64_t limit)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "%s used ", what);
    orr_size_print(&text, used);
    orr_text_puts(&text, " of memory, more than its limit of ");
    orr_size_print(&text, limit);
    const char *kept = orr_arena_strdup(arena, text.s);
    orr_text_release(&text);
    return kept;
}

const char *orr_blobs_message(struct orr_arena *arena, const char *what, uint64_t bytes,
                              uint64_t limit)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "%s returns blobs of ", what);
    orr_size_print(&text, bytes);
    orr_text_puts(&text, ", and blobs pass through memory: ");
    orr_size_print(&text, limit);
    orr_text_puts(&text, " are allowed here, a quarter of it; return a path instead");
    const char *kept = orr_arena_strdup(arena, text.s);
    orr_text_release(&text);
    return kept;
}

const char *orr_oom_message(struct orr_arena *arena, const char *what)
{
    return orr_arena_printf(arena,
                            "%s was killed by the kernel: memory ran out, that of its "
                            "control group or of the node",
                            what);
}
