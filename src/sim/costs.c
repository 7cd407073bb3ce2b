/* costs.c - the file of costs; owns nothing */
#include "sim/costs.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cost {
    const char *name;
    size_t at;
    const char *text;
} table[] = {
#define X(name, value, text) { #name, offsetof(struct orr_sim_costs, name), text },
    ORR_SIM_COSTS(X)
#undef X
};
enum { N_COSTS = sizeof table / sizeof *table };

static double *cost_at(struct orr_sim_costs *costs, size_t i)
{
    return (double *)((char *)costs + table[i].at);
}

struct orr_sim_costs orr_sim_costs_default(void)
{
    return (struct orr_sim_costs) {
#define X(name, value, text) .name = (value),
        ORR_SIM_COSTS(X)
#undef X
    };
}

static bool set(struct orr_sim_costs *costs, const char *name, size_t length,
                double value)
{
    for (size_t i = 0; i < N_COSTS; i++)
        if (strlen(table[i].name) == length &&
            strncmp(table[i].name, name, length) == 0) {
            *cost_at(costs, i) = value;
            return true;
        }
    return false;
}

/* "name: value", a comment, or nothing. */
static bool read_line(struct orr_sim_costs *costs, const char *line)
{
    line += strspn(line, " \t\r");
    size_t length = strcspn(line, ": \t\r\n#");
    if (length == 0)
        return *line != ':';
    const char *at = line + length + strspn(line + length, " \t");
    if (*at != ':')
        return false;
    char *end = NULL;
    double value = strtod(at + 1, &end);
    end += strspn(end, " \t\r");
    return end != at + 1 && (*end == '\0' || *end == '\n' || *end == '#') &&
           isfinite(value) && value >= 0 && set(costs, line, length, value);
}

orr_status orr_sim_costs_read(const char *path, struct orr_sim_costs *costs,
                              struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_status status = orr_file_read(path, 64 * 1024, &text, err);
    uint32_t number = 1;
    for (char *at = text.s; status == ORR_OK && at && *at; number++) {
        size_t length = strcspn(at, "\n");
        if (!read_line(costs, at))
            status = orr_error_set(
                err, ORR_ERR_INPUT, (struct orr_span) { path, number, 1 },
                "'%.*s' is no cost; a line is NAME: NUMBER, with the names that "
                "`orrery bench calibrate` prints",
                (int)(length < 60 ? length : 60), at);
        at += length + (at[length] == '\n');
    }
    orr_text_release(&text);
    return status;
}

void orr_sim_costs_print(const struct orr_sim_costs *costs, struct orr_text *out)
{
    struct orr_sim_costs copy = *costs;
    for (size_t i = 0; i < N_COSTS; i++)
        orr_text_printf(out, "%s: %.6g # %s\n", table[i].name, *cost_at(&copy, i),
                        table[i].text);
}
