/* identity.c - what makes a file part of a task's identity
 * Owns: answers, so that a source of a million tasks is looked at once. */
#include "store/identity.h"

#include "base/bytes.h"
#include "base/map.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    char *path;
    bool by_content;
    struct orr_id id;
};

struct orr_files {
    struct orr_map by_hash; /* entry + 1 */
    struct entry *entries;
    size_t n;
    size_t cap;
    char *run_dir; /* or NULL */
};

struct orr_files *orr_files_new(void) { return orr_alloc(1, sizeof(struct orr_files)); }

void orr_files_free(struct orr_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->n; i++)
        free(files->entries[i].path);
    free(files->entries);
    free(files->run_dir);
    orr_map_release(&files->by_hash);
    free(files);
}

void orr_files_of_run(struct orr_files *files, const char *run_dir)
{
    free(files->run_dir);
    files->run_dir = orr_strdup(run_dir);
}

const char *orr_files_within(void *context, const char *path)
{
    const struct orr_files *files = context;
    size_t length = files->run_dir ? strlen(files->run_dir) : 0;
    bool within = length && strncmp(path, files->run_dir, length) == 0 &&
                  strncmp(path + length, "/out/", 5) == 0;
    return within ? path + length + 1 : path;
}

bool orr_file_look(const char *path, struct orr_file_seen *out)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    *out = (struct orr_file_seen) { path, info.st_size, info.st_mtim.tv_sec,
                                    info.st_mtim.tv_nsec };
    return true;
}

/* NULL: of a file that is not there. */
static struct orr_id by_size_and_time(const struct orr_file_seen *seen)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    if (seen) {
        orr_put_i64(&bytes, seen->size);
        orr_put_i64(&bytes, seen->seconds);
        orr_put_i64(&bytes, seen->nanoseconds);
    }
    struct orr_id id =
        orr_hash(bytes.data ? bytes.data : (const void *)"", bytes.length);
    orr_bytes_release(&bytes);
    return id;
}

enum { READ_BLOCK = 1 << 20 };

struct orr_id orr_file_content(const char *path)
{
    struct orr_hasher *hasher = orr_hasher_new();
    unsigned char *block = orr_alloc(READ_BLOCK, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    while (fd >= 0 && (n = read(fd, block, READ_BLOCK)) > 0)
        orr_hasher_add(hasher, block, (size_t)n);
    if (fd >= 0)
        (void)close(fd);
    struct orr_id id = orr_hasher_end(hasher);
    orr_hasher_free(hasher);
    free(block);
    return id;
}

static struct orr_id identify(const char *path, bool by_content)
{
    struct orr_file_seen seen;
    if (by_content)
        return orr_file_content(path);
    return by_size_and_time(orr_file_look(path, &seen) ? &seen : NULL);
}

/* The entry of the path; a new one has no path yet. */
static struct entry *entry_of(struct orr_files *files, const char *path,
                              bool by_content)
{
    for (uint64_t key = orr_hash64(path, strlen(path), by_content);; key++) {
        bool fresh = false;
        uint64_t *slot = orr_map_insert(&files->by_hash, key, &fresh);
        if (!fresh && *slot) {
            struct entry *entry = &files->entries[*slot - 1];
            if (entry->by_content == by_content && strcmp(entry->path, path) == 0)
                return entry;
            continue;
        }
        *slot = files->n + 1;
        files->entries =
            orr_grow(files->entries, files->n, &files->cap, sizeof *files->entries);
        files->entries[files->n] = (struct entry) { .by_content = by_content };
        return &files->entries[files->n++];
    }
}

struct orr_id orr_files_identify(void *context, const char *path, bool by_content)
{
    struct entry *entry = entry_of(context, path, by_content);
    if (!entry->path) {
        entry->path = orr_strdup(path);
        entry->id = identify(path, by_content);
    }
    return entry->id;
}

void orr_files_remember(struct orr_files *files, const struct orr_file_seen *seen)
{
    struct orr_file_seen now;
    if (orr_file_look(seen->path, &now))
        return;
    struct entry *entry = entry_of(files, seen->path, false);
    if (!entry->path)
        entry->path = orr_strdup(seen->path);
    entry->id = by_size_and_time(seen);
}

void orr_files_know(struct orr_files *files, const struct orr_file_seen *seen,
                    struct orr_id content)
{
    struct orr_file_seen now;
    if (!orr_file_look(seen->path, &now) || now.size != seen->size ||
        now.seconds != seen->seconds || now.nanoseconds != seen->nanoseconds)
        return;
    struct entry *entry = entry_of(files, seen->path, true);
    if (!entry->path)
        entry->path = orr_strdup(seen->path);
    entry->id = content;
}
