/* sessions.c - the sessions of a run, and what became of their core-seconds
 * Owns: the columns of the table. Hands on: what each left (view/status). */
#include "record/internal.h"

#include <string.h>

/* How a session ended that did not say so: it was killed, or is still on. */
static const char *state_of(const struct orri_recorder *r,
                            const struct orr_run_status *s, bool newest)
{
    if (newest)
        return r->setup->state;
    return orr_run_state_exit_code(s->state) < 0 ? "killed"
                                                 : orr_run_state_text(s->state);
}

/* Of the session that writes the file, what it knows; else what is written of it. */
static bool find_session(const struct orri_recorder *r, uint32_t epoch,
                         struct orr_run_status *out)
{
    const char *run_dir = r->setup->run_dir;
    if (r->setup->status && r->setup->status->epoch == epoch) {
        *out = *r->setup->status;
        return true;
    }
    if (orr_status_kept(run_dir, epoch, out, NULL) == ORR_OK)
        return true;
    return orr_status_read(run_dir, out, NULL) == ORR_OK && out->epoch == epoch;
}

/* The same whether it is made of the session or of what that left. */
static struct orr_value core_time(double seconds)
{
    return orr_float(orr_status_seconds(seconds));
}

static orr_status session_row(struct orri_recorder *r, struct orr_runtable *table,
                              const struct orr_run_status *s)
{
    const char *state = state_of(r, s, s->epoch == r->info.epoch);
    bool killed = strcmp(state, "killed") == 0; /* what ran then is lost */
    struct orr_value row[] = {
        orr_int(s->epoch),
        orri_text(r, state),
        orri_text(r, s->host),
        orri_unix_time(s->started),
        orr_float((double)(s->updated - s->started) / 1e9),
        orr_int(s->nodes),
        orr_int(s->cores),
        orr_int(s->lost_nodes),
        orr_int((int64_t)s->done),
        orr_int((int64_t)s->failed_attempts),
        core_time(s->useful_seconds),
        core_time(s->failed_seconds),
        core_time(s->lost_seconds + (killed ? s->running_seconds : 0)),
        core_time(s->idle_seconds),
        core_time(s->suspended_seconds),
        orri_text(r, s->message),
    };
    orr_status status = orr_runtable_row(table, row, r->err);
    orr_arena_reset(&r->arena);
    return status;
}

orr_status orri_record_sessions(struct orri_recorder *r)
{
    const struct orr_table_column columns[] = {
        ORRI_COLUMN("session", INT, NULL, "its number, the epoch of its attempts"),
        ORRI_COLUMN("state", STRING, NULL, "how it ended; running: it has not"),
        ORRI_COLUMN("host", STRING, NULL, "of rank 0"),
        ORRI_COLUMN("start", FLOAT, "s", "since 1970, UTC"),
        ORRI_COLUMN("seconds", FLOAT, "s", "from there to what was last heard of it"),
        ORRI_COLUMN("nodes", INT, NULL, "that were its own"),
        ORRI_COLUMN("cores", INT, NULL, "at its end"),
        ORRI_COLUMN("lost_nodes", INT, NULL, "that died, or fell silent"),
        ORRI_COLUMN("done", INT, NULL, "tasks that were done at its end"),
        ORRI_COLUMN("failed_attempts", INT, NULL, "in this session"),
        ORRI_COLUMN("useful", FLOAT, "s", "core-seconds of attempts that count"),
        ORRI_COLUMN("failed", FLOAT, "s", "core-seconds of attempts that failed"),
        ORRI_COLUMN("lost", FLOAT, "s",
                    "core-seconds of attempts that were cut off, or made twice"),
        ORRI_COLUMN("idle", FLOAT, "s", "core-seconds without an attempt"),
        ORRI_COLUMN("suspended", FLOAT, "s", "that rank 0 stood still"),
        ORRI_COLUMN("message", STRING, NULL, "why it ended as it did"),
    };
    struct orr_runtable *table =
        orr_runfile_table(r->file, "sessions",
                          "the sessions of this run, and what became of the time of "
                          "their cores",
                          columns, sizeof columns / sizeof *columns);
    orr_status status = ORR_OK;
    for (uint32_t epoch = 1; epoch <= r->info.epoch && status == ORR_OK; epoch++) {
        struct orr_run_status s;
        if (find_session(r, epoch, &s))
            status = session_row(r, table, &s);
    }
    return status;
}
