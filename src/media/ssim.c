/* ssim.c - structural similarity over 8x8 windows; owns nothing
 *
 * Windows lie four samples apart, so sums of 4x4 blocks are made once and four of them
 * give a window (Wang et al. 2004, with the flat windows and constants of x264 and
 * libavfilter, whose scores these equal). */
#include "base/memory.h"
#include "media/metric.h"

#include <stdlib.h>
#include <string.h>

struct block {
    int64_t a, b, squares, product; /* sums over 4x4 samples */
};

static struct block add(struct block p, struct block q)
{
    return (struct block) { p.a + q.a, p.b + q.b, p.squares + q.squares,
                            p.product + q.product };
}

static struct block block8(const uint8_t *a, ptrdiff_t stride_a, const uint8_t *b,
                           ptrdiff_t stride_b)
{
    uint32_t sum_a = 0;
    uint32_t sum_b = 0;
    uint32_t squares = 0;
    uint32_t product = 0;
    for (int y = 0; y < 4; y++, a += stride_a, b += stride_b)
        for (int x = 0; x < 4; x++) {
            uint32_t va = a[x];
            uint32_t vb = b[x];
            sum_a += va;
            sum_b += vb;
            squares += va * va + vb * vb;
            product += va * vb;
        }
    return (struct block) { sum_a, sum_b, squares, product };
}

static struct block block16(const uint16_t *a, ptrdiff_t stride_a, const uint16_t *b,
                            ptrdiff_t stride_b)
{
    struct block sum = { 0 };
    for (int y = 0; y < 4; y++, a += stride_a, b += stride_b)
        for (int x = 0; x < 4; x++) {
            int64_t va = a[x];
            int64_t vb = b[x];
            sum = add(sum, (struct block) { va, vb, va * va + vb * vb, va * vb });
        }
    return sum;
}

static void block_row(const struct orri_plane *a, const struct orri_plane *b, int y,
                      struct block *out)
{
    const uint8_t *row_a = a->data + (ptrdiff_t)y * 4 * a->stride;
    const uint8_t *row_b = b->data + (ptrdiff_t)y * 4 * b->stride;
    for (int x = 0; x < a->width / 4; x++)
        out[x] =
            a->depth > 8
                ? block16((const uint16_t *)(const void *)row_a + x * 4, a->stride / 2,
                          (const uint16_t *)(const void *)row_b + x * 4, b->stride / 2)
                : block8(row_a + x * 4, a->stride, row_b + x * 4, b->stride);
}

static double window(struct block s, double c1, double c2)
{
    double variances = (double)(s.squares * 64 - s.a * s.a - s.b * s.b);
    double covariance = (double)(s.product * 64 - s.a * s.b);
    double mean_product = (double)(s.a * s.b);
    double mean_squares = (double)(s.a * s.a + s.b * s.b);
    return (2 * mean_product + c1) * (2 * covariance + c2) /
           ((mean_squares + c1) * (variances + c2));
}

double orri_plane_ssim(const struct orri_plane *a, const struct orri_plane *b)
{
    int columns = a->width / 4;
    int rows = a->height / 4;
    double peak = (double)((1 << a->depth) - 1);
    double c1 = (double)(int64_t)(.01 * .01 * peak * peak * 64 + .5);
    double c2 = (double)(int64_t)(.03 * .03 * peak * peak * 64 * 63 + .5);
    double sum = 0;
    if (columns < 2 || rows < 2)
        return 1; /* no window fits */
    struct block *blocks = orr_alloc((size_t)columns * 2, sizeof *blocks);
    struct block *above = blocks;
    struct block *below = blocks + columns;
    block_row(a, b, 0, above);
    for (int y = 1; y < rows; y++) {
        block_row(a, b, y, below);
        for (int x = 0; x + 1 < columns; x++)
            sum += window(add(add(above[x], above[x + 1]), add(below[x], below[x + 1])),
                          c1, c2);
        struct block *swap = above;
        above = below;
        below = swap;
    }
    free(blocks);
    return sum / ((double)(columns - 1) * (rows - 1));
}
