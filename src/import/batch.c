/* batch.c - tasks, kinds and edges while they are read, and what must hold of them
 * Owns: the batch. Hands on: how it is written (workflow.c). */
#include "import/internal.h"

#include "base/hash.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CIRCLE_SHOWN = 12, NEAR_AMONG = 2000, NAME_LENGTH = 100, KINDS_MAX = 300 };

/* ---- tasks ---- */

int64_t orri_task_find(const struct orr_import *import, const char *id, size_t length)
{
    uint64_t *first = orr_map_find(&import->by_id, orr_hash64(id, length, 0));
    for (uint64_t i = first ? *first : 0; i; i = import->tasks[i - 1].same_hash)
        if (strlen(import->tasks[i - 1].id) == length &&
            memcmp(import->tasks[i - 1].id, id, length) == 0)
            return (int64_t)i - 1;
    return ORRI_NONE;
}

struct orr_import_task *orri_task_new(struct orr_import *import, const char *id,
                                      size_t length, struct orr_span at,
                                      struct orr_diags *diags)
{
    int64_t there = orri_task_find(import, id, length);
    bool fresh = false;
    if (there != ORRI_NONE) {
        uint32_t line = import->tasks[there].at.line;
        if (line)
            orr_diag_error(diags, at, NULL, "'%.*s' is there already, in line %" PRIu32,
                           (int)length, id, line);
        else
            orr_diag_error(diags, at, NULL, "'%.*s' is there already", (int)length, id);
        return NULL;
    }
    import->tasks = orr_grow(import->tasks, import->n_tasks, &import->cap_tasks,
                             sizeof *import->tasks);
    struct orr_import_task *task = &import->tasks[import->n_tasks++];
    uint64_t *slot = orr_map_insert(&import->by_id, orr_hash64(id, length, 0), &fresh);
    *task =
        (struct orr_import_task) { .id = orr_arena_strndup(&import->arena, id, length),
                                   .at = at,
                                   .kind = UINT32_MAX,
                                   .same_hash = (uint32_t)*slot };
    *slot = import->n_tasks;
    return task;
}

int64_t orri_task_need(const struct orr_import *import, const char *id, size_t length,
                       struct orr_span at, struct orr_diags *diags)
{
    int64_t there = orri_task_find(import, id, length);
    if (there != ORRI_NONE)
        return there;
    size_t n = import->n_tasks < NEAR_AMONG ? import->n_tasks : NEAR_AMONG;
    const char **names = orr_alloc(n + 1, sizeof *names);
    char *wanted = orr_alloc(length + 1, 1);
    memcpy(wanted, id, length);
    for (size_t i = 0; i < n; i++)
        names[i] = import->tasks[i].id;
    orr_diag_error(diags, at, NULL, "there is no task '%s'", wanted);
    const char *near = length < NAME_LENGTH ? orr_text_nearest(wanted, names, n) : NULL;
    if (near)
        orr_diag_hint(diags, "did you mean '%s'?", near);
    free(wanted);
    free(names);
    return ORRI_NONE;
}

void orri_edge(struct orr_import *import, uint32_t from, uint32_t to)
{
    import->edges = orr_grow(import->edges, import->n_edges, &import->cap_edges,
                             sizeof *import->edges);
    import->edges[import->n_edges++] = (struct orr_import_edge) { from, to };
}

/* ---- kinds ---- */

/* A name that a function, a folder and a table may have, and that YAML takes without
 * quotes. */
static char *tidy_name(struct orr_arena *arena, const char *base)
{
    char *name = orr_arena_strndup(arena, base, strnlen(base, NAME_LENGTH));
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != '.')
            *c = '_';
    if ((!isalpha((unsigned char)*name) && *name != '_') || orr_bool_word(name) ||
        strcasecmp(name, "null") == 0)
        name = orr_arena_printf(arena, "task_%s", name);
    return name;
}

static bool name_is_taken(const struct orr_import *import, const char *name)
{
    bool taken = strcmp(name, "judge") == 0;
    for (size_t i = 0; i < import->n_kinds; i++)
        taken = taken || strcmp(import->kinds[i].name, name) == 0;
    return taken;
}

uint32_t orri_kind(struct orr_import *import, const char *base,
                   enum orr_import_role role, uint32_t cores, uint32_t retries)
{
    for (size_t i = 0; i < import->n_kinds; i++) {
        const struct orr_import_kind *kind = &import->kinds[i];
        if (kind->role == role && kind->cores == cores && kind->retries == retries &&
            strcmp(kind->base, base) == 0)
            return (uint32_t)i;
    }
    if (import->n_kinds >= KINDS_MAX && strcmp(base, "other") != 0)
        return orri_kind(import, "other", role, cores, retries);
    const char *tidy = tidy_name(&import->arena, base);
    const char *name = tidy;
    for (unsigned i = 2; name_is_taken(import, name); i++)
        name = orr_arena_printf(&import->arena, "%s_%u", tidy, i);
    import->kinds = orr_grow(import->kinds, import->n_kinds, &import->cap_kinds,
                             sizeof *import->kinds);
    import->kinds[import->n_kinds] = (struct orr_import_kind) {
        .name = name,
        .base = orr_arena_strdup(&import->arena, base),
        .role = role,
        .cores = cores,
        .retries = retries,
    };
    return (uint32_t)import->n_kinds++;
}

void orri_task_kind(struct orr_import *import, struct orr_import_task *task,
                    uint32_t kind)
{
    struct orr_import_kind *k = &import->kinds[kind];
    task->kind = kind;
    k->n_tasks++;
    if (task->memory > k->memory)
        k->memory = task->memory;
}

size_t orr_import_calls(const struct orr_import *import)
{
    size_t n = 0;
    for (size_t i = 0; i < import->n_kinds; i++)
        n += import->kinds[i].role == ORR_IMPORT_CALL ? import->kinds[i].n_tasks : 0;
    return n;
}

/* ---- edges ---- */

static int by_ends(const void *left, const void *right)
{
    const struct orr_import_edge *a = left;
    const struct orr_import_edge *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->to < b->to ? -1 : a->to > b->to;
}

/* Each edge once, and the children of each task. */
static void order_edges(struct orr_import *import)
{
    struct orr_import_edge *edges = import->edges;
    size_t n = 0;
    if (import->n_edges)
        qsort(edges, import->n_edges, sizeof *edges, by_ends);
    for (size_t i = 0; i < import->n_edges; i++)
        if (n == 0 || by_ends(&edges[i], &edges[n - 1]) != 0)
            edges[n++] = edges[i];
    import->n_edges = n;
    import->children = orr_alloc(n + 1, sizeof *import->children);
    for (size_t i = 0; i < n; i++) {
        struct orr_import_task *from = &import->tasks[edges[i].from];
        import->children[i] = edges[i].to;
        if (from->n_children++ == 0)
            from->children = &import->children[i];
        import->tasks[edges[i].to].parents++;
    }
}

/* How many parents of each task are not over when all that can start has ended; 0 for
 * all when there is no circle. Free it. */
static uint32_t *left_waiting(const struct orr_import *import, size_t *n_left)
{
    uint32_t *waits = orr_alloc(import->n_tasks + 1, sizeof *waits);
    uint32_t *ready = orr_alloc(import->n_tasks + 1, sizeof *ready);
    size_t n = 0;
    for (size_t i = 0; i < import->n_tasks; i++) {
        waits[i] = import->tasks[i].parents;
        if (waits[i] == 0)
            ready[n++] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        const struct orr_import_task *task = &import->tasks[ready[i]];
        for (uint32_t c = 0; c < task->n_children; c++)
            if (--waits[task->children[c]] == 0)
                ready[n++] = task->children[c];
    }
    *n_left = import->n_tasks - n;
    free(ready);
    return waits;
}

/* Each task that is left waits for one that is left: following them comes to a circle.
 * parent[i]: such a one. */
static uint32_t find_circle(const struct orr_import *import, const uint32_t *waits,
                            uint32_t *parent)
{
    uint32_t at = 0;
    for (size_t i = 0; i < import->n_edges; i++)
        if (waits[import->edges[i].from] && waits[import->edges[i].to])
            parent[import->edges[i].to] = import->edges[i].from;
    while (waits[at] == 0)
        at++;
    for (size_t i = 0; i < import->n_tasks; i++)
        at = parent[at];
    return at; /* as many steps as there are tasks: on the circle for sure */
}

static void refuse_circle(const struct orr_import *import, const uint32_t *waits,
                          struct orr_diags *diags)
{
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t *parent = orr_alloc(import->n_tasks, sizeof *parent);
    uint32_t *members = orr_alloc(import->n_tasks, sizeof *members);
    uint32_t start = find_circle(import, waits, parent);
    size_t n = 0;
    for (uint32_t at = start; n == 0 || at != start; at = parent[at])
        members[n++] = at;
    size_t first = 0; /* the one that comes first in the file */
    for (size_t i = 0; i < n; i++)
        if (members[i] < members[first])
            first = i;
    for (size_t i = 0; i <= n; i++) { /* members go from child to parent */
        if (i == CIRCLE_SHOWN && n > CIRCLE_SHOWN) {
            orr_text_printf(&text, " -> ... (%zu in all)", n);
            break;
        }
        orr_text_printf(&text, "%s%s", i ? " -> " : "",
                        import->tasks[members[(first + n - i % n) % n]].id);
    }
    orr_diag_error(diags, import->tasks[members[first]].at, NULL,
                   "these tasks wait for each other: %s", text.s);
    orr_text_release(&text);
    free(members);
    free(parent);
}

static bool check_commands(const struct orr_import *import, struct orr_diags *diags)
{
    bool good = true;
    for (size_t i = 0; i < import->n_tasks; i++) {
        const struct orr_import_task *task = &import->tasks[i];
        size_t n = task->command ? strlen(task->command) : 0;
        if (n <= ORRI_COMMAND_MAX)
            continue;
        orr_diag_error(diags, task->at, NULL,
                       "a command of %zu bytes; the limit is %d: put it into a script",
                       n, ORRI_COMMAND_MAX);
        good = false;
    }
    return good;
}

bool orri_close(struct orr_import *import, const char *file, struct orr_diags *diags)
{
    size_t n_left = 0;
    if (orr_import_calls(import) == 0 && diags->errors == 0)
        orr_diag_error(diags, (struct orr_span) { .file = file }, NULL,
                       "the file names no task to run");
    order_edges(import);
    uint32_t *waits = left_waiting(import, &n_left);
    if (n_left)
        refuse_circle(import, waits, diags);
    free(waits);
    return check_commands(import, diags) && diags->errors == 0;
}

void orr_import_release(struct orr_import *import)
{
    free(import->tasks);
    free(import->kinds);
    free(import->edges);
    free(import->children);
    orr_map_release(&import->by_id);
    orr_arena_release(&import->arena);
    *import = (struct orr_import) { 0 };
}
