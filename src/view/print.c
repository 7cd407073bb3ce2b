/* print.c - a run's state for people: status, progress line, summary
 * Owns: the progress line on the terminal. */
#include "view/status.h"

#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static double elapsed(const struct orr_run_status *s)
{
    return (double)(s->updated - s->started) / 1e9;
}

static void print_core_time(const double seconds[4], struct orr_text *out)
{
    static const char *const names[] = { "useful", "lost", "failed", "idle" };
    for (int i = 0; i < 4; i++) {
        char text[ORR_TIME_TEXT];
        if (i > 1 && seconds[i] < 0.05)
            continue;
        orr_duration_text(seconds[i], text);
        orr_text_printf(out, "%s%s %s", i ? ", " : "", text, names[i]);
    }
    orr_text_puts(out, "\n");
}

/* What became of the time that the cores were ours; `before`: in front of each line. */
static void print_core_times(const struct orr_run_status *s, const char *before,
                             struct orr_text *out)
{
    const double now[] = { s->useful_seconds, s->lost_seconds, s->failed_seconds,
                           s->idle_seconds };
    const double all[] = { now[0] + s->past_useful_seconds,
                           now[1] + s->past_lost_seconds,
                           now[2] + s->past_failed_seconds,
                           now[3] + s->past_idle_seconds };
    if (s->core_seconds > 0) {
        orr_text_puts(out, before);
        print_core_time(now, out);
    }
    if (!s->past_sessions)
        return;
    orr_text_printf(out, "%sall %u sessions", before, s->past_sessions + 1);
    if (s->past_killed)
        orr_text_printf(out, ", %u of them killed", s->past_killed);
    orr_text_puts(out, ": ");
    print_core_time(all, out);
}

static void print_stage(const struct orr_stage *stage, struct orr_text *out)
{
    orr_text_printf(out, "  %-20s %8" PRIu64 " of %-8" PRIu64, stage->name, stage->done,
                    stage->total);
    if (stage->done > stage->reused)
        orr_text_printf(out, "  mean %.3g s",
                        stage->wall / (double)(stage->done - stage->reused));
    if (stage->reused)
        orr_text_printf(out, "  %" PRIu64 " reused", stage->reused);
    if (stage->failed)
        orr_text_printf(out, "  %" PRIu64 " failed attempt%s", stage->failed,
                        stage->failed == 1 ? "" : "s");
    if (stage->waits_for[0])
        orr_text_printf(out, "  waits for %s", stage->waits_for);
    orr_text_puts(out, "\n");
}

void orr_status_print(const struct orr_run_status *s, bool alive, struct orr_text *out)
{
    char when[ORR_TIME_TEXT];
    char took[ORR_TIME_TEXT];
    bool over = orr_run_state_exit_code(s->state) >= 0;
    orr_clock_text(s->started, when);
    orr_duration_text(elapsed(s), took);
    orr_text_printf(out, "%s: %s%s\n", s->name, orr_run_state_text(s->state),
                    over || alive ? "" : ", but nobody works on it: resume it");
    orr_text_printf(out, "workflow %s, run %s, started %s on %s, %s%s\n", s->workflow,
                    s->run_id, when, s->host, took, over ? "" : " so far");
    orr_text_printf(out, "tasks: %" PRIu64 " of %" PRIu64 " done", s->done, s->tasks);
    if (!over)
        orr_text_printf(out, ", %" PRIu64 " running, %" PRIu64 " waiting", s->in_flight,
                        s->waiting);
    orr_text_printf(out, "\ncores: %u of %u busy on %u node%s\n", s->busy_cores,
                    s->cores, s->nodes, s->nodes == 1 ? "" : "s");
    if (s->lost_nodes)
        orr_text_printf(out, "lost: %u node%s\n", s->lost_nodes,
                        s->lost_nodes == 1 ? "" : "s");
    if (s->set_aside)
        orr_text_printf(out,
                        "set aside: %s: attempts that failed there succeeded "
                        "elsewhere\n",
                        s->set_aside_nodes);
    print_core_times(s, "core time: ", out);
    for (uint32_t i = 0; i < s->n_stages; i++)
        if (s->stages[i].total)
            print_stage(&s->stages[i], out);
    if (s->requests > 1)
        orr_text_printf(out, "requests: %u succeeded, %u failed, of %u\n", s->succeeded,
                        s->failed_requests, s->requests);
    if (s->message[0])
        orr_text_printf(out, "%s\n", s->message);
}

/* ---- progress ---- */

struct orr_progress {
    FILE *out;
    uint32_t columns;
    bool quiet;
    bool open; /* a line without its end stands on the terminal */
    int64_t shown;
    int64_t plain_wait; /* ns between plain lines, growing */
};

struct orr_progress *orr_progress_new(FILE *out, uint32_t columns, bool quiet)
{
    struct orr_progress *progress = orr_alloc(1, sizeof *progress);
    *progress = (struct orr_progress) {
        .out = out, .columns = columns, .quiet = quiet, .plain_wait = ORR_SECOND
    };
    return progress;
}

static void line_of(const struct orr_run_status *s, struct orr_text *out)
{
    char took[ORR_TIME_TEXT];
    char left[ORR_TIME_TEXT];
    orr_duration_text(elapsed(s), took);
    orr_text_printf(out, "[%s]", took);
    if (s->state == ORR_RUN_STARTING) {
        orr_text_puts(out, " starting");
        return;
    }
    for (uint32_t i = 0; i < s->n_stages; i++)
        if (s->stages[i].total)
            orr_text_printf(out, " %s %" PRIu64 "/%" PRIu64, s->stages[i].name,
                            s->stages[i].done, s->stages[i].total);
    double frames = orr_status_counter(s, "frames_encoded");
    if (frames > 0 && elapsed(s) > 0)
        orr_text_printf(out, " | %.1f frames/s", frames / elapsed(s));
    else if (s->done > s->reused && elapsed(s) > 0)
        orr_text_printf(out, " | %.1f tasks/s",
                        (double)(s->done - s->reused) / elapsed(s));
    orr_text_printf(out, " | %u/%u cores", s->busy_cores, s->cores);
    double eta = orr_status_eta(s);
    if (eta >= 0) {
        orr_duration_text(eta, left);
        orr_text_printf(out, " | %s left", left);
    }
    if (s->failed_attempts)
        orr_text_printf(out, " | %" PRIu64 " failed attempts", s->failed_attempts);
}

void orr_progress_show(struct orr_progress *progress,
                       const struct orr_run_status *status)
{
    const int64_t longest_wait = 60 * ORR_SECOND;
    int64_t now = orr_clock_monotonic();
    if (progress->quiet)
        return;
    if (progress->columns == 0 && progress->shown &&
        now - progress->shown < progress->plain_wait)
        return;
    struct orr_text line = ORR_TEXT_INIT;
    line_of(status, &line);
    if (progress->columns) {
        size_t width = progress->columns - 1;
        (void)fprintf(progress->out, "\r%.*s\033[K", (int)width, line.s);
        progress->open = true;
    } else {
        (void)fprintf(progress->out, "%s\n", line.s);
        if (progress->shown && progress->plain_wait < longest_wait)
            progress->plain_wait *= 2;
    }
    (void)fflush(progress->out);
    progress->shown = now;
    orr_text_release(&line);
}

void orr_progress_break(struct orr_progress *progress)
{
    if (progress->open)
        (void)fputc('\n', progress->out);
    progress->open = false;
}

void orr_progress_free(struct orr_progress *progress) { free(progress); }

/* ---- summary ---- */

static void summarise_media(const struct orr_run_status *s, struct orr_text *out)
{
    double encoded = orr_status_counter(s, "frames_encoded");
    double decoded = orr_status_counter(s, "frames_decoded");
    if (encoded <= 0)
        return;
    orr_text_printf(
        out, "frames      %.0f encoded (%.1f frames/s), %.0f decoded (%.2f a frame)\n",
        encoded, elapsed(s) > 0 ? encoded / elapsed(s) : 0, decoded, decoded / encoded);
}

void orr_status_summary(const struct orr_run_status *s, struct orr_text *out)
{
    char took[ORR_TIME_TEXT];
    orr_duration_text(elapsed(s), took);
    orr_text_printf(out, "%s: %s in %s\n", s->name, orr_run_state_text(s->state), took);
    for (uint32_t i = 0; i < s->n_stages; i++)
        if (s->stages[i].total)
            print_stage(&s->stages[i], out);
    summarise_media(s, out);
    orr_text_printf(out, "CPU         %.4f core-hours in functions\n",
                    s->cpu_seconds / 3600);
    if (s->core_seconds > 0)
        orr_text_printf(out,
                        "efficiency  %.1f %% (core time in attempts / %u cores x %s)\n",
                        100 * s->busy_seconds / s->core_seconds, s->cores, took);
    print_core_times(s, "core time   ", out);
    if (s->set_aside)
        orr_text_printf(out,
                        "set aside   %s: attempts that failed there succeeded "
                        "elsewhere\n",
                        s->set_aside_nodes);
    if (s->poisoned)
        orr_text_printf(out,
                        "poisoned    %u task%s that took three workers down, not tried "
                        "again\n",
                        s->poisoned, s->poisoned == 1 ? "" : "s");
    if (s->forgiven)
        orr_text_printf(out,
                        "forgiven    %" PRIu64
                        " failed attempt%s on nodes where others "
                        "had failed, made elsewhere\n",
                        s->forgiven, s->forgiven == 1 ? "" : "s");
    if (s->twins)
        orr_text_printf(out,
                        "stragglers  %" PRIu64
                        " attempt%s made on a second node as well, "
                        "which was faster %" PRIu64 " time%s\n",
                        s->twins, s->twins == 1 ? "" : "s", s->twins_won,
                        s->twins_won == 1 ? "" : "s");
    orr_text_printf(
        out, "overhead    coordinator %.2f s of CPU, agents and workers %.2f s\n",
        s->coordinator_cpu, s->agents_cpu);
    orr_text_printf(out, "stored      %.2f MiB in shards\n",
                    (double)s->stored_bytes / 1048576);
}
