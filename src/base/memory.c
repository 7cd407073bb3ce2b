/* memory.c - checked allocation and arenas; owns the blocks of an arena */
#include "base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 * 1024 * 1024 };
/* Blocks of an arena double from the first to the largest: thousands of small arenas
 * must not take a large block each. */
enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 32 * 1024, ALIGNMENT = 8, EXIT_MACHINE = 3 };

struct orri_arena_block {
    struct orri_arena_block *next;
    size_t used;
    size_t size;
    unsigned char data[];
};

__attribute__((noreturn)) static void out_of_memory(size_t n, size_t size)
{
    char text[160];
    int length = snprintf(text, sizeof text,
                          "orrery: out of memory (%zu x %zu bytes); what was "
                          "acknowledged is safe, resume the run\n",
                          n, size);
    if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(EXIT_MACHINE);
    _exit(EXIT_MACHINE);
}

void orr_memory_keep(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the first switches its growth off */
}

void *orr_alloc(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size ? size : 1);
    if (!memory)
        out_of_memory(n, size);
    return memory;
}

void *orr_realloc(void *old, size_t n, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(n, size, &bytes))
        out_of_memory(n, size);
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory)
        out_of_memory(n, size);
    return memory;
}

void *orr_pages_alloc(size_t bytes)
{
    if (bytes < HUGE_PAGE)
        return orr_alloc(1, bytes);
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        out_of_memory(1, bytes);
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

void orr_pages_free(void *memory, size_t bytes)
{
    if (bytes < HUGE_PAGE)
        free(memory);
    else if (memory)
        (void)munmap(memory, bytes);
}

void orr_pages_forget(void *memory, size_t bytes, size_t done)
{
    if (bytes >= HUGE_PAGE)
        (void)madvise(memory, done & ~(size_t)(HUGE_PAGE - 1), MADV_DONTNEED);
}

char *orr_strdup(const char *text)
{
    size_t length = strlen(text);
    char *copy = orr_alloc(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

void *orr_grow(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 8;
    return orr_realloc(array, *cap, size);
}

static size_t next_size(const struct orri_arena_block *block, size_t need)
{
    size_t size = !block                            ? FIRST_BLOCK
                  : block->size < LARGEST_BLOCK / 2 ? 2 * block->size
                                                    : LARGEST_BLOCK;
    return need > size ? need : size;
}

/* `need` bytes at an offset that is a multiple of `alignment`. */
static void *arena_take(struct orr_arena *arena, size_t need, size_t alignment)
{
    struct orri_arena_block *block = arena->head;
    size_t at = block ? (block->used + alignment - 1) & ~(alignment - 1) : 0;
    if (!block || at > block->size || block->size - at < need) {
        size_t size = next_size(block, need);
        block = orr_realloc(NULL, 1, sizeof *block + size);
        *block = (struct orri_arena_block) { .next = arena->head, .size = size };
        arena->head = block;
        at = 0;
    }
    arena->bytes += at + need - block->used;
    block->used = at + need;
    return block->data + at;
}

void *orr_arena_alloc(struct orr_arena *arena, size_t bytes)
{
    size_t need = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    return memset(arena_take(arena, need, ALIGNMENT), 0, need);
}

void *orr_arena_bytes(struct orr_arena *arena, const void *bytes, size_t length)
{
    void *memory = arena_take(arena, length, 1);
    if (length)
        memcpy(memory, bytes, length);
    return memory;
}

char *orr_arena_strndup(struct orr_arena *arena, const char *text, size_t length)
{
    char *copy = orr_arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *orr_arena_strdup(struct orr_arena *arena, const char *text)
{
    return orr_arena_strndup(arena, text, strlen(text));
}

char *orr_arena_printf(struct orr_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = orr_arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
    if (length > 0)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

static void free_blocks(struct orri_arena_block *block)
{
    while (block) {
        struct orri_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void orr_arena_reset(struct orr_arena *arena)
{
    if (arena->bytes == 0)
        return;
    if (arena->head->next)
        free_blocks(arena->head->next);
    arena->head->next = NULL;
    arena->head->used = 0;
    arena->bytes = 0;
}

void orr_arena_release(struct orr_arena *arena)
{
    free_blocks(arena->head);
    *arena = (struct orr_arena)ORR_ARENA_INIT;
}
