/* vif.c - visual information fidelity at scale 2 (Sheikh and Bovik 2006)
 * Owns: the reduced planes of one pair of pictures.
 *
 * Scale 2 needs statistics on the plane of a quarter of width and height only. Both
 * pictures are reduced twice (Gaussian of 9, then of 5 taps, every second sample); only
 * the samples that are kept are computed. Local means, variances and covariance are
 * taken with the 5-tap Gaussian. Taps and noise variance are those of libvmaf; areas
 * without detail count as little as they hold, as in libavfilter 8 (newer ones and
 * libvmaf give them full weight). A picture without any detail, black say, has nothing
 * to lose and scores 1, where libavfilter divides rounding errors. Rows are padded, so
 * that inner loops run over whole vectors. */
#include "base/memory.h"
#include "media/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLAT_BITS 1e-3 /* mean information a sample below which a picture is flat */

enum { PAD = 16, LANES = 4, RING = 16, WIDE = 4, NARROW = 2 };

/* Half of the symmetric filters, the centre first. */
static const float wide[WIDE + 1] = { 0.224173605F, 0.192116052F, 0.120920904F,
                                      0.0558981746F, 0.0189780835F };
static const float narrow[NARROW + 1] = { 0.402619958F, 0.244201347F, 0.054488685F };

typedef float f32x4 __attribute__((vector_size(16)));
typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));

/* A plane of floats; rows are padded by PAD on the left and to whole vectors. */
struct plane {
    int width, height;
    size_t stride; /* floats */
    float *data;   /* sample (0, 0) */
    float *memory;
};

struct orri_vif {
    int width, height;
    struct plane ring; /* RING rows of the picture as floats */
    struct plane half;
    struct plane quarter[2]; /* reference, distorted */
    struct plane rows;       /* work: one row each, ROW_* */
};

enum { ROW_FILTERED, ROW_EVEN, ROW_ODD, ROW_X, ROW_Y, ROW_XX, ROW_YY, ROW_XY, N_ROWS };

static f32x4 load(const float *at)
{
    f32x4 v;
    memcpy(&v, at, sizeof v);
    return v;
}

static void store(float *at, f32x4 v) { memcpy(at, &v, sizeof v); }

static void plane_init(struct plane *plane, int width, int height)
{
    size_t lanes = ((size_t)width + LANES - 1) / LANES * LANES;
    plane->width = width;
    plane->height = height;
    plane->stride = lanes + 2 * (size_t)PAD;
    plane->memory = orr_alloc(plane->stride * (size_t)height, sizeof(float));
    plane->data = plane->memory + PAD;
}

static float *row_of(const struct plane *plane, int y)
{
    return plane->data + (size_t)y * plane->stride;
}

struct orri_vif *orri_vif_new(int width, int height)
{
    struct orri_vif *vif = orr_alloc(1, sizeof *vif);
    vif->width = width;
    vif->height = height;
    plane_init(&vif->ring, width, RING);
    plane_init(&vif->half, width / 2, height / 2);
    plane_init(&vif->quarter[0], width / 4, height / 4);
    plane_init(&vif->quarter[1], width / 4, height / 4);
    plane_init(&vif->rows, width, N_ROWS);
    return vif;
}

void orri_vif_free(struct orri_vif *vif)
{
    if (!vif)
        return;
    free(vif->ring.memory);
    free(vif->half.memory);
    free(vif->quarter[0].memory);
    free(vif->quarter[1].memory);
    free(vif->rows.memory);
    free(vif);
}

/* Mirrored at the edges; clamped for planes smaller than the filter. */
static int mirror(int at, int size)
{
    if (at < 0)
        at = -at;
    if (at >= size)
        at = 2 * size - at - 1;
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

/* Samples as floats around 0 in the range of 8 bits; 16 at a time while they last. */
static int convert_vectors(const struct orri_plane *plane, const uint8_t *bytes,
                           float scale, float *out)
{
    int x = 0;
    for (; x + 16 <= plane->width; x += 16) {
        f32x16 v;
        if (plane->depth > 8) {
            u16x16 in;
            memcpy(&in, bytes + x * 2, sizeof in);
            v = __builtin_convertvector(__builtin_convertvector(in, i32x16), f32x16) *
                scale;
        } else {
            u8x16 in;
            memcpy(&in, bytes + x, sizeof in);
            v = __builtin_convertvector(__builtin_convertvector(in, i32x16), f32x16);
        }
        v -= 128.0F;
        memcpy(out + x, &v, sizeof v);
    }
    return x;
}

static void convert_row(const struct orri_plane *plane, int y, float *out)
{
    const uint8_t *bytes = plane->data + y * plane->stride;
    float scale = 1.0F / (float)(1 << (plane->depth - 8));
    for (int x = convert_vectors(plane, bytes, scale, out); x < plane->width; x++) {
        uint16_t deep = 0;
        if (plane->depth > 8)
            memcpy(&deep, bytes + x * 2, sizeof deep);
        out[x] = (float)(plane->depth > 8 ? deep : bytes[x]) * scale - 128.0F;
    }
}

/* out = rows[0] * c[0] + (rows[-k] + rows[k]) * c[k] ...; rows[i] is row centre - n + i
 */
static void filter_rows(float *out, float *const *rows, int n, const float *c,
                        int width)
{
    for (int x = 0; x < width; x += LANES) {
        f32x4 sum = load(rows[n] + x) * c[0];
        for (int k = 1; k <= n; k++)
            sum += (load(rows[n - k] + x) + load(rows[n + k] + x)) * c[k];
        store(out + x, sum);
    }
}

/* Split a row into its even and odd samples, mirrored beyond both ends. */
static void split_row(struct orri_vif *vif, const float *row, int width)
{
    float *even = row_of(&vif->rows, ROW_EVEN);
    float *odd = row_of(&vif->rows, ROW_ODD);
    int half = width / 2;
    for (int x = 0; x < half; x++) {
        even[x] = row[2 * x];
        odd[x] = row[2 * x + 1];
    }
    for (int k = 1; k <= WIDE / 2; k++) {
        even[-k] = row[mirror(-2 * k, width)];
        odd[-k] = row[mirror(-2 * k + 1, width)];
    }
    for (int k = 0; k < WIDE; k++) {
        even[half + k] = row[mirror(2 * (half + k), width)];
        odd[half + k] = row[mirror(2 * (half + k) + 1, width)];
    }
}

/* Filter along the row, every second sample. */
static void reduce_row(struct orri_vif *vif, const float *c, int n, float *out,
                       int width)
{
    const float *even = row_of(&vif->rows, ROW_EVEN);
    const float *odd = row_of(&vif->rows, ROW_ODD);
    for (int x = 0; x < width; x += LANES) {
        f32x4 sum = load(even + x) * c[0] + (load(odd + x - 1) + load(odd + x)) * c[1] +
                    (load(even + x - 1) + load(even + x + 1)) * c[2];
        if (n == WIDE)
            sum += (load(odd + x - 2) + load(odd + x + 1)) * c[3] +
                   (load(even + x - 2) + load(even + x + 2)) * c[4];
        store(out + x, sum);
    }
}

static void reduce_picture(struct orri_vif *vif, const struct orri_plane *picture)
{
    float *rows[2 * WIDE + 1];
    float *filtered = row_of(&vif->rows, ROW_FILTERED);
    int ready = 0; /* rows of the picture that are in the ring */
    for (int y = 0; y < vif->half.height; y++) {
        for (; ready <= 2 * y + WIDE && ready < vif->height; ready++)
            convert_row(picture, ready, row_of(&vif->ring, ready % RING));
        for (int k = -WIDE; k <= WIDE; k++)
            rows[k + WIDE] = row_of(&vif->ring, mirror(2 * y + k, vif->height) % RING);
        filter_rows(filtered, rows, WIDE, wide, vif->width);
        split_row(vif, filtered, vif->width);
        reduce_row(vif, wide, WIDE, row_of(&vif->half, y), vif->half.width);
    }
}

static void reduce_half(struct orri_vif *vif, struct plane *out)
{
    float *rows[2 * NARROW + 1];
    float *filtered = row_of(&vif->rows, ROW_FILTERED);
    for (int y = 0; y < out->height; y++) {
        for (int k = -NARROW; k <= NARROW; k++)
            rows[k + NARROW] = row_of(&vif->half, mirror(2 * y + k, vif->half.height));
        filter_rows(filtered, rows, NARROW, narrow, vif->half.width);
        split_row(vif, filtered, vif->half.width);
        reduce_row(vif, narrow, NARROW, row_of(out, y), out->width);
    }
}

/* Weighted sums over rows of x, y and their products, for row `y`. */
static void moments_of_rows(struct orri_vif *vif, int y)
{
    const struct plane *px = &vif->quarter[0];
    const struct plane *py = &vif->quarter[1];
    for (int at = 0; at < px->width; at += LANES) {
        f32x4 sum[5] = { { 0 } };
        for (int k = -NARROW; k <= NARROW; k++) {
            int row = mirror(y + k, px->height);
            float c = narrow[k < 0 ? -k : k];
            f32x4 x = load(row_of(px, row) + at);
            f32x4 z = load(row_of(py, row) + at);
            sum[0] += x * c;
            sum[1] += z * c;
            sum[2] += x * x * c;
            sum[3] += z * z * c;
            sum[4] += x * z * c;
        }
        for (int i = 0; i < 5; i++)
            store(row_of(&vif->rows, ROW_X + i) + at, sum[i]);
    }
    for (int i = 0; i < 5; i++) {
        float *row = row_of(&vif->rows, ROW_X + i);
        for (int k = 1; k <= NARROW; k++) {
            row[-k] = row[mirror(-k, px->width)];
            row[px->width - 1 + k] = row[mirror(px->width - 1 + k, px->width)];
        }
    }
}

static f32x4 smooth(const struct orri_vif *vif, int which, int at)
{
    const float *row = row_of(&vif->rows, ROW_X + which) + at;
    return load(row) * narrow[0] + (load(row - 1) + load(row + 1)) * narrow[1] +
           (load(row - 2) + load(row + 2)) * narrow[2];
}

/* Sums of log2 as one log2 of a product: a double holds many factors. */
struct total {
    double kept, given; /* products not yet taken the logarithm of */
    double kept_bits, given_bits;
};

static void settle(struct total *total)
{
    total->kept_bits += log2(total->kept);
    total->given_bits += log2(total->given);
    total->kept = total->given = 1;
}

static void add_sample(struct total *total, float var_x, float var_y, float covariance)
{
    const float noise = 2.0F;
    const float tiny = 1.0e-10F;
    if (var_x < tiny)
        return; /* log2(1) */
    var_y = fmaxf(var_y, 0);
    covariance = fmaxf(covariance, 0);
    float gain = covariance / (var_x + tiny);
    float rest = var_y - gain * covariance;
    if (var_y < tiny)
        gain = rest = 0;
    rest = fmaxf(rest, tiny);
    gain = fminf(gain, 100.0F);
    total->kept *= (double)(1.0F + gain * gain * var_x / (rest + noise));
    total->given *= (double)(1.0F + var_x / noise);
    if (total->kept > 1e200 || total->given > 1e200)
        settle(total);
}

static void add_row(struct orri_vif *vif, int y, struct total *total)
{
    int width = vif->quarter[0].width;
    moments_of_rows(vif, y);
    for (int at = 0; at < width; at += LANES) {
        f32x4 x = smooth(vif, 0, at);
        f32x4 z = smooth(vif, 1, at);
        f32x4 var_x = smooth(vif, 2, at) - x * x;
        f32x4 var_y = smooth(vif, 3, at) - z * z;
        f32x4 covariance = smooth(vif, 4, at) - x * z;
        for (int i = 0; i < LANES && at + i < width; i++)
            add_sample(total, var_x[i], var_y[i], covariance[i]);
    }
}

double orri_vif_score(struct orri_vif *vif, const struct orri_plane *reference,
                      const struct orri_plane *distorted)
{
    struct total total = { .kept = 1, .given = 1 };
    if (vif->quarter[0].width < 1 || vif->quarter[0].height < 1)
        return 1; /* nothing left at this scale */
    reduce_picture(vif, reference);
    reduce_half(vif, &vif->quarter[0]);
    reduce_picture(vif, distorted);
    reduce_half(vif, &vif->quarter[1]);
    for (int y = 0; y < vif->quarter[0].height; y++)
        add_row(vif, y, &total);
    settle(&total);
    double samples = (double)vif->quarter[0].width * vif->quarter[0].height;
    return total.given_bits < FLAT_BITS * samples ? 1
                                                  : total.kept_bits / total.given_bits;
}
