/* status.c - the state of a run as JSON and as words; owns nothing */
#include "view/status.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    int code;
} states[] = {
#define X(id, text, code) [ORR_RUN_##id] = { text, code },
    ORR_RUN_STATES(X)
#undef X
};

enum { N_STATES = sizeof states / sizeof *states };

const char *orr_run_state_text(enum orr_run_state state) { return states[state].text; }
int orr_run_state_exit_code(enum orr_run_state state) { return states[state].code; }

void orr_status_count(struct orr_run_status *status, const char *counter, double amount)
{
    uint32_t i = 0;
    while (i < status->n_counters && strcmp(status->counters[i].name, counter) != 0)
        i++;
    if (i == ORR_STATUS_COUNTERS)
        return;
    if (i == status->n_counters) {
        (void)snprintf(status->counters[i].name, sizeof status->counters[i].name, "%s",
                       counter);
        status->n_counters++;
    }
    status->counters[i].amount += amount;
}

double orr_status_counter(const struct orr_run_status *status, const char *counter)
{
    for (uint32_t i = 0; i < status->n_counters; i++)
        if (strcmp(status->counters[i].name, counter) == 0)
            return status->counters[i].amount;
    return 0;
}

/* Every number and text of the record that stands in status.json, by name. */
/* clang-format off */
#define TEXT_FIELDS(X) X(run_id) X(name) X(workflow) X(message) X(host)          \
    X(set_aside_nodes)
#define COUNT_FIELDS(X)                                                              \
    X(epoch) X(pid) X(requests) X(succeeded) X(failed_requests) X(tasks) X(done)     \
    X(failed_attempts) X(reused) X(in_flight) X(waiting) X(nodes) X(lost_nodes)      \
    X(cores) X(busy_cores) X(stored_bytes) X(taken_back) X(twins) X(twins_won)  \
    X(set_aside) X(forgiven) X(poisoned) X(past_sessions) X(past_killed) X(guests)
#define REAL_FIELDS(X)                                                               \
    X(cpu_seconds) X(busy_seconds) X(core_seconds) X(coordinator_cpu) X(agents_cpu)  \
    X(work_seconds) X(dispatch_seconds) X(useful_seconds) X(failed_seconds) X(lost_seconds)              \
    X(running_seconds) X(idle_seconds) X(suspended_seconds) X(past_useful_seconds)   \
    X(past_failed_seconds) X(past_lost_seconds) X(past_idle_seconds)
/* clang-format on */

/* What was under way when a session was killed is lost with it: as of a second before.
 */
void orr_status_continue(struct orr_run_status *status,
                         const struct orr_run_status *last)
{
    bool killed = orr_run_state_exit_code(last->state) < 0;
    status->past_sessions = last->past_sessions + 1;
    status->past_killed = last->past_killed + killed;
    status->past_useful_seconds = last->past_useful_seconds + last->useful_seconds;
    status->past_failed_seconds = last->past_failed_seconds + last->failed_seconds;
    status->past_lost_seconds =
        last->past_lost_seconds + last->lost_seconds + last->running_seconds;
    status->past_idle_seconds = last->past_idle_seconds + last->idle_seconds;
}

double orr_status_seconds(double seconds) { return round(seconds * 1e6) / 1e6; }

static json_t *stages_json(const struct orr_run_status *status)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < status->n_stages; i++) {
        const struct orr_stage *s = &status->stages[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:s}", "name", s->name,
                            "total", (json_int_t)s->total, "done", (json_int_t)s->done,
                            "failed_attempts", (json_int_t)s->failed, "reused",
                            (json_int_t)s->reused, "wall_seconds",
                            orr_status_seconds(s->wall), "cpu_seconds",
                            orr_status_seconds(s->cpu), "waits_for", s->waits_for));
    }
    return list;
}

static json_t *counters_json(const struct orr_run_status *status)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < status->n_counters; i++)
        (void)json_object_set_new(object, status->counters[i].name,
                                  json_real(status->counters[i].amount));
    return object;
}

void orr_status_json(const struct orr_run_status *status, struct orr_text *out)
{
    char started[ORR_TIME_TEXT];
    char updated[ORR_TIME_TEXT];
    orr_clock_text(status->started, started);
    orr_clock_text(status->updated, updated);
    json_t *object = json_object();
    (void)json_object_set_new(object, "state", json_string(states[status->state].text));
    (void)json_object_set_new(object, "exit_code",
                              json_integer(states[status->state].code));
#define X(field)                                                                       \
    (void)json_object_set_new(object, #field, json_string_nocheck(status->field));
    TEXT_FIELDS(X)
#undef X
    (void)json_object_set_new(object, "started", json_string(started));
    (void)json_object_set_new(object, "updated", json_string(updated));
    (void)json_object_set_new(object, "started_ns", json_integer(status->started));
    (void)json_object_set_new(object, "updated_ns", json_integer(status->updated));
#define X(field)                                                                       \
    (void)json_object_set_new(object, #field, json_integer((json_int_t)status->field));
    COUNT_FIELDS(X)
#undef X
#define X(field)                                                                       \
    (void)json_object_set_new(object, #field,                                          \
                              json_real(orr_status_seconds(status->field)));
    REAL_FIELDS(X)
#undef X
    double eta = orr_status_eta(status);
    (void)json_object_set_new(object, "eta_seconds",
                              eta < 0 ? json_null() : json_real(eta));
    (void)json_object_set_new(object, "stages", stages_json(status));
    (void)json_object_set_new(object, "counters", counters_json(status));
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    orr_text_puts(out, text ? text : "{}");
    orr_text_puts(out, "\n");
    free(text);
    json_decref(object);
}

static char *status_path(const char *run_dir)
{
    return orr_path_join(run_dir, "status.json");
}

/* Of a session before the newest one. */
static char *kept_path(const char *run_dir, uint32_t epoch)
{
    struct orr_text path = ORR_TEXT_INIT;
    orr_text_printf(&path, "%s/sessions/%" PRIu32 ".json", run_dir, epoch);
    return path.s;
}

static orr_status write_to(const char *path, const struct orr_run_status *status,
                           struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_status_json(status, &text);
    orr_status result = orr_file_write(path, text.s, text.length, false, err);
    orr_text_release(&text);
    return result;
}

orr_status orr_status_write(const char *run_dir, const struct orr_run_status *status,
                            struct orr_error *err)
{
    char *path = status_path(run_dir);
    orr_status result = write_to(path, status, err);
    free(path);
    return result;
}

orr_status orr_status_keep(const char *run_dir, const struct orr_run_status *last,
                           struct orr_error *err)
{
    char *path = kept_path(run_dir, last->epoch);
    char *directory = orr_path_directory(path);
    orr_status result = orr_mkdirs(directory, 0777, err);
    if (result == ORR_OK)
        result = write_to(path, last, err);
    free(directory);
    free(path);
    return result;
}

static void read_text(const json_t *object, const char *name, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(object, name));
    (void)snprintf(out, size, "%s", s ? s : "");
}

static int64_t read_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void read_stages(const json_t *object, struct orr_run_status *out)
{
    size_t at = 0;
    json_t *stage = NULL;
    json_array_foreach(json_object_get(object, "stages"), at, stage)
    {
        if (out->n_stages == ORR_STAGES_MAX)
            return;
        struct orr_stage *s = &out->stages[out->n_stages++];
        read_text(stage, "name", s->name, sizeof s->name);
        s->total = (uint64_t)read_int(stage, "total");
        s->done = (uint64_t)read_int(stage, "done");
        s->failed = (uint64_t)read_int(stage, "failed_attempts");
        s->reused = (uint64_t)read_int(stage, "reused");
        s->wall = json_number_value(json_object_get(stage, "wall_seconds"));
        s->cpu = json_number_value(json_object_get(stage, "cpu_seconds"));
        read_text(stage, "waits_for", s->waits_for, sizeof s->waits_for);
    }
}

static void read_object(json_t *object, struct orr_run_status *out)
{
    const char *state = json_string_value(json_object_get(object, "state"));
    for (int i = 0; state && i < N_STATES; i++)
        if (strcmp(state, states[i].text) == 0)
            out->state = (enum orr_run_state)i;
#define X(field) read_text(object, #field, out->field, sizeof out->field);
    TEXT_FIELDS(X)
#undef X
#define X(field) out->field = (__typeof__(out->field))read_int(object, #field);
    COUNT_FIELDS(X)
#undef X
#define X(field) out->field = json_number_value(json_object_get(object, #field));
    REAL_FIELDS(X)
#undef X
    out->started = read_int(object, "started_ns");
    out->updated = read_int(object, "updated_ns");
    read_stages(object, out);
    const char *name = NULL;
    json_t *amount = NULL;
    json_object_foreach(json_object_get(object, "counters"), name, amount)
        orr_status_count(out, name, json_number_value(amount));
}

enum { STATUS_MAX = 1 << 20 };

static orr_status read_from(const char *path, struct orr_run_status *out,
                            struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    *out = (struct orr_run_status) { 0 };
    orr_status status = orr_file_read(path, STATUS_MAX, &text, err);
    json_error_t bad;
    json_t *object = status == ORR_OK ? json_loadb(text.s, text.length, 0, &bad) : NULL;
    if (status == ORR_OK && !json_is_object(object))
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN, "%s is damaged", path);
    if (status == ORR_OK)
        read_object(object, out);
    json_decref(object);
    orr_text_release(&text);
    return status;
}

orr_status orr_status_read(const char *run_dir, struct orr_run_status *out,
                           struct orr_error *err)
{
    char *path = status_path(run_dir);
    orr_status status = read_from(path, out, err);
    free(path);
    return status;
}

orr_status orr_status_kept(const char *run_dir, uint32_t epoch,
                           struct orr_run_status *out, struct orr_error *err)
{
    char *path = kept_path(run_dir, epoch);
    orr_status status = read_from(path, out, err);
    free(path);
    return status;
}

/* Work left, at the mean cost of each stage's attempts, over the cores. Stages that
 * have not finished anything yet have no cost: then it is unknown. */
double orr_status_eta(const struct orr_run_status *status)
{
    double left = 0;
    if (orr_run_state_exit_code(status->state) >= 0) /* it is over */
        return status->state == ORR_RUN_SUCCEEDED ? 0 : -1;
    if (status->cores == 0 || status->done == 0)
        return -1;
    for (uint32_t i = 0; i < status->n_stages; i++) {
        const struct orr_stage *s = &status->stages[i];
        uint64_t ran = s->done - s->reused;
        if (s->done == s->total)
            continue;
        if (ran == 0)
            return -1;
        left += (double)(s->total - s->done) * s->wall / (double)ran;
    }
    return left / status->cores;
}
