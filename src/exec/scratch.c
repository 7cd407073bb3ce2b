/* scratch.c - names and removes the private directory of an attempt; owns nothing */
#include "exec/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

struct orri_scratch orri_scratch_of(const struct orr_order *order,
                                    struct orr_arena *arena)
{
    struct orri_scratch dirs = { 0 };
    if (!order->run_dir)
        return dirs;
    dirs.output = orr_arena_printf(arena, "%s/out", order->run_dir);
    dirs.cache = orr_arena_printf(arena, "%s/cache", order->run_dir);
    if (order->scratch)
        dirs.scratch =
            orr_arena_printf(arena, "%s/scratch/%s", order->run_dir, order->scratch);
    return dirs;
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

void orri_scratch_remove(const struct orri_scratch *dirs)
{
    if (dirs->scratch)
        (void)nftw(dirs->scratch, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}
