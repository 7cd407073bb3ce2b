/* request.c - RUN/request: a word and its value a line
 * Owns: the format. */
#include "cli/request.h"

#include "base/file.h"
#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 1 << 20 };

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

static void put_kept(struct orr_text *out, const char *name, const char *path)
{
    char *canonical = orri_canonical(path);
    orr_text_printf(out, "file %s %s\n", name, canonical);
    free(canonical);
}

orr_status orri_request_write(const char *run_dir, const struct orri_session *session,
                              const struct orr_job *job, struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = orr_path_join(run_dir, "request");
    char *file = orri_canonical(session->job);
    char *directory = realpath(".", NULL);
    orr_text_printf(&text, "job %s\n", file);
    if (directory)
        orr_text_printf(&text, "in %s\n", directory);
    for (size_t i = 0; i < session->n_settings; i++)
        orr_text_printf(&text, "set %s=%s\n", session->settings[i].name,
                        session->settings[i].value);
    put_kept(&text, "job.yaml", session->job);
    put_kept(&text, "workflow.yaml", job->workflow_path);
    for (uint32_t i = 0; i < job->graph->n_modules; i++) {
        const struct orr_graph_function *f =
            &job->graph->functions[job->graph->modules[i].function];
        struct orr_text name = ORR_TEXT_INIT;
        orr_text_printf(&name, "workflow.%s.yaml", f->name);
        put_kept(&text, name.s, f->workflow->file);
        orr_text_release(&name);
    }
    orr_status status = orr_file_write(path, text.s, text.length, true, err);
    free(directory);
    free(file);
    free(path);
    orr_text_release(&text);
    return status;
}

static void parse_line(struct orri_request *request, char *line)
{
    char *equals = strchr(line, '=');
    char *blank = strncmp(line, "file ", 5) == 0 ? strchr(line + 5, ' ') : NULL;
    if (strncmp(line, "job ", 4) == 0)
        request->job = line + 4;
    if (strncmp(line, "in ", 3) == 0)
        request->directory = line + 3;
    if (strncmp(line, "set ", 4) == 0 && equals) {
        *equals = '\0';
        request->settings = orr_realloc(request->settings, request->n_settings + 1,
                                        sizeof *request->settings);
        request->settings[request->n_settings++] =
            (struct orr_setting) { line + 4, equals + 1, NULL };
    }
    if (blank) {
        *blank = '\0';
        request->kept =
            orr_realloc(request->kept, request->n_kept + 1, sizeof *request->kept);
        request->kept[request->n_kept++] = (struct orri_kept) { line + 5, blank + 1 };
    }
}

orr_status orri_request_read(const char *run_dir, struct orri_request *out,
                             struct orr_error *err)
{
    struct orri_request request = { 0 };
    char *path = orr_path_join(run_dir, "request");
    orr_status status = orr_file_read(path, REQUEST_MAX, &request.text, err);
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

void orri_request_release(struct orri_request *request)
{
    free(request->settings);
    free(request->kept);
    orr_text_release(&request->text);
    *request = (struct orri_request) { 0 };
}
