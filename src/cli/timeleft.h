/* timeleft.h - when the time of a run is over: from Slurm, or by hand */
#ifndef ORR_CLI_TIMELEFT_H
#define ORR_CLI_TIMELEFT_H

#include <stdbool.h>
#include <stdint.h>

/* Wall ns; 0: there is no end, or nobody knows it. */
struct orri_time {
    int64_t end;
    int64_t by_hand; /* the end that --time-limit sets */
    bool timed;      /* there is an end, or there may be one */
    bool yields;     /* it is Slurm's, which does not count suspended time */
    long answered;   /* so many warnings are in that */
    long taken;      /* by rank 0, of these */
    int64_t asked;   /* when Slurm was */
    int64_t looked;
};

/* From `limit`, seconds by hand or 0, and what Slurm says now. In ranks that a launcher
 * of ours started: what that told them. */
struct orri_time orri_time_ask(double limit);

/* From the launcher to rank 0, before it starts, and while it runs, by way of a file
 * beside that of the exit code. */
void orri_time_export(const struct orri_time *time);
void orri_time_untell(const char *exit_file);
/* Once in a while, and when we stood still, Slurm is asked again, and what is new told.
 */
void orri_time_follow(struct orri_time *time, const char *exit_file);
/* A signal says that the end is near: how near, does Slurm know? It is told, before the
 * signal is passed on. `grace`: what it would be if Slurm does not. */
void orri_time_warned(struct orri_time *time, const char *exit_file, long grace);

/* In rank 0: was another end told? */
bool orri_time_hear(struct orri_time *time, const char *exit_file);

#define ORRI_END "ORRERY_END" /* wall ns, in the environment */

#endif
