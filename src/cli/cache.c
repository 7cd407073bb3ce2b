/* cache.c - orrery cache: what is in a cache of results, and removing it
 * Owns nothing. Hands on: entries (reuse/cache.c). */
#include "reuse/cache.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/amounts.h"
#include "cli/command.h"
#include "cli/reuse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_size(struct orr_text *out, uint64_t bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    double number = (double)bytes;
    size_t i = 0;
    for (; number >= 1024 && i + 1 < sizeof names / sizeof *names; i++)
        number /= 1024;
    orr_text_printf(out, i ? "%.1f %s" : "%.0f %s", number, names[i]);
}

/* ---- ls ---- */

static double age_of(const struct orr_cache_entry *entry)
{
    double age = (double)(orr_clock_wall() - entry->entered) / 1e9;
    return age > 0 ? age : 0;
}

static void put_member(struct orr_text *out, const char *name, const char *value)
{
    orr_text_printf(out, ", \"%s\": ", name);
    orr_text_json(out, value, strlen(value));
}

static void put_json(struct orr_text *out, const struct orr_cache_entry *entry,
                     uint64_t bytes)
{
    orr_text_printf(out, "{\"entry\": \"%s\"", entry->name);
    put_member(out, "job", entry->job);
    put_member(out, "workflow", entry->workflow);
    put_member(out, "directory", entry->directory);
    orr_text_printf(
        out, ", \"tasks\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"age_seconds\": %.0f}",
        entry->results, bytes, age_of(entry));
}

static void put_line(struct orr_text *out, const struct orr_cache_entry *entry,
                     uint64_t bytes)
{
    char age[ORR_TIME_TEXT];
    struct orr_text size = ORR_TEXT_INIT;
    double seconds = age_of(entry);
    if (seconds >= 2 * 86400)
        (void)snprintf(age, sizeof age, "%.0f d", seconds / 86400);
    else
        orr_duration_text(seconds, age);
    put_size(&size, bytes);
    orr_text_printf(out, "%s  %10" PRIu64 "  %10s  %12s  %s  %s\n", entry->name,
                    entry->results, size.s, age, entry->job, entry->directory);
    orr_text_release(&size);
}

static int list(const char *path, bool json)
{
    struct orr_cache_entry *entries = NULL;
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    size_t n = 0;
    if (orr_cache_list(path, &entries, &n, &err) != ORR_OK)
        return orri_complain(&err);
    orr_text_puts(&out, json ? "[" : "");
    if (!json)
        orr_text_printf(&out, "%-32s  %10s  %10s  %12s  %s\n", "entry", "tasks",
                        "bytes", "age", "job, run directory");
    for (size_t i = 0; i < n; i++) {
        uint64_t bytes = orr_cache_bytes(path, entries[i].name);
        orr_text_puts(&out, json && i ? ",\n " : "");
        if (json)
            put_json(&out, &entries[i], bytes);
        else
            put_line(&out, &entries[i], bytes);
    }
    orr_text_puts(&out, json ? "]\n" : "");
    orr_text_print(stdout, out.s);
    orr_text_release(&out);
    orr_cache_list_free(entries, n);
    return ORR_EXIT_OK;
}

/* ---- rm ---- */

/* The entry that the word begins, as it is printed; NULL after a message. */
static const char *find(const struct orr_cache_entry *entries, size_t n,
                        const char *path, const char *word)
{
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(entries[i].name, word, strlen(word)) != 0)
            continue;
        if (found) {
            (void)fprintf(stderr,
                          "orrery cache: several entries of %s begin with '%s'\n", path,
                          word);
            return NULL;
        }
        found = entries[i].name;
    }
    if (!found)
        (void)fprintf(stderr, "orrery cache: the cache %s has no entry '%s'\n", path,
                      word);
    return found;
}

static int remove_named(const char *path, char *const *words, size_t n_words)
{
    struct orr_cache_entry *entries = NULL;
    struct orr_error err = { 0 };
    size_t n = 0;
    int code = ORR_EXIT_OK;
    if (orr_cache_list(path, &entries, &n, &err) != ORR_OK)
        return orri_complain(&err);
    for (size_t i = 0; i < n_words; i++) { /* all are there, or none goes */
        if (!*words[i])
            (void)fprintf(stderr, "orrery cache: an entry without a name\n");
        if (!*words[i] || !find(entries, n, path, words[i]))
            code = ORR_EXIT_INPUT;
    }
    for (size_t i = 0; i < n_words && code == ORR_EXIT_OK; i++) {
        const char *name = find(entries, n, path, words[i]);
        if (orr_cache_remove(path, name, &err) != ORR_OK)
            code = orri_complain(&err);
    }
    orr_cache_list_free(entries, n);
    return code;
}

/* ---- prune ---- */

struct limits {
    double age;   /* s */
    double bytes; /* of the whole cache */
};

/* The newest stay, as long as there is room; what is too old goes. */
static int prune_entries(const char *path, const struct limits *limits, bool dry)
{
    struct orr_cache_entry *entries = NULL;
    struct orr_text out = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    size_t n = 0;
    double total = 0;
    int code = ORR_EXIT_OK;
    if (orr_cache_list(path, &entries, &n, &err) != ORR_OK)
        return orri_complain(&err);
    for (size_t i = 0; i < n && code == ORR_EXIT_OK; i++) {
        uint64_t bytes = orr_cache_bytes(path, entries[i].name);
        total += (double)bytes; /* when it is too much, all that is older goes */
        if (age_of(&entries[i]) <= limits->age && total <= limits->bytes)
            continue;
        orr_text_puts(&out, dry ? "would remove " : "removed ");
        put_line(&out, &entries[i], bytes);
        if (!dry && orr_cache_remove(path, entries[i].name, &err) != ORR_OK)
            code = orri_complain(&err);
    }
    if (!dry)
        orr_cache_sweep(path);
    orr_text_print(stdout, out.s ? out.s : "");
    orr_text_release(&out);
    orr_cache_list_free(entries, n);
    return code;
}

static int prune(const struct orr_line *line, const char *path)
{
    struct limits limits = { INFINITY, INFINITY };
    const char *age = orri_option(line, "older-than");
    const char *bytes = orri_option(line, "larger-than");
    if (age && !orri_seconds_in(age, NULL, &limits.age)) {
        (void)fprintf(stderr,
                      "orrery cache: --older-than is a number and s, min, h, d or w, "
                      "such as 30d, not '%s'\n",
                      age);
        return ORR_EXIT_INPUT;
    }
    if (bytes && !orri_bytes_in(bytes, NULL, &limits.bytes)) {
        (void)fprintf(
            stderr, "orrery cache: --larger-than is a size, such as 500GiB, not '%s'\n",
            bytes);
        return ORR_EXIT_INPUT;
    }
    if (!age && !bytes) {
        (void)fprintf(stderr,
                      "orrery cache: prune needs --older-than or --larger-than\n");
        return ORR_EXIT_INPUT;
    }
    return prune_entries(path, &limits, orri_has(line, "dry-run"));
}

/* ---- the command ---- */

static int cache_main(const struct orr_line *line)
{
    const char *given = orri_option(line, "cache");
    const char *path = given ? given : getenv(ORRI_CACHE);
    const char *what = line->args[0];
    if (!path || !*path) {
        (void)fprintf(stderr,
                      "orrery cache: which? Name it with --cache or " ORRI_CACHE "\n");
        return ORR_EXIT_INPUT;
    }
    if (access(path, F_OK) != 0) /* an empty one, or a mistake: who knows? */
        (void)fprintf(stderr, "orrery cache: nothing is there: %s: %s\n", path,
                      strerror(errno));
    if (strcmp(what, "ls") == 0 && line->n_args == 1)
        return list(path, orri_has(line, "json"));
    if (strcmp(what, "rm") == 0 && line->n_args > 1)
        return remove_named(path, line->args + 1, line->n_args - 1);
    if (strcmp(what, "prune") == 0 && line->n_args == 1)
        return prune(line, path);
    (void)fprintf(stderr, "orrery cache: ls, rm ENTRY... or prune, not '%s%s'\n", what,
                  line->n_args > 1 ? " ..." : "");
    return ORR_EXIT_INPUT;
}

static const struct orr_option cache_options[] = {
    { "cache", 0, "DIR", "the cache (default: $ORRERY_CACHE)", false },
    { "json", 0, NULL, "ls: a JSON array", false },
    { "older-than", 0, "AGE", "prune: entries of that age, such as 30d", false },
    { "larger-than", 0, "SIZE",
      "prune: the oldest entries, until the cache is not larger, such as 500GiB",
      false },
    { "dry-run", 0, NULL, "prune: say what would be removed", false },
    { 0 },
};

const struct orr_command_entry orri_cache = {
    .name = "cache",
    .arguments = "ls|rm|prune [ENTRY]...",
    .summary = "results of finished runs that later runs take: list, remove",
    .details = "`run` and `resume` take results from the cache that --cache or "
               "$ORRERY_CACHE names, and\nenter finished runs. An entry is a run; rm "
               "takes the beginning of its name.",
    .options = cache_options,
    .least = 1,
    .most = 1000,
    .run = cache_main,
};
