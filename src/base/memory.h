/* memory.h - allocation that does not return on failure, and arenas
 *
 * Running out of memory ends the process with exit code 3 and a message: what
 * was acknowledged is on disk and `orrery resume` goes on (docs/design/memory.md). */
#ifndef ORR_BASE_MEMORY_H
#define ORR_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Once, first of all: freed memory is kept for the next call unless it is much. What
 * comes and goes with every batch of results costs a page fault a page otherwise. */
void orr_memory_keep(void);

/* Zeroed memory of n * size bytes; overflow counts as out of memory. free() it. */
void *orr_alloc(size_t n, size_t size);
/* Grow or shrink to n * size bytes; new bytes are not zeroed. */
void *orr_realloc(void *old, size_t n, size_t size);
char *orr_strdup(const char *text);

/* Make room for one more element in a growing array: doubles *cap when n == *cap. */
void *orr_grow(void *array, size_t n, size_t *cap, size_t size);

/* Zeroed memory for large tables, which are looked into at random: on huge pages when
 * it is large, and a page that nobody touches costs nothing. Free it with its size. */
void *orr_pages_alloc(size_t bytes);
void orr_pages_free(void *memory, size_t bytes);
/* Nobody needs the first `done` bytes any more: give them back before the rest. */
void orr_pages_forget(void *memory, size_t bytes, size_t done);

/* Memory that is freed all at once. Zeroed struct is an empty arena. */
struct orr_arena {
    struct orri_arena_block *head;
    size_t bytes; /* handed out in all */
};

#define ORR_ARENA_INIT                                                                 \
    {                                                                                  \
        NULL, 0                                                                        \
    }
/* 8-byte aligned, zeroed; valid until reset or release. */
void *orr_arena_alloc(struct orr_arena *arena, size_t bytes);
/* A copy of bytes, aligned to one, without a gap to the one before. */
void *orr_arena_bytes(struct orr_arena *arena, const void *bytes, size_t length);
char *orr_arena_strdup(struct orr_arena *arena, const char *text);
char *orr_arena_strndup(struct orr_arena *arena, const char *text, size_t length);
__attribute__((format(printf, 2, 3))) char *orr_arena_printf(struct orr_arena *arena,
                                                             const char *format, ...);
/* Forget the contents, keep the newest block for reuse. */
void orr_arena_reset(struct orr_arena *arena);
void orr_arena_release(struct orr_arena *arena);

#endif
