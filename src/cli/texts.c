/* texts.c - the files that the compiler reads, and printing its findings
 * Owns: the texts, so that messages can show lines and other ranks need no disk. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_MAX = 16 << 20 };

static struct orr_text *find_text(struct orri_texts *texts, const char *path)
{
    for (size_t i = 0; i < texts->n; i++)
        if (strcmp(texts->items[i].path, path) == 0)
            return &texts->items[i].text;
    return NULL;
}

static orr_status read_text(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    struct orri_texts *texts = context;
    struct orr_text *known = find_text(texts, path);
    if (!known && texts->closed)
        return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                             "rank 0 did not send the file %s", path);
    if (!known) {
        struct orr_text fresh = ORR_TEXT_INIT;
        orr_status status = orr_file_read(path, SOURCE_MAX, &fresh, err);
        if (status != ORR_OK) {
            orr_text_release(&fresh);
            return status;
        }
        orri_texts_give(texts, path, &fresh);
        known = &texts->items[texts->n - 1].text;
    }
    orr_text_append(out, known->s, known->length);
    return ORR_OK;
}

struct orr_sources orri_texts_sources(struct orri_texts *texts)
{
    return (struct orr_sources) { read_text, texts };
}

void orri_texts_release(struct orri_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->items[i].path);
        orr_text_release(&texts->items[i].text);
    }
    free(texts->items);
    *texts = (struct orri_texts) { 0 };
}

const char *orri_texts_find(void *texts, const char *path)
{
    const struct orri_texts *all = texts;
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(orr_path_short(all->items[i].path), orr_path_short(path)) == 0)
            return all->items[i].text.s;
    return NULL;
}

void orri_texts_give(struct orri_texts *texts, const char *path, struct orr_text *text)
{
    texts->items = orr_realloc(texts->items, texts->n + 1, sizeof *texts->items);
    texts->items[texts->n].path = orr_strdup(path);
    texts->items[texts->n++].text = *text;
    *text = (struct orr_text)ORR_TEXT_INIT;
}

bool orri_texts_is_job(struct orri_texts *texts, const char *path)
{
    struct orr_text text = ORR_TEXT_INIT;
    bool job = false;
    if (read_text(texts, path, &text, NULL) == ORR_OK && text.s) {
        const char *at = text.s;
        at += strncmp(at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        job = strncmp(at, "job:", 4) == 0 || strstr(at, "\njob:");
    }
    orr_text_release(&text);
    return job;
}

bool orri_is_job(const char *path)
{
    struct orri_texts texts = { 0 };
    bool job = orri_texts_is_job(&texts, path);
    orri_texts_release(&texts);
    return job;
}

void orri_short_places(struct orr_diags *diags)
{
    const char *from = NULL;
    const char *to = NULL;
    for (size_t i = 0; i < diags->n; i++) {
        const char **file = &diags->items[i].at.file;
        if (*file && *file != from) {
            from = *file;
            to = orr_path_short(from);
        }
        *file = *file ? to : NULL;
    }
}

bool orri_print_findings(struct orr_diags *diags, struct orri_texts *texts, bool quiet)
{
    orri_short_places(diags);
    if (diags->errors || !quiet) {
        struct orr_text out = ORR_TEXT_INIT;
        orr_diags_render(diags, orri_texts_find, texts, &out);
        if (out.length)
            orr_text_print(stderr, out.s);
        orr_text_release(&out);
    }
    return diags->errors > 0;
}

/* --request, for commands that have it. */
static bool add_request(const struct orr_line *line, struct orr_setting *settings,
                        size_t *n)
{
    long number = 0;
    char *words = NULL;
    if (!orri_has(line, "request"))
        return true;
    if (!orri_number(line, "request", 0, UINT32_MAX, 0, &number))
        return false;
    size_t length = strlen(ORR_SETTING_REQUEST);
    words = orr_alloc(length + 24, 1); /* one piece of memory, as of the others */
    memcpy(words, ORR_SETTING_REQUEST, length);
    (void)snprintf(words + length + 1, 22, "%ld", number);
    settings[(*n)++] = (struct orr_setting) { words, words + length + 1, NULL };
    return true;
}

bool orri_settings(const struct orr_line *line, struct orr_setting **out, size_t *n)
{
    struct orr_setting *settings = orr_alloc(line->n_given + 2, sizeof *settings);
    *n = 0;
    *out = settings;
    for (size_t i = 0; i < line->n_given; i++) {
        if (strcmp(line->given[i].option->name, "set") != 0)
            continue;
        char *name =
            orr_strdup(line->given[i].value); /* argv is used again by mpirun */
        char *value = strchr(name, '=');
        if (value)
            *value++ = '\0';
        settings[(*n)++] = (struct orr_setting) { name, value, NULL };
        if (orr_utf8_bad(line->given[i].value, strlen(line->given[i].value)) !=
            strlen(line->given[i].value)) {
            struct orr_text text = ORR_TEXT_INIT;
            orr_text_printf(&text, "orrery %s: --set %s: the value is not UTF-8 text\n",
                            line->command->name, line->given[i].value);
            orr_text_print(stderr, text.s);
            orr_text_release(&text);
            orri_settings_free(settings, *n);
            return false;
        }
        if (!value || !*name || *name == '-') {
            (void)fprintf(stderr, "orrery %s: --set wants INPUT=VALUE, not '%s'\n",
                          line->command->name, line->given[i].value);
            orri_settings_free(settings, *n);
            return false;
        }
    }
    if (add_request(line, settings, n))
        return true;
    orri_settings_free(settings, *n);
    return false;
}

void orri_settings_free(struct orr_setting *settings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)settings[i].name);
    free(settings);
}
