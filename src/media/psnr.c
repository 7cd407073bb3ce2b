/* psnr.c - mean squared error and peak signal-to-noise ratio; owns nothing */
#include "media/metric.h"

#include <math.h>
#include <string.h>

/* 16 samples at a time; the compiler splits these to what the machine has. */
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));

static uint64_t sum16(const u32x16 *v)
{
    uint64_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum += (*v)[i];
    return sum;
}

/* A square of a difference of bytes fits 16 bits; a row of 64K samples 32 bits. */
static uint64_t row_error8(const uint8_t *a, const uint8_t *b, int width)
{
    u32x16 total = { 0 };
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        u8x16 va;
        u8x16 vb;
        memcpy(&va, a + x, sizeof va);
        memcpy(&vb, b + x, sizeof vb);
        u16x16 d =
            __builtin_convertvector(va, u16x16) - __builtin_convertvector(vb, u16x16);
        total += __builtin_convertvector(d * d, u32x16);
    }
    uint64_t sum = sum16(&total);
    for (; x < width; x++)
        sum += (uint64_t)((a[x] - b[x]) * (a[x] - b[x]));
    return sum;
}

static uint64_t row_error16(const uint16_t *a, const uint16_t *b, int width)
{
    uint64_t sum = 0;
    for (int x = 0; x < width; x++) {
        int64_t d = (int64_t)a[x] - b[x];
        sum += (uint64_t)(d * d);
    }
    return sum;
}

double orri_plane_mse(const struct orri_plane *a, const struct orri_plane *b)
{
    uint64_t sum = 0;
    for (int y = 0; y < a->height; y++) {
        const void *row_a = a->data + y * a->stride;
        const void *row_b = b->data + y * b->stride;
        sum += a->depth > 8 ? row_error16(row_a, row_b, a->width)
                            : row_error8(row_a, row_b, a->width);
    }
    return (double)sum / ((double)a->width * a->height);
}

double orri_psnr(double mse, double peak)
{
    if (isnan(mse))
        return NAN;
    double db = mse > 0 ? 10.0 * log10(peak * peak / mse) : ORRI_PSNR_MAX;
    return db < ORRI_PSNR_MAX ? db : ORRI_PSNR_MAX;
}
