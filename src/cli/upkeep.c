/* upkeep.c - orrery verify and orrery compact: is a run whole, and making it small */
#include "base/file.h"
#include "cli/tables.h"
#include "upkeep/compact.h"
#include "upkeep/verify.h"
#include "view/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- verify ---- */

static void print_line(struct orr_text *out, const char *line, size_t length, bool json,
                       bool first)
{
    if (json) {
        orr_text_puts(out, first ? "\n    " : ",\n    ");
        orr_text_json(out, line, length);
    } else {
        orr_text_puts(out, "damaged     ");
        orr_text_append(out, line, length);
        orr_text_puts(out, "\n");
    }
}

static void print_findings(struct orr_text *out, const struct orr_text *lines,
                           bool json)
{
    for (const char *at = lines->s; at && *at;) {
        size_t length = strcspn(at, "\n");
        print_line(out, at, length, json, at == lines->s);
        at += length + (at[length] == '\n');
    }
}

static void put_json(struct orr_text *out, const struct orr_verify_report *r)
{
    orr_text_printf(out,
                    "{\n  \"shards\": %" PRIu64 ",\n  \"indexes\": %" PRIu64
                    ",\n  \"attempts\": %" PRIu64 ",\n  \"bytes\": %" PRIu64
                    ",\n  \"findings\": [",
                    r->shards, r->indexes, r->attempts, r->bytes);
    print_findings(out, &r->lines, true);
    orr_text_puts(out, r->findings ? "\n  ],\n  \"lost\": [" : "],\n  \"lost\": [");
    for (size_t i = 0; i < r->n_costs; i++) {
        const struct orr_verify_cost *cost = &r->costs[i];
        orr_text_puts(out, i ? ",\n    {\"function\": " : "\n    {\"function\": ");
        orr_text_json(out, cost->function, strlen(cost->function));
        orr_text_printf(out, ", \"tasks\": %" PRIu64 ", \"seconds\": %.3f}",
                        cost->tasks, cost->seconds);
    }
    orr_text_printf(out, "%s],\n  \"unknown_attempts\": %" PRIu64 "\n}\n",
                    r->n_costs ? "\n  " : "", r->unknown);
}

static void put_text(struct orr_text *out, const struct orr_verify_report *r,
                     const char *run)
{
    print_findings(out, &r->lines, false);
    orr_text_printf(out,
                    "read        %" PRIu64 " attempts in %" PRIu64 " shards, %" PRIu64
                    " indexes, %.1f MB of results\n",
                    r->attempts, r->shards, r->indexes, (double)r->bytes / 1e6);
    for (size_t i = 0; i < r->n_costs; i++)
        orr_text_printf(out,
                        "lost        results of %" PRIu64
                        " task%s of %s, %.1f s of work: "
                        "`orrery resume --verify %s` makes them again\n",
                        r->costs[i].tasks, r->costs[i].tasks == 1 ? "" : "s",
                        r->costs[i].function, r->costs[i].seconds, run);
    if (r->unknown)
        orr_text_printf(out,
                        "lost        %" PRIu64 " attempt%s that cannot be told any "
                        "more; a resume makes again what is missing\n",
                        r->unknown, r->unknown == 1 ? "" : "s");
    if (r->only_run_file)
        orr_text_puts(out, "lost        no result\n");
    else if (r->findings && !r->n_costs && !r->unknown)
        orr_text_printf(
            out,
            "lost        no result; `orrery compact --force %s` leaves what is "
            "damaged behind\n",
            run);
    if (!r->findings && !r->n_costs)
        orr_text_puts(out, "whole       every checksum is right\n");
}

static int verify_main(const struct orr_line *line)
{
    struct orr_verify_report report = { .findings = 0 };
    struct orr_error err = { .code = ORR_OK };
    struct orr_text out = ORR_TEXT_INIT;
    int code = ORR_EXIT_OK;
    if (orr_run_verify(line->args[0], &report, &err) != ORR_OK) {
        code = orri_complain(&err);
    } else {
        if (orri_has(line, "json"))
            put_json(&out, &report);
        else
            put_text(&out, &report, line->args[0]);
        orr_text_print(stdout, out.s);
        code = report.findings || report.n_costs ? ORR_EXIT_FAILED : ORR_EXIT_OK;
    }
    orr_text_release(&out);
    orr_verify_report_release(&report);
    return code;
}

static const struct orr_option verify_options[] = {
    { "json", 0, NULL, "one JSON object", false },
    { 0 },
};

const struct orr_command_entry orri_verify = {
    .name = "verify",
    .arguments = "RUN",
    .summary = "check every checksum of a run, say what is damaged and what it costs",
    .details =
        "Reads all logs, indexes and run.h5, and changes nothing. Exit code 1 when "
        "something is\ndamaged. Results that are lost are made again by `orrery "
        "resume`.",
    .options = verify_options,
    .least = 1,
    .most = 1,
    .run = verify_main,
};

/* ---- compact ---- */

static void print_compacted(const char *run, const struct orr_compacted *c)
{
    (void)printf("kept        %" PRIu64 " attempts, dropped %" PRIu64 "\n"
                 "shards      %" PRIu64 " -> %" PRIu64 "\n"
                 "on disk     %.1f MB -> %.1f MB\n"
                 "run         %s\n",
                 c->kept, c->dropped, c->shards_before, c->shards_after,
                 (double)c->bytes_before / 1e6, (double)c->bytes_after / 1e6, run);
}

/* How the run ended stays true, though the newest shards are of an epoch without a
 * session; and run.h5 says where blobs are. */
static int follow(const char *run, uint32_t epoch)
{
    struct orr_run_status status;
    int code = ORR_EXIT_OK;
    char *path = orr_path_join(run, "run.h5");
    if (orr_status_read(run, &status, NULL) == ORR_OK &&
        orr_run_state_exit_code(status.state) >= 0) {
        status.epoch = epoch;
        (void)orr_status_write(run, &status, NULL);
    }
    if (access(path, F_OK) == 0)
        code = orri_tables_make("compact", run, path, ORRI_PLAIN);
    free(path);
    return code;
}

/* Before the run is touched at all: a session is begun for what is whole only. */
static orr_status check_whole(const char *run, struct orr_error *err)
{
    struct orr_verify_report report = { .findings = 0 };
    orr_status status = orr_run_verify(run, &report, err);
    if (status == ORR_OK && (report.findings || report.n_costs))
        status =
            orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                          "%s is damaged: see `orrery verify %s`; with --force what "
                          "is damaged is left behind",
                          run, run);
    orr_verify_report_release(&report);
    return status;
}

static int compact_main(const struct orr_line *line)
{
    struct orr_rundir *dir = NULL;
    struct orr_compacted done;
    struct orr_error err = { .code = ORR_OK };
    orr_status status = ORR_OK;
    if (!orri_has(line, "force"))
        status = check_whole(line->args[0], &err);
    if (status == ORR_OK)
        status = orr_rundir_open(line->args[0], &dir, &err);
    uint32_t epoch = status == ORR_OK ? orr_rundir_epoch(dir) : 0;
    if (status == ORR_OK)
        status = orr_run_compact(dir, orri_has(line, "force"), &done, &err);
    if (status == ORR_OK)
        print_compacted(line->args[0], &done);
    orr_rundir_close(dir);
    return status == ORR_OK ? follow(line->args[0], epoch) : orri_complain(&err);
}

static const struct orr_option compact_options[] = {
    { "force", 0, NULL, "of a damaged run too: what is damaged is left behind", false },
    { 0 },
};

const struct orr_command_entry orri_compact = {
    .name = "compact",
    .arguments = "RUN",
    .summary = "drop attempts that do not count any more, and put the rest together",
    .details =
        "Of each task the attempt whose result counts is kept, and of tasks without a "
        "result the\nfailed ones. The old shards are removed when the new ones are "
        "whole "
        "on disk; a kill\nat any moment loses nothing.",
    .options = compact_options,
    .least = 1,
    .most = 1,
    .run = compact_main,
};
