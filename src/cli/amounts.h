/* amounts.h - options with a unit: 5s, 1.5GB, 50% */
#ifndef ORR_CLI_AMOUNTS_H
#define ORR_CLI_AMOUNTS_H

#include "cli/command.h"

/* The value of an option, or `fallback` when it was not given. False after a message on
 * standard error. Negative amounts are none. */
bool orri_seconds(const struct orr_line *line, const char *name, double fallback,
                  double *out); /* 20us, 5ms, 1.5s, 2min, 3h, 1d */
bool orri_bytes(const struct orr_line *line, const char *name, double fallback,
                double *out); /* 1500, 1.5MB, 1GiB */
bool orri_part(const struct orr_line *line, const char *name, double fallback,
               double *out); /* 50% or 0.5: 0.5 */

/* The same of a text; false when it is none. *end, when not NULL, is behind it. */
bool orri_seconds_in(const char *text, const char **end, double *out);
bool orri_bytes_in(const char *text, const char **end, double *out);

#endif
