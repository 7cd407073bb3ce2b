/* scratch.c - names and removes the private directory of an attempt; owns nothing */
#include "exec/scratch.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *join(struct orr_arena *arena, const char *a, const char *b,
                        const char *c)
{
    size_t n_a = strlen(a);
    size_t n_b = strlen(b);
    size_t n_c = strlen(c);
    char *path = orr_arena_alloc(arena, n_a + n_b + n_c + 1);
    memcpy(path, a, n_a);
    memcpy(path + n_a, b, n_b);
    memcpy(path + n_a + n_b, c, n_c + 1);
    return path;
}

struct orri_scratch orri_scratch_of(const struct orr_order *order,
                                    struct orr_arena *arena)
{
    struct orri_scratch dirs = { 0 };
    if (!order->run_dir)
        return dirs;
    dirs.output = join(arena, order->run_dir, "/out", "");
    dirs.cache = join(arena, order->run_dir, "/cache", "");
    if (order->scratch)
        dirs.scratch = join(arena, order->run_dir, "/scratch/", order->scratch);
    return dirs;
}

/* Who sees this child die then knows of it. */
static void note(struct orr_home *home, const char *path, enum orr_scratch_state state)
{
    size_t length = strlen(path);
    home->state = ORR_SCRATCH_NONE; /* while the name is written */
    if (length >= sizeof home->scratch)
        return;
    memcpy(home->scratch, path, length + 1);
    home->state = state;
}

orr_status orri_scratch_make(const struct orri_scratch *dirs, struct orr_home *home,
                             struct orr_error *err)
{
    bool had = home->state == ORR_SCRATCH_SPARE;
    bool good = had && rename(home->scratch, dirs->scratch) == 0;
    if (had && !good)
        (void)rmdir(home->scratch);
    note(home, dirs->scratch, ORR_SCRATCH_USED);
    return good ? ORR_OK : orr_mkdirs(dirs->scratch, 0700, err);
}

/* "." and ".." alone. */
static bool is_empty(int directory)
{
    _Alignas(struct dirent64) char block[1024];
    int entries = 0;
    ssize_t n = 0;
    while (entries <= 2 && (n = getdents64(directory, block, sizeof block)) > 0)
        for (ssize_t at = 0; at < n; entries++)
            at += ((const struct dirent64 *)(const void *)(block + at))->d_reclen;
    return n == 0 && entries == 2;
}

/* Empty, and its mode was not changed. */
static bool is_like_new(const char *path)
{
    struct stat info;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return false;
    bool is = fstat(directory, &info) == 0 && (info.st_mode & 07777) == 0700 &&
              is_empty(directory);
    (void)close(directory);
    return is;
}

void orri_scratch_leave(const struct orri_scratch *dirs, struct orr_home *home,
                        bool keep)
{
    if (keep && home->state == ORR_SCRATCH_USED && is_like_new(dirs->scratch)) {
        home->state = ORR_SCRATCH_SPARE;
        return;
    }
    orri_scratch_remove(dirs->scratch);
    home->state = ORR_SCRATCH_NONE;
}

static int remove_entry(const char *path, const struct stat *info, int kind,
                        struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    (void)remove(path); /* what cannot be removed stays: go on */
    return 0;
}

enum { OPEN_DIRECTORIES = 16 };

void orri_scratch_remove(const char *path)
{
    if (path)
        (void)nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}
