/* gpus.c - GPUs from the environment or the drivers; owns the lists */
#include "topo/gpus.h"

#include "base/memory.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those that programs read, then those that only say what was allocated. */
static const char *const variables[] = { "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                         "HIP_VISIBLE_DEVICES",  "GPU_DEVICE_ORDINAL",
                                         "SLURM_STEP_GPUS",      "SLURM_JOB_GPUS" };
enum { READ_BY_PROGRAMS = 4, VARIABLES = sizeof variables / sizeof *variables };

struct list {
    bool given;
    uint32_t n;
    char *items[ORR_GPUS_MAX];
};

struct orr_gpus {
    struct list lists[VARIABLES];
    struct list numbers; /* forced, or of the drivers */
    const struct list *names;
    const char *source;
};

static void add(struct list *list, const char *name, size_t length)
{
    if (list->n == ORR_GPUS_MAX || length == 0)
        return;
    char *copy = orr_alloc(length + 1, 1);
    memcpy(copy, name, length);
    list->items[list->n++] = copy;
}

static void add_numbers(struct list *list, unsigned long first, unsigned long last)
{
    for (unsigned long i = first; i <= last && list->n < ORR_GPUS_MAX; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, "%lu", i);
        add(list, number, strlen(number));
    }
}

/* "0,2", "GPU-8f2a...,GPU-...", Slurm's "0-3". What no driver takes for a device ("-1",
 * "NoDevFiles") ends the list, as it does for CUDA. */
static void read_list(struct list *list, const char *text)
{
    list->given = true;
    for (const char *at = text; *at; at += *at == ',') {
        size_t length = strcspn(at, ",");
        char *end = NULL;
        unsigned long first = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : 0;
        if (end == at + length)
            add_numbers(list, first, first);
        else if (end && *end == '-' && isdigit((unsigned char)end[1]))
            add_numbers(list, first, strtoul(end + 1, NULL, 10));
        else if (strncmp(at, "GPU-", 4) == 0 || strncmp(at, "MIG-", 4) == 0)
            add(list, at, length);
        else
            return;
        at += length;
    }
}

/* ---- drivers ---- */

static bool all_digits(const char *s)
{
    return *s && strspn(s, "0123456789") == strlen(s);
}

/* /dev/nvidia0, /dev/nvidia1 ... */
static uint32_t count_nvidia(const char *root)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/dev", root);
    DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    uint32_t n = 0;
    while (directory && (entry = readdir(directory)) != NULL)
        n += strncmp(entry->d_name, "nvidia", 6) == 0 && all_digits(entry->d_name + 6);
    if (directory)
        (void)closedir(directory);
    return n;
}

/* Nodes of AMD's kfd with an id that is not 0 are GPUs, the others processors. */
static bool is_amd_gpu(const char *nodes, const char *name)
{
    char path[800];
    unsigned long id = 0;
    (void)snprintf(path, sizeof path, "%s/%s/gpu_id", nodes, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fscanf(file, "%lu", &id) == 1;
    (void)fclose(file);
    return read && id != 0;
}

static uint32_t count_amd(const char *root)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/sys/class/kfd/kfd/topology/nodes", root);
    DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    uint32_t n = 0;
    while (directory && (entry = readdir(directory)) != NULL)
        n += all_digits(entry->d_name) && is_amd_gpu(path, entry->d_name);
    if (directory)
        (void)closedir(directory);
    return n;
}

/* ---- the whole ---- */

static void find(struct orr_gpus *gpus, const char *root)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *text = getenv(variables[i]);
        if (!text)
            continue;
        read_list(&gpus->lists[i], text);
        /* Slurm's say what there is, not that there is nothing to be seen. */
        if (gpus->names)
            continue;
        gpus->names = &gpus->lists[i];
        gpus->source = variables[i];
    }
    if (gpus->names)
        return;
    uint32_t n = count_nvidia(root);
    n = n ? n : count_amd(root);
    if (n)
        add_numbers(&gpus->numbers, 0, n - 1);
    gpus->names = &gpus->numbers;
    gpus->source = n ? "the driver" : "";
}

struct orr_gpus *orr_gpus_new(uint32_t forced, const char *root)
{
    struct orr_gpus *gpus = orr_alloc(1, sizeof *gpus);
    if (forced) {
        add_numbers(&gpus->numbers, 0, forced - 1);
        gpus->names = &gpus->numbers;
        gpus->source = "--gpus-per-node";
    } else {
        find(gpus, root);
    }
    if (gpus->names->n == 0)
        gpus->source = "";
    return gpus;
}

static void clear(struct list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        free(list->items[i]);
}

void orr_gpus_free(struct orr_gpus *gpus)
{
    if (!gpus)
        return;
    for (size_t i = 0; i < VARIABLES; i++)
        clear(&gpus->lists[i]);
    clear(&gpus->numbers);
    free(gpus);
}

uint32_t orr_gpus_count(const struct orr_gpus *gpus)
{
    return gpus ? gpus->names->n : 0;
}

const char *orr_gpus_name(const struct orr_gpus *gpus, uint32_t i)
{
    return gpus->names->items[i];
}

const char *orr_gpus_source(const struct orr_gpus *gpus) { return gpus->source; }

static void put_list(const char *variable, const struct list *list,
                     const uint32_t *which, uint32_t n, struct orr_text *out)
{
    orr_text_printf(out, "%s=", variable);
    const char *comma = "";
    for (uint32_t i = 0; i < n; i++)
        if (which[i] < list->n) {
            orr_text_printf(out, "%s%s", comma, list->items[which[i]]);
            comma = ",";
        }
    orr_text_puts(out, "\n");
}

void orr_gpus_environment(const struct orr_gpus *gpus, const uint32_t *which,
                          uint32_t n, struct orr_text *out)
{
    bool any = false;
    if (n == 0)
        return;
    for (size_t i = 0; i < READ_BY_PROGRAMS; i++) {
        if (gpus->names == &gpus->numbers || !gpus->lists[i].given)
            continue;
        put_list(variables[i], &gpus->lists[i], which, n, out);
        any = true;
    }
    /* HIP_VISIBLE_DEVICES would count within what ROCR_VISIBLE_DEVICES left. */
    if (!any) {
        put_list("CUDA_VISIBLE_DEVICES", gpus->names, which, n, out);
        put_list("ROCR_VISIBLE_DEVICES", gpus->names, which, n, out);
    }
    put_list("ORRERY_GPUS", gpus->names, which, n, out);
}
