/* site.c - reading a site file; owns nothing */
#include "slurm/site.h"

#include "yaml/node.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct orr_slurm_site *site;
    struct orr_diags *diags;
};

static bool is_line(const struct orr_yaml_node *node)
{
    return node->kind == ORR_YAML_SCALAR && !strpbrk(node->text, "\n\r");
}

static const char *text_of(struct reader *r, const char *key,
                           const struct orr_yaml_node *node)
{
    if (is_line(node) && node->length)
        return orr_arena_strdup(&r->site->arena, node->text);
    orr_diag_error(r->diags, node->at, "E0303", "'%s' must be a single value", key);
    return NULL;
}

static const char *const *list_of(struct reader *r, const char *key,
                                  const struct orr_yaml_node *node, size_t *n)
{
    const char **words = NULL;
    *n = 0;
    if (node->kind != ORR_YAML_SEQUENCE) {
        orr_diag_error(r->diags, node->at, "E0303", "'%s' must be a list", key);
        return NULL;
    }
    words = orr_arena_alloc(&r->site->arena, (node->n + 1) * sizeof *words);
    for (uint32_t i = 0; i < node->n; i++) {
        const char *word = text_of(r, key, node->items[i]);
        if (word)
            words[(*n)++] = word;
    }
    return words;
}

static void read_options(struct reader *r, const struct orr_yaml_node *node)
{
    if (node->kind != ORR_YAML_MAPPING) {
        orr_diag_error(r->diags, node->at, "E0303", "'slurm' must be a mapping");
        return;
    }
    struct orr_slurm_option *options =
        orr_arena_alloc(&r->site->arena, (node->n + 1) * sizeof *options);
    for (uint32_t i = 0; i < node->n; i++) {
        const char *value = text_of(r, node->keys[i]->text, node->items[i]);
        if (strpbrk(node->keys[i]->text, " \n\r=-") == node->keys[i]->text)
            orr_diag_error(r->diags, node->keys[i]->at, "E0507",
                           "a slurm option is one line, its name without dashes "
                           "before it");
        else if (value)
            options[r->site->n_options++] = (struct orr_slurm_option) {
                .name = orr_arena_strdup(&r->site->arena, node->keys[i]->text),
                .value = value
            };
    }
    r->site->options = options;
}

static void read_node(struct reader *r, const struct orr_yaml_node *node)
{
    if (node->kind != ORR_YAML_MAPPING) {
        orr_diag_error(r->diags, node->at, "E0303", "'node' must be a mapping");
        return;
    }
    const struct orr_yaml_node *cores = orr_yaml_find(node, "cores");
    const struct orr_yaml_node *memory = orr_yaml_find(node, "memory");
    char *end = NULL;
    const char *text = cores ? text_of(r, "cores", cores) : NULL;
    unsigned long n = text ? strtoul(text, &end, 10) : 0;
    if (text && (*end || n == 0 || n > 65536))
        orr_diag_error(r->diags, cores->at, "E0303", "'cores' must be a number from 1");
    else
        r->site->cores = (uint32_t)n;
    r->site->memory = memory ? text_of(r, "memory", memory) : NULL;
    for (uint32_t i = 0; i < node->n; i++)
        if (strcmp(node->keys[i]->text, "cores") != 0 &&
            strcmp(node->keys[i]->text, "memory") != 0)
            orr_diag_error(r->diags, node->keys[i]->at, "E0301",
                           "unknown key '%s': a node has cores and memory",
                           node->keys[i]->text);
}

static void read_launcher(struct reader *r, const struct orr_yaml_node *node)
{
    r->site->launcher = text_of(r, "launcher", node);
    if (r->site->launcher && strcmp(r->site->launcher, "srun") != 0 &&
        strcmp(r->site->launcher, "mpirun") != 0 &&
        strcmp(r->site->launcher, "auto") != 0)
        orr_diag_error(r->diags, node->at, "E0303",
                       "'launcher' is auto, srun or mpirun, not '%s'",
                       r->site->launcher);
}

static void read_key(struct reader *r, const struct orr_yaml_node *key,
                     const struct orr_yaml_node *value)
{
    static const char *const names[] = { "site",  "slurm", "launcher", "modules",
                                         "setup", "node",  "local-dir" };
    struct orr_slurm_site *site = r->site;
    const char *name = key->text;
    if (strcmp(name, "site") == 0)
        site->name = text_of(r, name, value);
    else if (strcmp(name, "slurm") == 0)
        read_options(r, value);
    else if (strcmp(name, "launcher") == 0)
        read_launcher(r, value);
    else if (strcmp(name, "modules") == 0)
        site->modules = list_of(r, name, value, &site->n_modules);
    else if (strcmp(name, "setup") == 0)
        site->setup = list_of(r, name, value, &site->n_setup);
    else if (strcmp(name, "node") == 0)
        read_node(r, value);
    else if (strcmp(name, "local-dir") == 0)
        site->local_dir = text_of(r, name, value);
    else {
        const char *near = orr_text_nearest(name, names, sizeof names / sizeof *names);
        orr_diag_error(r->diags, key->at, "E0301", "unknown key '%s'", name);
        if (near)
            orr_diag_hint(r->diags, "did you mean '%s'?", near);
    }
}

void orr_slurm_site_read(const char *file, const char *text, size_t length,
                         struct orr_slurm_site *out, struct orr_diags *diags)
{
    *out = (struct orr_slurm_site) { .name = NULL };
    struct reader r = { out, diags };
    struct orr_yaml_document *document = orr_yaml_parse(file, text, length, diags);
    if (!document)
        return;
    const struct orr_yaml_node *root = document->root;
    if (root->kind != ORR_YAML_MAPPING)
        orr_diag_error(diags, root->at, "E0303", "a site file is a mapping");
    for (uint32_t i = 0; root->kind == ORR_YAML_MAPPING && i < root->n; i++)
        read_key(&r, root->keys[i], root->items[i]);
    orr_yaml_free(document);
}

void orr_slurm_site_release(struct orr_slurm_site *site)
{
    orr_arena_release(&site->arena);
    *site = (struct orr_slurm_site) { .name = NULL };
}
