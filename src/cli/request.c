/* request.c - RUN/request: a word and its value a line
 *
 * Values may hold anything: \\ and \n stand for a backslash and a line end.
 * Owns: the format. */
#include "cli/request.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/changes.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_MAX = 64 << 20 };

char *orri_canonical(const char *path)
{
    char *whole = realpath(path, NULL);
    if (whole)
        return whole;
    char *directory = orr_path_directory(path);
    char *real = realpath(directory, NULL);
    const char *slash = strrchr(path, '/');
    whole = orr_path_join(real ? real : directory, slash ? slash + 1 : path);
    free(real);
    free(directory);
    return whole;
}

static void put_value(struct orr_text *out, const char *s)
{
    for (; *s; s++)
        if (*s == '\\' || *s == '\n')
            orr_text_puts(out, *s == '\n' ? "\\n" : "\\\\");
        else
            orr_text_append(out, s, 1);
}

static void put_line(struct orr_text *out, const char *word, const char *value)
{
    orr_text_printf(out, "%s ", word);
    put_value(out, value);
    orr_text_puts(out, "\n");
}

static void put_kept(struct orr_text *out, const char *name, const char *path)
{
    char *canonical = orri_canonical(path);
    orr_text_printf(out, "file %s ", name);
    put_value(out, canonical);
    orr_text_puts(out, "\n");
    free(canonical);
}

static void put_input(struct orr_text *out, const char *path, bool by_content)
{
    struct orr_file_seen seen;
    if (!orr_file_look(path, &seen))
        return;
    orr_text_printf(out, "input %" PRId64 " %" PRId64 " %" PRId64 " ", seen.size,
                    seen.seconds, seen.nanoseconds);
    put_value(out, seen.path);
    orr_text_puts(out, "\n");
    if (by_content) { /* of the input before */
        char hex[ORR_ID_TEXT];
        orr_id_text(orr_file_content(path), hex);
        orr_text_printf(out, "content %s\n", hex);
    }
}

static void put_inputs_of(struct orr_text *out, struct orr_value v, bool by_content)
{
    if (v.kind == ORR_KIND_PATH)
        put_input(out, v.as.s->s, by_content);
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n; i++)
        put_inputs_of(out, v.as.list->items[i], by_content);
    for (uint32_t i = 0; v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields;
         i++)
        put_inputs_of(out, v.as.record->fields[i], by_content);
}

/* What a request shares with the one before it is said once. */
static void put_inputs(struct orr_text *out, const struct orr_job *job)
{
    bool by_content = orri_file_use(job->graph).by_content;
    for (uint32_t r = 0; r < job->n_requests; r++) {
        const struct orr_record *inputs = job->requests[r].as.record;
        for (uint32_t i = 0; i < inputs->type->n_fields; i++)
            if (!r || !orr_value_equal(inputs->fields[i],
                                       job->requests[r - 1].as.record->fields[i]))
                put_inputs_of(out, inputs->fields[i], by_content);
    }
}

char *orri_kept_name(const struct orri_session *session, const struct orr_job *job,
                     uint32_t i, const char **path)
{
    const struct orr_graph *graph = job->graph;
    if (i < 2) {
        *path = i ? job->workflow_path : session->job;
        return orr_strdup(i ? "workflow.yaml" : "job.yaml");
    }
    if (i - 2 >= graph->n_modules)
        return NULL;
    const struct orr_graph_function *f =
        &graph->functions[graph->modules[i - 2].function];
    struct orr_text name = ORR_TEXT_INIT;
    orr_text_printf(&name, "workflow.%s.yaml", f->name);
    *path = f->workflow->file;
    return name.s;
}

static void put_versions(struct orr_text *out, const struct orr_graph *graph)
{
    for (uint32_t f = 0; f < graph->n_functions; f++) {
        char *line = orri_version_line(&graph->functions[f]);
        if (line)
            put_line(out, "version", line);
        free(line);
    }
}

/* What a session that accepts changes leaves as it was. */
static void put_before(struct orr_text *out, const struct orri_request *before)
{
    for (size_t i = 0; i < before->n_old; i++) {
        orr_text_printf(out, "old %s ", before->old[i].name);
        put_value(out, before->old[i].path);
        orr_text_puts(out, "\n");
    }
    for (size_t i = 0; i < before->n_reuse; i++)
        put_line(out, "reuse", before->reuse[i]);
    for (size_t i = 0; i < before->n_local; i++)
        put_line(out, "local", before->local[i]);
    if (before->forgive)
        orr_text_printf(out, "forgive %" PRIu32 "\n", before->forgive);
}

orr_status orri_request_write(const char *run_dir, const struct orri_session *session,
                              const struct orr_job *job,
                              const struct orri_request *before, struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orr_path_join(run_dir, "request");
    char *file = orri_canonical(session->job);
    const char *in = session->n_settings ? session->settings[0].directory : NULL;
    char *directory = realpath(in ? in : ".", NULL);
    char *here = realpath(run_dir, NULL);
    const char *at = before && before->at ? before->at : here;
    if (at)
        put_line(&text, "at", at);
    free(here);
    put_line(&text, "job", file);
    put_line(&text, "name", job->name);
    put_line(&text, "workflow", job->graph->name);
    if (directory)
        put_line(&text, "in", directory);
    for (size_t i = 0; i < session->n_settings; i++) {
        orr_text_printf(&text, "set %s=", session->settings[i].name);
        put_value(&text, session->settings[i].value);
        orr_text_puts(&text, "\n");
    }
    const char *from = NULL;
    char *name = NULL;
    for (uint32_t i = 0; (name = orri_kept_name(session, job, i, &from)) != NULL; i++) {
        put_kept(&text, name, from);
        free(name);
    }
    put_inputs(&text, job);
    put_versions(&text, job->graph);
    for (size_t i = 0; i < session->n_reuse; i++)
        put_line(&text, "reuse", session->reuse[i]);
    if (before)
        put_before(&text, before);
    orr_status status = orr_file_write(path, text.s, text.length, true, err);
    free(directory);
    free(file);
    free(path);
    orr_text_release(&text);
    return status;
}

/* In place. A backslash before anything else stands for itself: version 0.1 wrote them
 * so. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        bool escape = s[0] == '\\' && (s[1] == 'n' || s[1] == '\\');
        *to++ = escape && s[1] == 'n' ? '\n' : *s;
        s += escape;
    }
    *to = '\0';
}

static void parse_input(struct orri_request *request, const char *line)
{
    struct orr_file_seen seen = { 0 };
    struct orri_input *last = NULL;
    int at = 0;
    if (sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 "%n", &seen.size, &seen.seconds,
               &seen.nanoseconds, &at) != 3 ||
        line[at] != ' ')
        return;
    seen.path = line + at + 1;
    request->inputs =
        orr_realloc(request->inputs, request->n_inputs + 1, sizeof *request->inputs);
    last = &request->inputs[request->n_inputs++];
    *last = (struct orri_input) { .seen = seen };
}

static void parse_content(struct orri_request *request, const char *hex)
{
    struct orri_input *last =
        request->n_inputs ? &request->inputs[request->n_inputs - 1] : NULL;
    if (last && sscanf(hex, "%16" SCNx64 "%16" SCNx64, &last->content.hi,
                       &last->content.lo) == 2)
        last->hashed = true;
}

static void add_word(const char ***list, size_t *n, const char *word)
{
    *list = orr_realloc(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = word;
}

/* Lines "file NAME PATH" and "old NAME PATH". */
static void parse_kept(struct orri_kept **list, size_t *n, char *line)
{
    char *blank = strchr(line, ' ');
    if (!blank)
        return;
    *blank = '\0';
    *list = orr_realloc(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = (struct orri_kept) { line, blank + 1 };
}

static void parse_line(struct orri_request *request, char *line)
{
    const struct {
        const char *word;
        const char **value;
    } words[] = { { "job ", &request->job },
                  { "in ", &request->directory },
                  { "at ", &request->at },
                  { "name ", &request->name },
                  { "workflow ", &request->workflow } };
    unescape(line);
    char *equals = strchr(line, '=');
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(line, words[i].word, strlen(words[i].word)) == 0)
            *words[i].value = line + strlen(words[i].word);
    if (strncmp(line, "input ", 6) == 0)
        parse_input(request, line + 6);
    if (strncmp(line, "content ", 8) == 0)
        parse_content(request, line + 8);
    if (strncmp(line, "version ", 8) == 0)
        add_word(&request->versions, &request->n_versions, line + 8);
    if (strncmp(line, "reuse ", 6) == 0)
        add_word(&request->reuse, &request->n_reuse, line + 6);
    if (strncmp(line, "local ", 6) == 0)
        add_word(&request->local, &request->n_local, line + 6);
    if (strncmp(line, "forgive ", 8) == 0)
        request->forgive = (uint32_t)strtoul(line + 8, NULL, 10);
    if (strncmp(line, "file ", 5) == 0)
        parse_kept(&request->kept, &request->n_kept, line + 5);
    if (strncmp(line, "old ", 4) == 0)
        parse_kept(&request->old, &request->n_old, line + 4);
    if (strncmp(line, "set ", 4) == 0 && equals) {
        *equals = '\0';
        request->settings = orr_realloc(request->settings, request->n_settings + 1,
                                        sizeof *request->settings);
        request->settings[request->n_settings++] =
            (struct orr_setting) { line + 4, equals + 1, NULL };
    }
}

static bool has_files(const char *run_dir, const char *folder)
{
    char *path = orr_path_join(run_dir, folder);
    DIR *stream = opendir(path);
    const struct dirent *entry = NULL;
    bool any = false;
    while (stream && !any && (entry = readdir(stream)) != NULL)
        any = entry->d_name[0] != '.';
    if (stream)
        (void)closedir(stream);
    free(path);
    return any;
}

orr_status orri_request_is_here(const struct orri_request *request, const char *run_dir,
                                struct orr_error *err)
{
    char *then = request->at ? realpath(request->at, NULL) : NULL;
    char *now = realpath(run_dir, NULL);
    bool same = !request->at || (then && now && strcmp(then, now) == 0);
    orr_status status = ORR_OK;
    if (!same && has_files(run_dir, "out"))
        status = orr_error_set(
            err, ORR_ERR_INPUT, ORR_NO_SPAN,
            "%s was %s when its results were made, and they name files "
            "below that: move it back%s",
            run_dir, request->at, then ? "" : ", or leave a symbolic link there");
    free(then);
    free(now);
    return status;
}

orr_status orri_request_read(const char *run_dir, struct orri_request *out,
                             struct orr_error *err)
{
    struct orri_request request = { 0 };
    char *path = orr_path_join(run_dir, "request");
    orr_status status = ORR_OK;
    bool gone = access(path, F_OK) != 0 && errno == ENOENT;
    if (gone && has_files(run_dir, "shards"))
        status =
            orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                          "%s is gone: what was run is not known any more. Its results "
                          "are there: run the job again in another directory with "
                          "--reuse %s",
                          path, run_dir);
    else if (gone) /* it is the last to be written */
        status = orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "%s holds a run that ended before it began: nothing was "
                               "run; remove it and run the job again",
                               run_dir);
    if (status == ORR_OK)
        status = orr_file_read(path, REQUEST_MAX, &request.text, err);
    for (char *at = request.text.s; at && *at;) {
        char *end = at + strcspn(at, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        parse_line(&request, at);
        at = next;
    }
    for (size_t i = 0; i < request.n_settings; i++)
        request.settings[i].directory = request.directory;
    if (status == ORR_OK && !request.job)
        status = orr_error_set(err, ORR_ERR_DATA, ORR_NO_SPAN,
                               "%s does not name the job file", path);
    free(path);
    if (status == ORR_OK)
        *out = request;
    else
        orri_request_release(&request);
    return status;
}

static orr_status add_line(const char *run_dir, const char *word, const char *value,
                           struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orr_path_join(run_dir, "request");
    orr_status status = orr_file_read(path, REQUEST_MAX, &text, err);
    put_line(&text, word, value);
    if (status == ORR_OK)
        status = orr_file_write(path, text.s, text.length, true, err);
    free(path);
    orr_text_release(&text);
    return status;
}

orr_status orri_request_forgive(const char *run_dir, uint32_t epoch,
                                struct orr_error *err)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%" PRIu32, epoch);
    return add_line(run_dir, "forgive", number, err);
}

orr_status orri_request_add_local(const char *run_dir, const char *directory,
                                  struct orr_error *err)
{
    struct orri_request request = { 0 };
    orr_status status = orri_request_read(run_dir, &request, err);
    bool there = false;
    for (size_t i = 0; i < request.n_local; i++)
        there = there || strcmp(request.local[i], directory) == 0;
    orri_request_release(&request);
    return status == ORR_OK && !there ? add_line(run_dir, "local", directory, err)
                                      : status;
}

void orri_request_release(struct orri_request *request)
{
    free(request->settings);
    free(request->kept);
    free(request->inputs);
    free(request->versions);
    free(request->reuse);
    free(request->local);
    free(request->old);
    orr_text_release(&request->text);
    orr_arena_release(&request->arena);
    *request = (struct orri_request) { 0 };
}

void orri_request_add_old(struct orri_request *request, const char *name,
                          const char *path)
{
    char *canonical = orri_canonical(path);
    request->old = orr_realloc(request->old, request->n_old + 1, sizeof *request->old);
    request->old[request->n_old++] =
        (struct orri_kept) { orr_arena_strdup(&request->arena, name),
                             orr_arena_strdup(&request->arena, canonical) };
    free(canonical);
}

const struct orri_kept *orri_request_kept(const struct orri_request *request,
                                          const char *path)
{
    const struct orri_kept *found = NULL;
    char *canonical = orri_canonical(path);
    for (size_t i = 0; i < request->n_kept && !found; i++)
        if (strcmp(request->kept[i].path, canonical) == 0)
            found = &request->kept[i];
    free(canonical);
    return found;
}
