/* orphans.c - finds processes by their parents, as /proc tells; owns nothing */
#include "exec/orphans.h"

#include "base/clock.h"
#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 5, PAUSE_MS = 2 };

struct process {
    pid_t pid;
    pid_t parent;
    bool ours;
};

struct processes {
    struct process *items;
    size_t n;
    size_t cap;
};

void orri_orphans_adopt(void) { (void)prctl(PR_SET_CHILD_SUBREAPER, 1); }

/* 0: it is gone. */
static pid_t parent_of(const char *pid)
{
    char path[64];
    char text[512];
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *after = strrchr(text, ')'); /* a name may hold anything */
    int parent = 0;
    return after && sscanf(after + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static void list_processes(struct processes *all)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry = NULL;
    while (proc && (entry = readdir(proc)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        pid_t parent = pid > 0 ? parent_of(entry->d_name) : 0;
        if (parent <= 0)
            continue;
        all->items = orr_grow(all->items, all->n, &all->cap, sizeof *all->items);
        all->items[all->n++] = (struct process) { .pid = (pid_t)pid, .parent = parent };
    }
    if (proc)
        (void)closedir(proc);
}

static bool is_among(pid_t pid, const pid_t *pids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static bool is_ours(const struct processes *all, pid_t pid)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].pid == pid)
            return all->items[i].ours;
    return false;
}

/* Children may be listed before their parents: until nothing changes. */
static void mark_ours(struct processes *all, const pid_t *spared, size_t n)
{
    pid_t self = getpid();
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < all->n; i++) {
            struct process *p = &all->items[i];
            if (p->ours || is_among(p->pid, spared, n))
                continue;
            p->ours = p->parent == self || is_ours(all, p->parent);
            more = more || p->ours;
        }
    }
}

size_t orri_orphans_kill(const pid_t *spared, size_t n)
{
    struct processes all = { 0 };
    size_t killed = 0;
    list_processes(&all);
    mark_ours(&all, spared, n);
    for (size_t i = 0; i < all.n; i++)
        if (all.items[i].ours && kill(all.items[i].pid, SIGKILL) == 0)
            killed++;
    free(all.items);
    return killed;
}

void orri_orphans_end(void)
{
    int64_t until = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
        if (pid > 0)
            continue;
        int64_t now = orr_clock_monotonic();
        until = until ? until : now + PATIENCE_SECONDS * ORR_SECOND;
        if (now > until)
            return;
        (void)orri_orphans_kill(NULL, 0);
        (void)poll(NULL, 0, PAUSE_MS);
    }
}
