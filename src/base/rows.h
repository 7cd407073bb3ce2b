/* rows.h - a growing array of rows of one size that never move
 *
 * Block b holds 64 << b rows, so that a row is found with one shift, growing copies
 * nothing, and what is not used yet of the last block is not touched. */
#ifndef ORR_BASE_ROWS_H
#define ORR_BASE_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { ORR_ROW_BLOCKS = 26, ORR_ROWS_FIRST = 64 };
#define ORR_ROWS_MAX (UINT32_MAX - ORR_ROWS_FIRST)

/* Zeroed but for `size`, it is empty. */
struct orr_rows {
    unsigned char *blocks[ORR_ROW_BLOCKS];
    uint32_t n;
    uint32_t size; /* bytes a row: a multiple of 8 */
};

static inline void *orr_rows_at(const struct orr_rows *rows, uint32_t i)
{
    uint32_t at = i + ORR_ROWS_FIRST;
    uint32_t top = 31 - (uint32_t)__builtin_clz(at);
    return rows->blocks[top - 6] + (size_t)(at - (1U << top)) * rows->size;
}
/* One more row, zeroed; its number is the old `n`. At most ORR_ROWS_MAX. */
void *orr_rows_add(struct orr_rows *rows);
void orr_rows_release(struct orr_rows *rows);

#endif
