/* footprint.c - memory of process trees, from /proc; owns the list of their processes
 */
#include "exec/footprint.h"

#include "base/clock.h"
#include "base/memory.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MAX = 4096 };
static const int64_t SOON = ORR_SECOND / 20;
static const int64_t SELDOM = ORR_SECOND / 2;

/* ---- the processes ---- */

static void add(struct orr_footprint *f, pid_t pid)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->seen[i] == pid)
            return;
    if (f->n == PROCESSES_MAX)
        return;
    f->seen = orr_grow(f->seen, f->n, &f->cap, sizeof *f->seen);
    f->seen[f->n++] = pid;
}

/* What one thread of a process started. */
static void add_children(struct orr_footprint *f, pid_t pid, const char *thread)
{
    char path[64];
    long child = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/task/%.20s/children", (long)pid,
                   thread);
    FILE *file = fopen(path, "re");
    while (file && fscanf(file, "%ld", &child) == 1)
        add(f, (pid_t)child);
    if (file)
        (void)fclose(file);
}

/* False: the process is gone. */
static bool add_descendants(struct orr_footprint *f, pid_t pid)
{
    char path[48];
    (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *threads = opendir(path);
    const struct dirent *thread = NULL;
    while (threads && (thread = readdir(threads)) != NULL)
        if (thread->d_name[0] != '.')
            add_children(f, pid, thread->d_name);
    if (threads)
        (void)closedir(threads);
    return threads != NULL;
}

static void find_processes(struct orr_footprint *f)
{
    add(f, f->root);
    for (size_t i = 0; i < f->n;)
        if (add_descendants(f, f->seen[i]))
            i++;
        else
            f->seen[i] = f->seen[--f->n];
}

/* ---- their memory ---- */

static uint64_t resident(pid_t pid)
{
    char path[48];
    uint64_t pages = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
        pages = 0;
    (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Without what others have of the shared pages; costs a walk through the page tables.
 */
static uint64_t proportional(pid_t pid)
{
    char line[256];
    uint64_t kilobytes = 0;
    bool found = false;
    (void)snprintf(line, sizeof line, "/proc/%ld/smaps_rollup", (long)pid);
    FILE *file = fopen(line, "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "Pss: %" SCNu64, &kilobytes) == 1;
    if (file)
        (void)fclose(file);
    return found ? kilobytes << 10 : resident(pid);
}

static uint64_t sum(const struct orr_footprint *f, uint64_t (*of)(pid_t pid))
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < f->n; i++)
        bytes += of(f->seen[i]);
    return bytes;
}

void orr_footprint_begin(struct orr_footprint *f, pid_t root, uint64_t limit,
                         int64_t now)
{
    f->root = root;
    f->limit = limit;
    f->used = 0;
    f->n = 0;
    f->next = limit ? now + SOON : INT64_MAX;
}

bool orr_footprint_is_over(struct orr_footprint *f, int64_t now)
{
    if (!f->limit || now < f->next)
        return false;
    find_processes(f);
    f->used = sum(f, resident);
    double left = f->used < f->limit ? 1 - (double)f->used / (double)f->limit : 0;
    f->next = now + SOON + (int64_t)((double)(SELDOM - SOON) * left);
    if (f->used > f->limit) {
        f->used = sum(f, proportional);
        f->next = now + SELDOM; /* that was no small read */
    }
    return f->used > f->limit;
}

void orr_footprint_end(struct orr_footprint *f)
{
    free(f->seen);
    *f = (struct orr_footprint) { .next = INT64_MAX };
}

/* ---- kills by the kernel ---- */

enum { PATH = 4096 };

/* Lines "0::/path" (version 2), "4:memory:/path" (version 1) of /proc/self/cgroup. */
static FILE *events_of(char *line, const char *root)
{
    char path[2 * PATH];
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return NULL;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (strcmp(controllers, ":") == 0)
        (void)snprintf(path, sizeof path, "%s/sys/fs/cgroup%s/memory.events", root,
                       group);
    else if (strcmp(controllers, ":memory") == 0)
        (void)snprintf(path, sizeof path,
                       "%s/sys/fs/cgroup/memory%s/memory.oom_control", root, group);
    else
        return NULL;
    return fopen(path, "re");
}

void orr_oom_open(struct orr_oom_kills *kills, const char *root)
{
    char line[PATH];
    FILE *found = NULL;
    *kills = (struct orr_oom_kills) { .fd = -1 };
    (void)snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = fopen(line, "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = events_of(line, root);
    if (file)
        (void)fclose(file);
    if (!found)
        return;
    kills->fd = dup(fileno(found));
    (void)fclose(found);
}

static uint64_t count(const struct orr_oom_kills *kills)
{
    char text[1024];
    uint64_t n = 0;
    ssize_t length = kills->fd < 0 ? -1 : pread(kills->fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    const char *at = strstr(text, "oom_kill ");
    return at && sscanf(at, "oom_kill %" SCNu64, &n) == 1 ? n : 0;
}

void orr_oom_mark(struct orr_oom_kills *kills) { kills->before = count(kills); }

bool orr_oom_happened(const struct orr_oom_kills *kills)
{
    return count(kills) > kills->before;
}

void orr_oom_close(struct orr_oom_kills *kills)
{
    if (kills->fd >= 0)
        (void)close(kills->fd);
    kills->fd = -1;
}
