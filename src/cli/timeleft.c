/* timeleft.c - the end of the allocation
 * Owns: nothing. Hands on: times as Slurm writes them (slurm). */
#include "cli/timeleft.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/batch.h"
#include "link/link.h"
#include "slurm/slurm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Slurm ---- */

static int64_t earlier(int64_t a, int64_t b) { return a && (!b || a < b) ? a : b; }

static bool in_slurm(void)
{
    const char *job = getenv("SLURM_JOB_ID");
    return job && *job;
}

/* From Slurm 24.05 on, as it was when the job began. */
static int64_t end_in_environment(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME");
    char *rest = NULL;
    errno = 0;
    long long seconds = text ? strtoll(text, &rest, 10) : 0;
    bool good = text && rest != text && *rest == '\0' && errno == 0 && seconds > 0 &&
                seconds < INT64_MAX / ORR_SECOND;
    return good ? seconds * ORR_SECOND : 0;
}

/* What the time limit leaves, and the end that Slurm has in mind, which comes nearer
 * when a job is preempted. */
static int64_t read_answer(char *text)
{
    char *rest = NULL;
    char *blank = text + strcspn(text, " \n");
    long long end = strtoll(blank, &rest, 10);
    int64_t left = 0;
    bool named = rest != blank && strchr(" \n", *rest) && end > 0 &&
                 end < INT64_MAX / ORR_SECOND;
    *blank = '\0';
    int64_t limit =
        orr_slurm_time(text, &left) ? orr_clock_wall() + left * ORR_SECOND : 0;
    return named ? earlier(end * ORR_SECOND, limit) : limit;
}

/* False: it does not say. */
static bool ask_slurm(int64_t *end)
{
    char *job = orri_batch_own_job();
    char *argv[] = { "env",
                     "SLURM_TIME_FORMAT=%s",
                     "squeue",
                     "--noheader",
                     "--format=%L %e",
                     "--jobs",
                     job,
                     NULL };
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_text messages = ORR_TEXT_INIT;
    bool good = orri_program_within(argv, ORRI_ASK_SECONDS, &out, &messages) == 0;
    bool endless = good && strncmp(out.s, "UNLIMITED", 9) == 0;
    *end = good ? read_answer(out.s) : 0;
    free(job);
    orr_text_release(&out);
    orr_text_release(&messages);
    return endless || *end;
}

/* ---- both ---- */

/* What the launcher said; false: there is none. */
static bool read_export(struct orri_time *time)
{
    const char *text = orr_mpi_launched() ? getenv(ORRI_END) : NULL;
    if (!text)
        return false;
    time->end = strtoll(text, NULL, 10);
    return true;
}

struct orri_time orri_time_ask(double limit)
{
    struct orri_time time = { 0 };
    int64_t slurms = 0;
    time.by_hand = limit > 0 ? orr_clock_wall() + (int64_t)(limit * 1e9) : 0;
    time.timed = in_slurm() || limit > 0;
    time.yields = in_slurm() && !(limit > 0);
    if (read_export(&time))
        return time;
    if (in_slurm()) {
        slurms = end_in_environment();
        if (!slurms)
            (void)ask_slurm(&slurms);
    }
    time.asked = orr_clock_wall();
    time.end = earlier(time.by_hand, slurms);
    return time;
}

/* ---- from the launcher to rank 0 ---- */

void orri_time_export(const struct orri_time *time)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, time->end);
    (void)setenv(ORRI_END, text, 1);
}

static void name_file(const char *exit_file, struct orr_text *out)
{
    orr_text_printf(out, "%s.end", exit_file);
}

static void tell(const struct orri_time *time, const char *exit_file)
{
    struct orr_text path = ORR_TEXT_INIT;
    char text[64];
    name_file(exit_file, &path);
    int length =
        snprintf(text, sizeof text, "%" PRId64 " %ld\n", time->end, time->answered);
    (void)orr_file_write(path.s, text, (size_t)length, false, NULL);
    orr_text_release(&path);
}

void orri_time_untell(const char *exit_file)
{
    struct orr_text path = ORR_TEXT_INIT;
    name_file(exit_file, &path);
    (void)unlink(path.s);
    orr_text_release(&path);
}

enum {
    ASK_SECONDS = 300,
    ASK_SOON_SECONDS = 60, /* when it is */
    SOON_SECONDS = 900,
    SAME_SECONDS = 5,  /* Slurm tells whole seconds */
    STALL_SECONDS = 5, /* we were suspended: so was the time */
    EARLY_SECONDS = 90 /* Slurm signals up to a minute before it should */
};

/* False: Slurm does not say. `time` changes when that is new. */
static bool ask_again(struct orri_time *time)
{
    int64_t end = 0;
    time->asked = orr_clock_wall();
    if (!in_slurm() || !ask_slurm(&end))
        return false;
    end = earlier(time->by_hand, end);
    int64_t by = end > time->end ? end - time->end : time->end - end;
    if (by > SAME_SECONDS * ORR_SECOND)
        time->end = end;
    return true;
}

void orri_time_follow(struct orri_time *time, const char *exit_file)
{
    int64_t now = orr_clock_wall();
    int64_t before = time->end;
    bool soon = time->end && time->end - now < SOON_SECONDS * ORR_SECOND;
    int64_t pause = (soon ? ASK_SOON_SECONDS : ASK_SECONDS) * ORR_SECOND;
    bool stood_still = time->looked && now - time->looked > STALL_SECONDS * ORR_SECOND;
    time->looked = now;
    if (!in_slurm() || (now - time->asked < pause && !stood_still))
        return;
    if (ask_again(time) && time->end != before)
        tell(time, exit_file);
}

/* The signal is about the time limit, or about an end that has come nearer
 * (preemption); else somebody wants the run to end. */
void orri_time_warned(struct orri_time *time, const char *exit_file, long grace)
{
    int64_t before = time->end;
    if (!ask_again(time) || !time->end)
        return;
    int64_t left = time->end - orr_clock_wall();
    if (time->end >= before && left > (grace + EARLY_SECONDS) * ORR_SECOND)
        return;
    time->answered++;
    tell(time, exit_file);
}

/* ---- rank 0 ---- */

bool orri_time_hear(struct orri_time *time, const char *exit_file)
{
    struct orr_text path = ORR_TEXT_INIT;
    struct orr_text text = ORR_TEXT_INIT;
    struct orri_time before = *time;
    char *rest = NULL;
    name_file(exit_file, &path);
    if (orr_file_read(path.s, 100, &text, NULL) == ORR_OK && text.s) {
        time->end = strtoll(text.s, &rest, 10);
        time->answered = strtol(rest, NULL, 10);
    }
    orr_text_release(&path);
    orr_text_release(&text);
    return time->end != before.end || time->answered != before.answered;
}
