/* record.c - libc's calls that change files, written down as they pass
 * Owns: the recording, which node each descriptor means. Hands on: what a power cut
 * would have left of it (replay.c). */
#include "record.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS = 1024, NODES = 4096 };

/* Stands in for libc: there is no context to be handed. */
static struct {
    pthread_mutex_t mutex;
    bool on;
    char root[200];
    struct recording it;
    char *paths[NODES]; /* of each node, the name used last; NULL: gone */
    int node_of[FDS];   /* node + 1 */
} r = { .mutex = PTHREAD_MUTEX_INITIALIZER };

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- the list ---- */

static struct op *add(enum op_kind kind, uint32_t node)
{
    r.it.ops = orr_grow(r.it.ops, r.it.n, &r.it.cap, sizeof *r.it.ops);
    struct op *op = &r.it.ops[r.it.n++];
    *op = (struct op) { .kind = kind, .node = node };
    return op;
}

static bool below(const char *path)
{
    size_t n = strlen(r.root);
    return r.on && strncmp(path, r.root, n) == 0 && (path[n] == '/' || !path[n]);
}

/* The node at a path, or -1. */
static int find(const char *path)
{
    for (uint32_t i = r.it.n_nodes; i-- > 0;)
        if (r.paths[i] && strcmp(r.paths[i], path) == 0)
            return (int)i;
    return -1;
}

static void place(struct op *op, const char *path)
{
    const char *slash = strrchr(path, '/');
    char parent[512];
    (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    int at = find(parent);
    if (at < 0 || strlen(slash + 1) >= sizeof op->name) {
        (void)fprintf(stderr, "record: no directory for %s\n", path);
        abort();
    }
    op->parent = (uint32_t)at;
    (void)snprintf(op->name, sizeof op->name, "%s", slash + 1);
}

static uint32_t make(const char *path, int directory)
{
    if (r.it.n_nodes == NODES)
        abort();
    uint32_t node = r.it.n_nodes++;
    r.paths[node] = orr_strdup(path);
    struct op *op = add(OP_MAKE, node);
    op->directory = directory;
    place(op, path);
    return node;
}

static void write_down(uint32_t node, uint64_t at, const void *data, size_t n)
{
    struct op *op = add(OP_WRITE, node);
    op->at = at;
    op->length = n;
    op->data = orr_alloc(n + 1, 1);
    memcpy(op->data, data, n);
}

/* ---- begin and end ---- */

void record_begin(const char *root)
{
    (void)snprintf(r.root, sizeof r.root, "%s", root);
    r.it = (struct recording) { .n_nodes = 1 };
    r.paths[0] = orr_strdup(root);
    memset(r.node_of, 0, sizeof r.node_of);
    r.on = true;
}

void record_ack(uint64_t token)
{
    pthread_mutex_lock(&r.mutex);
    add(OP_ACK, 0)->token = token;
    pthread_mutex_unlock(&r.mutex);
}

void record_end(struct recording *out)
{
    r.on = false;
    for (uint32_t i = 0; i < r.it.n_nodes; i++)
        free(r.paths[i]);
    *out = r.it;
}

void recording_release(struct recording *recording)
{
    for (size_t i = 0; i < recording->n; i++)
        free(recording->ops[i].data);
    free(recording->ops);
}

/* ---- descriptors ---- */

static int node_of(int fd)
{
    return r.on && fd >= 0 && fd < FDS ? r.node_of[fd] - 1 : -1;
}

static void opened(int fd, const char *path, int flags, bool was_there)
{
    if (fd < 0 || fd >= FDS)
        return;
    int node = find(path);
    if (!was_there || node < 0)
        node = (int)make(path, 0);
    else if (flags & O_TRUNC)
        (void)add(OP_RESIZE, (uint32_t)node);
    r.node_of[fd] = node + 1;
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        va_list args;                                                                  \
        va_start(args, flags);                                                         \
        mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;                      \
        va_end(args);                                                                  \
        if (!below(path))                                                              \
            return REAL(name)(path, flags, mode);                                      \
        pthread_mutex_lock(&r.mutex);                                                  \
        bool was_there = !(flags & O_CREAT) || access(path, F_OK) == 0;                \
        int fd = REAL(name)(path, flags, mode);                                        \
        int bad = errno;                                                               \
        opened(fd, path, flags, was_there);                                            \
        errno = bad;                                                                   \
        pthread_mutex_unlock(&r.mutex);                                                \
        return fd;                                                                     \
    }
OPEN(open)
OPEN(open64)

int close(int fd)
{
    if (node_of(fd) >= 0)
        r.node_of[fd] = 0;
    return REAL(close)(fd);
}

/* ---- bytes ---- */

#define WITH_NODE(result, fd, call, then)                                              \
    int node = node_of(fd);                                                            \
    if (node < 0)                                                                      \
        return call;                                                                   \
    pthread_mutex_lock(&r.mutex);                                                      \
    result done = call;                                                                \
    int bad = errno;                                                                   \
    if (done >= 0) {                                                                   \
        then;                                                                          \
    }                                                                                  \
    pthread_mutex_unlock(&r.mutex);                                                    \
    errno = bad;                                                                       \
    return done;

ssize_t write(int fd, const void *data, size_t n) { WITH_NODE(
    ssize_t, fd, REAL(write)(fd, data, n),
    write_down((uint32_t)node, (uint64_t)(lseek(fd, 0, SEEK_CUR) - (off_t)done), data,
               (size_t)done)) }

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    WITH_NODE(ssize_t, fd, REAL(pwrite)(fd, data, n, at),
              write_down((uint32_t)node, (uint64_t)at, data, (size_t)done))
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    WITH_NODE(ssize_t, fd, REAL(pwrite64)(fd, data, n, at),
              write_down((uint32_t)node, (uint64_t)at, data, (size_t)done))
}

int ftruncate(int fd, off_t length)
{
    WITH_NODE(int, fd, REAL(ftruncate)(fd, length),
              add(OP_RESIZE, (uint32_t)node)->length = (uint64_t)length)
}

int ftruncate64(int fd, off64_t length)
{
    WITH_NODE(int, fd, REAL(ftruncate64)(fd, length),
              add(OP_RESIZE, (uint32_t)node)->length = (uint64_t)length)
}

/* Space may be taken beyond the end: then the file is longer. */
static void allocated(int fd, uint32_t node)
{
    struct stat info;
    if (fstat(fd, &info) == 0)
        add(OP_RESIZE, node)->length = (uint64_t)info.st_size;
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    WITH_NODE(int, fd, REAL(fallocate)(fd, mode, at, n), allocated(fd, (uint32_t)node))
}

int fallocate64(int fd, int mode, off64_t at, off64_t n)
{
    WITH_NODE(int, fd, REAL(fallocate64)(fd, mode, at, n),
              allocated(fd, (uint32_t)node))
}

/* Nothing has to be synced in truth. */
static int sync_node(int node)
{
    pthread_mutex_lock(&r.mutex);
    (void)add(OP_SYNC, (uint32_t)node);
    pthread_mutex_unlock(&r.mutex);
    return 0;
}

int fsync(int fd) { return node_of(fd) < 0 ? 0 : sync_node(node_of(fd)); }
int fdatasync(int fd) { return node_of(fd) < 0 ? 0 : sync_node(node_of(fd)); }

/* ---- names ---- */

static void named(const char *from, const char *to, bool moved)
{
    int node = find(from);
    if (node < 0)
        abort();
    int replaced = find(to);
    struct op *op = add(OP_NAME, (uint32_t)node);
    place(op, to);
    if (moved) {
        op = add(OP_UNNAME, (uint32_t)node);
        op->pair = 1;
        place(op, from);
    }
    if (replaced >= 0) {
        free(r.paths[replaced]);
        r.paths[replaced] = NULL;
    }
    free(r.paths[node]);
    r.paths[node] = orr_strdup(to);
}

static void unnamed(const char *path)
{
    int node = find(path);
    struct op *op = add(OP_UNNAME, (uint32_t)(node < 0 ? 0 : node));
    place(op, path);
    if (node < 0) /* it was linked, and is known by the other name */
        return;
    free(r.paths[node]);
    r.paths[node] = NULL;
}

#define WITH_PATH(path, call, then)                                                    \
    if (!below(path))                                                                  \
        return call;                                                                   \
    pthread_mutex_lock(&r.mutex);                                                      \
    int done = call;                                                                   \
    int bad = errno;                                                                   \
    if (done == 0)                                                                     \
        then;                                                                          \
    pthread_mutex_unlock(&r.mutex);                                                    \
    errno = bad;                                                                       \
    return done;

int rename(const char *from, const char *to)
{
    WITH_PATH(from, REAL(rename)(from, to), named(from, to, true))
}

int link(const char *from, const char *to)
{
    WITH_PATH(from, REAL(link)(from, to), named(from, to, false))
}

int unlink(const char *path) { WITH_PATH(path, REAL(unlink)(path), unnamed(path)) }

int mkdir(const char *path, mode_t mode)
{
    WITH_PATH(path, REAL(mkdir)(path, mode), (void)make(path, 1))
}
