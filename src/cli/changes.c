/* changes.c - what differs between a run and the job that is to go on with it
 *
 * The texts that the run keeps are compiled again, and both graphs compared part by
 * part: what was written otherwise but means the same is no change.
 * Owns: the job of then, for as long as it compares. */
#include "cli/changes.h"

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 << 20, SHOWN = 12 };

struct changes {
    const struct orri_request *then;
    const char *run_dir;
    const struct orri_session *session;
    const struct orr_job *now;
    struct orri_texts *texts;
    struct orr_text *out;
    uint32_t n; /* lines; after SHOWN they are only counted */
};

static void say(struct changes *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct changes *c, const char *format, ...)
{
    va_list args;
    if (++c->n > SHOWN)
        return;
    va_start(args, format);
    orr_text_vprintf(c->out, format, args);
    va_end(args);
    orr_text_puts(c->out, "\n");
}

/* ---- the texts ---- */

static bool read_kept(const char *run_dir, const char *name, struct orr_text *out)
{
    char *path = orr_path_join(run_dir, name);
    bool good = orr_file_read(path, TEXT_MAX, out, NULL) == ORR_OK;
    free(path);
    return good;
}

static bool same_text(const struct changes *c, const char *name, const char *path)
{
    struct orr_sources plain = orri_texts_sources(c->texts);
    struct orr_text then = ORR_TEXT_INIT;
    struct orr_text now = ORR_TEXT_INIT;
    bool same = read_kept(c->run_dir, name, &then) &&
                plain.read(plain.context, path, &now, NULL) == ORR_OK &&
                strcmp(then.s ? then.s : "", now.s ? now.s : "") == 0;
    orr_text_release(&then);
    orr_text_release(&now);
    return same;
}

static bool same_texts(const struct changes *c)
{
    const char *path = NULL;
    char *name = NULL;
    bool same = true;
    for (uint32_t i = 0;
         same && (name = orri_kept_name(c->session, c->now, i, &path)) != NULL; i++) {
        same = same_text(c, name, path);
        free(name);
    }
    return same;
}

static bool same_settings(const struct changes *c)
{
    const struct orri_request *then = c->then;
    bool same = then->n_settings == c->session->n_settings;
    for (size_t i = 0; i < then->n_settings && same; i++)
        same = strcmp(then->settings[i].name, c->session->settings[i].name) == 0 &&
               strcmp(then->settings[i].value, c->session->settings[i].value) == 0;
    return same;
}

/* ---- the job as it was ---- */

struct then_sources {
    const struct changes *c;
    struct orri_texts texts;
};

static orr_status read_then(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    struct then_sources *s = context;
    struct orr_sources plain = orri_texts_sources(&s->texts);
    const struct orri_kept *kept = orri_request_kept(s->c->then, path);
    struct orr_text text = ORR_TEXT_INIT;
    if (kept && !orri_texts_find(&s->texts, path) &&
        read_kept(s->c->run_dir, kept->name, &text))
        orri_texts_give(&s->texts, path, &text);
    orr_text_release(&text);
    return plain.read(plain.context, path, out, err);
}

static struct orr_job *compile_then(struct then_sources *s)
{
    struct orr_diags diags = { 0 };
    struct orr_sources sources = { read_then, s };
    const struct orri_request *then = s->c->then;
    struct orr_job *job = orr_job_compile(then->job, &sources, then->settings,
                                          then->n_settings, orri_registry(), &diags);
    if (diags.errors) {
        orr_job_free(job);
        job = NULL;
    }
    orr_diags_release(&diags);
    return job;
}

/* ---- parts ---- */

static const struct orr_graph_part *find_part(const struct orr_graph_part *parts,
                                              size_t n,
                                              const struct orr_graph_part *like)
{
    const struct orr_graph_part *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parts[i].kind, like->kind) != 0 ||
            strcmp(parts[i].name, like->name) != 0)
            continue;
        if (orr_id_equal(parts[i].id, like->id))
            return &parts[i];
        found = found ? found : &parts[i];
    }
    return found;
}

static void compare_parts(struct changes *c, const struct orr_graph *then)
{
    size_t n_then = 0;
    size_t n_now = 0;
    struct orr_graph_part *old = orr_graph_parts(then, &n_then);
    struct orr_graph_part *new = orr_graph_parts(c->now->graph, &n_now);
    for (size_t i = 0; i < n_now; i++) {
        const struct orr_graph_part *was = find_part(old, n_then, &new[i]);
        if (!was)
            say(c, "%s '%s' was added", new[i].kind, new[i].name);
        else if (!orr_id_equal(was->id, new[i].id))
            say(c, "%s '%s' changed", new[i].kind, new[i].name);
    }
    for (size_t i = 0; i < n_then; i++)
        if (!find_part(new, n_now, &old[i]))
            say(c, "%s '%s' was removed", old[i].kind, old[i].name);
    free(old);
    free(new);
}

/* ---- requests ---- */

/* The part of a printed value that is worth a line: around byte `at`. */
static char *excerpt(const struct orr_text *value, size_t at)
{
    enum { SHORT = 60, BEFORE = 20 };
    struct orr_text out = ORR_TEXT_INIT;
    size_t from = at >= SHORT - BEFORE ? at - BEFORE : 0;
    while (from > 0 && ((unsigned char)value->s[from] & 0xC0) == 0x80)
        from--;
    size_t to = value->length - from > SHORT ? from + SHORT : value->length;
    while (to < value->length && ((unsigned char)value->s[to] & 0xC0) == 0x80)
        to++;
    orr_text_puts(&out, from ? "..." : "");
    orr_text_append(&out, value->s + from, to - from);
    orr_text_puts(&out, to < value->length ? "..." : "");
    return out.s;
}

static void say_value(struct changes *c, uint32_t request, const char *name,
                      struct orr_value then, struct orr_value now)
{
    struct orr_text was = ORR_TEXT_INIT;
    struct orr_text is = ORR_TEXT_INIT;
    struct orr_text of = ORR_TEXT_INIT;
    size_t same = 0;
    orr_value_print(then, &was);
    orr_value_print(now, &is);
    while (same < was.length && same < is.length && was.s[same] == is.s[same])
        same++;
    char *before = excerpt(&was, same);
    char *after = excerpt(&is, same);
    if (c->now->n_requests > 1)
        orr_text_printf(&of, " of request %" PRIu32, request);
    say(c, "input '%s'%s: %s, was %s", name, of.s ? of.s : "", after, before);
    free(before);
    free(after);
    orr_text_release(&was);
    orr_text_release(&is);
    orr_text_release(&of);
}

static void compare_request(struct changes *c, uint32_t request, struct orr_value then,
                            struct orr_value now)
{
    const struct orr_record_type *was = then.as.record->type;
    const struct orr_record_type *is = now.as.record->type;
    for (uint32_t i = 0; i < is->n_fields; i++) {
        int at = orr_record_field(was, is->fields[i].name);
        struct orr_value value = now.as.record->fields[i];
        if (at >= 0 && !orr_value_equal(then.as.record->fields[at], value))
            say_value(c, request, is->fields[i].name, then.as.record->fields[at],
                      value);
    }
}

static void compare_requests(struct changes *c, const struct orr_job *then)
{
    uint32_t n =
        then->n_requests < c->now->n_requests ? then->n_requests : c->now->n_requests;
    if (then->n_requests != c->now->n_requests)
        say(c, "the job has %" PRIu32 " requests, it had %" PRIu32, c->now->n_requests,
            then->n_requests);
    for (uint32_t r = 0; r < n; r++)
        compare_request(c, r, then->requests[r], c->now->requests[r]);
}

/* ---- input files ---- */

static bool holds_path(const struct orr_type *type)
{
    if (type->kind == ORR_KIND_LIST && type->element)
        return holds_path(type->element);
    for (uint32_t i = 0; type->kind == ORR_KIND_RECORD && i < type->record->n_fields;
         i++)
        if (holds_path(type->record->fields[i].type))
            return true;
    return type->kind == ORR_KIND_PATH;
}

struct orri_file_use orri_file_use(const struct orr_graph *graph)
{
    struct orri_file_use use = { false, false };
    for (uint32_t f = 0; f < graph->n_functions; f++) {
        const struct orr_graph_function *function = &graph->functions[f];
        bool takes = false;
        for (uint32_t i = 0; i < function->params->n_fields; i++)
            takes = takes || holds_path(function->params->fields[i].type);
        use.by_content = use.by_content || (takes && function->content_identity);
        use.by_time = use.by_time || (takes && !function->content_identity);
    }
    return use;
}

static void compare_file(struct changes *c, struct orri_file_use use,
                         const struct orri_input *then)
{
    struct orr_file_seen now;
    if (!orr_file_look(then->seen.path, &now))
        return; /* what it led to stays good */
    bool touched =
        now.seconds != then->seen.seconds || now.nanoseconds != then->seen.nanoseconds;
    if (now.size != then->seen.size)
        say(c, "file %s has %" PRId64 " bytes, had %" PRId64, then->seen.path, now.size,
            then->seen.size);
    else if (touched && use.by_content && then->hashed &&
             !orr_id_equal(orr_file_content(then->seen.path), then->content))
        say(c, "file %s has other bytes", then->seen.path);
    else if (touched && (use.by_time || (use.by_content && !then->hashed)))
        say(c, "file %s was written again", then->seen.path);
}

static void add_paths(struct orr_map *paths, struct orr_value v)
{
    bool fresh = false;
    if (v.kind == ORR_KIND_PATH)
        (void)orr_map_insert(paths, orr_hash64(v.as.s->s, v.as.s->length, 0), &fresh);
    for (uint32_t i = 0; v.kind == ORR_KIND_LIST && i < v.as.list->n; i++)
        add_paths(paths, v.as.list->items[i]);
    for (uint32_t i = 0; v.kind == ORR_KIND_RECORD && i < v.as.record->type->n_fields;
         i++)
        add_paths(paths, v.as.record->fields[i]);
}

/* Those that are still inputs. */
static void compare_files(struct changes *c)
{
    struct orr_map paths = ORR_MAP_INIT;
    struct orri_file_use use = orri_file_use(c->now->graph);
    for (uint32_t r = 0; r < c->now->n_requests; r++)
        add_paths(&paths, c->now->requests[r]);
    for (size_t i = 0; i < c->then->n_inputs; i++) {
        const struct orri_input *input = &c->then->inputs[i];
        if (orr_map_find(&paths,
                         orr_hash64(input->seen.path, strlen(input->seen.path), 0)))
            compare_file(c, use, input);
    }
    orr_map_release(&paths);
}

/* ---- versions of functions that the program brings ---- */

char *orri_version_line(const struct orr_graph_function *function)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (!function->version || !function->version[0])
        return NULL;
    orr_text_printf(&text, "%s=%s", function->name, function->version);
    return text.s;
}

static void compare_version(struct changes *c,
                            const struct orr_graph_function *function)
{
    size_t length = strlen(function->name);
    for (size_t i = 0; i < c->then->n_versions; i++) {
        const char *was = c->then->versions[i];
        if (strncmp(was, function->name, length) == 0 && was[length] == '=' &&
            strcmp(was + length + 1, function->version) != 0)
            say(c, "function '%s' has version %s, had %s", function->name,
                function->version, was + length + 1);
    }
}

static void compare_versions(struct changes *c)
{
    const struct orr_graph *graph = c->now->graph;
    for (uint32_t f = 0; f < graph->n_functions; f++)
        if (graph->functions[f].native && graph->functions[f].version)
            compare_version(c, &graph->functions[f]);
}

/* ---- all of it ---- */

static void compare_jobs(struct changes *c)
{
    struct then_sources s = { .c = c };
    struct orr_job *then = compile_then(&s);
    if (then) {
        compare_parts(c, then->graph);
        compare_requests(c, then);
    } else {
        say(c, "the texts that the run keeps do not compile any more: anything may "
               "have changed");
    }
    orr_job_free(then);
    orri_texts_release(&s.texts);
}

void orri_changes_find(const struct orri_request *then, const char *run_dir,
                       const struct orri_session *session, const struct orr_job *now,
                       struct orri_texts *texts, struct orr_text *out)
{
    struct changes c = { .then = then,
                         .run_dir = run_dir,
                         .session = session,
                         .now = now,
                         .texts = texts,
                         .out = out };
    if (!same_texts(&c) || !same_settings(&c))
        compare_jobs(&c);
    compare_versions(&c);
    compare_files(&c);
    if (c.n > SHOWN)
        orr_text_printf(out, "and %" PRIu32 " more\n", c.n - SHOWN);
}
