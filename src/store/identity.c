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
};

struct orr_files *orr_files_new(void) { return orr_alloc(1, sizeof(struct orr_files)); }

void orr_files_free(struct orr_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->n; i++)
        free(files->entries[i].path);
    free(files->entries);
    orr_map_release(&files->by_hash);
    free(files);
}

static struct orr_id by_size_and_time(const char *path)
{
    struct stat info;
    struct orr_bytes bytes = ORR_BYTES_INIT;
    if (stat(path, &info) == 0) {
        orr_put_i64(&bytes, info.st_size);
        orr_put_i64(&bytes, info.st_mtim.tv_sec);
        orr_put_i64(&bytes, info.st_mtim.tv_nsec);
    }
    struct orr_id id =
        orr_hash(bytes.data ? bytes.data : (const void *)"", bytes.length);
    orr_bytes_release(&bytes);
    return id;
}

enum { READ_BLOCK = 1 << 20 };

static struct orr_id by_bytes(const char *path)
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

struct orr_id orr_files_identify(void *context, const char *path, bool by_content)
{
    struct orr_files *files = context;
    for (uint64_t key = orr_hash64(path, strlen(path), by_content);; key++) {
        bool fresh = false;
        uint64_t *slot = orr_map_insert(&files->by_hash, key, &fresh);
        if (!fresh && *slot) {
            const struct entry *entry = &files->entries[*slot - 1];
            if (entry->by_content == by_content && strcmp(entry->path, path) == 0)
                return entry->id;
            continue;
        }
        *slot = files->n + 1;
        files->entries =
            orr_grow(files->entries, files->n, &files->cap, sizeof *files->entries);
        struct entry *entry = &files->entries[files->n++];
        *entry =
            (struct entry) { orr_strdup(path), by_content,
                             by_content ? by_bytes(path) : by_size_and_time(path) };
        return entry->id;
    }
}
