/* rows.c - rows that never move; owns the blocks */
#include "base/rows.h"

#include "base/error.h"
#include "base/memory.h"

static size_t block_bytes(const struct orr_rows *rows, uint32_t block)
{
    return ((size_t)ORR_ROWS_FIRST << block) * rows->size;
}

void *orr_rows_add(struct orr_rows *rows)
{
    if (rows->n >= ORR_ROWS_MAX)
        ORR_BUG("more than %u rows", ORR_ROWS_MAX);
    uint32_t block = 31 - (uint32_t)__builtin_clz(rows->n + ORR_ROWS_FIRST) - 6;
    if (!rows->blocks[block])
        rows->blocks[block] = orr_pages_alloc(block_bytes(rows, block));
    return orr_rows_at(rows, rows->n++);
}

void orr_rows_release(struct orr_rows *rows)
{
    for (uint32_t b = 0; b < ORR_ROW_BLOCKS; b++) {
        orr_pages_free(rows->blocks[b], block_bytes(rows, b));
        rows->blocks[b] = NULL;
    }
    rows->n = 0;
}
