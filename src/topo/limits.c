/* limits.c - limits of memory that others set; owns nothing */
#include "topo/limits.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 4096 };

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* "max", and the huge number of version 1, are no limits. */
static uint64_t read_limit(const char *path, uint64_t otherwise)
{
    uint64_t limit = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return otherwise;
    bool read = fscanf(file, "%" SCNu64, &limit) == 1;
    (void)fclose(file);
    return read && limit > 0 ? least(limit, otherwise) : otherwise;
}

/* The group and those above it; in a container the group's own path is not there. */
static uint64_t least_upwards(const char *mount, char *group, const char *file,
                              uint64_t limit)
{
    char path[2 * PATH];
    for (;;) {
        (void)snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
        limit = read_limit(path, limit);
        char *slash = strrchr(group, '/');
        if (!slash)
            return limit;
        *slash = '\0';
    }
}

/* Lines "0::/path" (version 2), "4:memory:/path" (version 1). */
static uint64_t of_line(char *line, const char *root, uint64_t limit)
{
    char mount[PATH];
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return limit;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (strcmp(controllers, ":") == 0) {
        (void)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        return least_upwards(mount, group, "memory.max", limit);
    }
    if (strcmp(controllers, ":memory") != 0)
        return limit;
    (void)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/memory", root);
    return least_upwards(mount, group, "memory.limit_in_bytes", limit);
}

static uint64_t of_groups(const char *root, uint64_t limit)
{
    char line[PATH];
    (void)snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = fopen(line, "re");
    while (file && fgets(line, sizeof line, file))
        limit = of_line(line, root, limit);
    if (file)
        (void)fclose(file);
    return limit;
}

static uint64_t number_in(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : 0;
}

uint64_t orr_memory_limit(uint64_t physical, const char *root)
{
    uint64_t limit = of_groups(root, physical);
    uint64_t node = number_in("SLURM_MEM_PER_NODE") << 20;
    uint64_t cpus = number_in("SLURM_CPUS_ON_NODE");
    uint64_t each = number_in("SLURM_MEM_PER_CPU") << 20;
    if (node)
        limit = least(limit, node);
    if (cpus && each)
        limit = least(limit, cpus * each);
    return limit;
}
