/* metric.c - PSNR, SSIM and VIF: equal to libavfilter's, and right where one can know
 */
#include "fixture.h"

#include "media/metric.h"
#include "media/timeline.h"

#include <math.h>

/* ---- against the filters of ffmpeg ---- */

struct judged {
    double psnr, psnr_y, ssim, vif;
};

/* The number after `key` in a text, or NAN. */
static double number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? atof(at + strlen(key)) : NAN;
}

/* -cpuflags 0: the SSE code of ffmpeg 5.1's ssim errs by 1e-3 when a row has an odd
 * number of blocks.
 *
 * What ffmpeg's filters say of a chunk and frames `first`... of the source, scaled as
 * media.encode scales them. */
static struct judged judge(struct fixture *fix, const char *source, const char *chunk,
                           int first, int frames, const char *scale)
{
    struct judged out;
    const char *log = shell(
        fix,
        "ffmpeg -nostdin -hide_banner -cpuflags 0 -i '%s' -i '%s' -fps_mode "
        "passthrough -lavfi "
        "\"[1:v]setpts=N/25/TB,trim=start_frame=%d:end_frame=%d,%ssetpts=N/25/"
        "TB,settb=1/25,setpts=N[r0];[r0]split=3[r1][r2][r3];"
        "[0:v]settb=1/"
        "25,setpts=N[d0];[d0]split=3[d1][d2][d3];[d1][r1]psnr[o1];[d2][r2]ssim[o2];"
        "[d3][r3]vif[o3]\" -map '[o1]' -f null - -map '[o2]' -f null - -map '[o3]' -f "
        "null "
        "- 2>&1",
        chunk, source, first, first + frames, scale);
    const char *psnr = strstr(log, "PSNR y:");
    out.psnr = psnr ? number_after(psnr, "average:") : NAN;
    out.psnr_y = number_after(log, "PSNR y:");
    out.ssim = number_after(log, "All:");
    out.vif = number_after(log, "VIF scale=2 average:");
    return out;
}

static void equals_filters(void **state)
{
    static const struct {
        const char *clip;
        bool fetched;
        int first, frames, height;
        double crf;
    } cases[] = {
        { "plain.mp4", false, 10, 12, 0, 23 },  { "plain.mp4", false, 60, 12, 0, 40 },
        { "plain.mp4", false, 30, 8, 150, 30 }, { "vfr.mp4", false, 36, 9, 0, 34 },
        { "ocean.mp4", true, 0, 4, 0, 26 },     { "ocean.mp4", true, 144, 5, 360, 30 },
        { "box.mp4", true, 3, 4, 0, 33 },
    };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].fetched && !have_clip(&fix, cases[i].clip))
            continue;
        struct outcome out =
            encode(&fix, cases[i].clip, cases[i].first, cases[i].frames,
                   (struct arg[]) { { "preset", text_value(&fix, "superfast") },
                                    { "crf", orr_float(cases[i].crf) },
                                    { "height", orr_int(cases[i].height) },
                                    { 0 } });
        const char *scale =
            cases[i].height
                ? orr_arena_printf(
                      &fix.arena,
                      "scale=%lld:%lld:flags=bicubic+accurate_rnd+full_chroma_int+"
                      "full_chroma_inp+bitexact,",
                      (long long)int_of(&out, "width"),
                      (long long)int_of(&out, "height"))
                : "";
        struct judged want = judge(&fix, clip(&fix, cases[i].clip),
                                   save(&fix, field(out.results, "data"), "judged.nut"),
                                   cases[i].first, cases[i].frames, scale);
        print_message("%s crf %g: psnr %.4f (%.4f) ssim %.6f (%.6f) vif %.6f (%.6f)\n",
                      cases[i].clip, cases[i].crf, float_of(&out, "psnr"), want.psnr,
                      float_of(&out, "ssim"), want.ssim, float_of(&out, "vif"),
                      want.vif);
        assert_true(fabs(float_of(&out, "psnr") - want.psnr) < 0.01);
        assert_true(fabs(float_of(&out, "psnr_y") - want.psnr_y) < 0.01);
        assert_true(fabs(float_of(&out, "ssim") - want.ssim) < 1e-4);
        assert_true(fabs(float_of(&out, "vif") - want.vif) < 1e-3);
    }
    fixture_release(&fix);
}

/* ---- planes made by hand ---- */

enum { SIDE = 96 };

struct picture {
    uint8_t bytes[SIDE * SIDE * 2];
    struct orri_plane plane;
};

/* A textured picture, brighter by `offset`, at `depth` bits. */
static void paint(struct picture *picture, int offset, int depth)
{
    uint32_t seed = 1;
    picture->plane = (struct orri_plane) { picture->bytes, SIDE * (depth > 8 ? 2 : 1),
                                           SIDE, SIDE, depth };
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            seed = seed * 1664525 + 1013904223;
            int level = 60 + offset + (x * y / 29 + (int)(seed >> 27)) % 120;
            uint16_t deep = (uint16_t)(level << (depth - 8));
            if (depth > 8)
                memcpy(picture->bytes + (y * SIDE + x) * 2, &deep, 2);
            else
                picture->bytes[y * SIDE + x] = (uint8_t)level;
        }
}

static void errors_are_exact(void **state)
{
    static struct picture a, b;
    (void)state;
    for (int depth = 8; depth <= 12; depth += 2) {
        paint(&a, 0, depth);
        paint(&b, 3, depth);
        double step = 1 << (depth - 8);
        assert_true(orri_plane_mse(&a.plane, &a.plane) == 0);
        assert_true(orri_plane_mse(&a.plane, &b.plane) == 9 * step * step);
        b.plane.width = a.plane.width = 37; /* not a whole vector */
        assert_true(orri_plane_mse(&a.plane, &b.plane) == 9 * step * step);
    }
    memset(a.bytes, 0, sizeof a.bytes);
    memset(b.bytes, 255, sizeof b.bytes);
    a.plane = b.plane = (struct orri_plane) { a.bytes, SIDE, SIDE, SIDE, 8 };
    b.plane.data = b.bytes;
    assert_true(orri_plane_mse(&a.plane, &b.plane) == 255.0 * 255.0); /* no overflow */
    assert_true(orri_psnr(255.0 * 255.0, 255) == 0);
    assert_true(orri_psnr(0, 255) == ORRI_PSNR_MAX);
    assert_true(isnan(orri_psnr(NAN, 255)));
}

/* VIF as it is defined, in double precision and without any short cut. */
static double *gauss(const double *in, int w, int h, int taps)
{
    static const double nine[] = { 0.0189780835, 0.0558981746, 0.120920904,
                                   0.192116052,  0.224173605,  0.192116052,
                                   0.120920904,  0.0558981746, 0.0189780835 };
    static const double five[] = { 0.054488685, 0.244201347, 0.402619958, 0.244201347,
                                   0.054488685 };
    const double *c = taps == 9 ? nine : five;
    double *out = orr_alloc((size_t)(w * h), sizeof *out);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int k = 0; k < taps * taps; k++) {
                int py = abs(y + k / taps - taps / 2);
                int px = abs(x + k % taps - taps / 2);
                py = py >= h ? 2 * h - py - 1 : py;
                px = px >= w ? 2 * w - px - 1 : px;
                out[y * w + x] += c[k / taps] * c[k % taps] * in[py * w + px];
            }
    return out;
}

static double *halve(double *in, int w, int h, int taps)
{
    double *all = gauss(in, w, h, taps);
    for (int y = 0; y < h / 2; y++)
        for (int x = 0; x < w / 2; x++)
            in[y * (w / 2) + x] = all[2 * y * w + 2 * x];
    free(all);
    return in;
}

static double *smoothed_product(const double *a, const double *b, int n, int side)
{
    double *product = orr_alloc((size_t)n, sizeof *product);
    for (int i = 0; i < n; i++)
        product[i] = a[i] * (b ? b[i] : 1);
    double *out = gauss(product, side, side, 5);
    free(product);
    return out;
}

static double defined_vif(const struct picture *a, const struct picture *b)
{
    static double x[SIDE * SIDE];
    static double y[SIDE * SIDE];
    const int side = SIDE / 4;
    const int n = side * side;
    double kept = 0;
    double given = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        x[i] = a->bytes[i];
        y[i] = b->bytes[i];
    }
    (void)halve(halve(x, SIDE, SIDE, 9), SIDE / 2, SIDE / 2, 5);
    (void)halve(halve(y, SIDE, SIDE, 9), SIDE / 2, SIDE / 2, 5);
    double *m[] = { smoothed_product(x, NULL, n, side),
                    smoothed_product(y, NULL, n, side), smoothed_product(x, x, n, side),
                    smoothed_product(y, y, n, side), smoothed_product(x, y, n, side) };
    for (int i = 0; i < n; i++) {
        double vx = fmax(0, m[2][i] - m[0][i] * m[0][i]);
        double vy = fmax(0, m[3][i] - m[1][i] * m[1][i]);
        double cov = fmax(0, m[4][i] - m[0][i] * m[1][i]);
        double gain = fmin(100, cov / (vx + 1e-10));
        double rest = fmax(1e-10, vy - gain * cov);
        kept += log2(1 + gain * gain * vx / (rest + 2));
        given += log2(1 + vx / 2);
    }
    for (int i = 0; i < 5; i++)
        free(m[i]);
    return kept / given;
}

static void vif_is_as_defined(void **state)
{
    static struct picture a, b;
    struct orri_vif *vif = orri_vif_new(SIDE, SIDE);
    uint32_t seed = 5;
    (void)state;
    for (int noise = 1; noise < 60; noise *= 2) {
        paint(&a, 0, 8);
        paint(&b, 4, 8);
        for (int i = 0; i < SIDE * SIDE; i++) {
            seed = seed * 1664525 + 1013904223;
            b.bytes[i] = (uint8_t)(b.bytes[i] + (int)(seed >> 16) % noise);
            if (i % SIDE > SIDE / 2)
                a.bytes[i] = b.bytes[i] = 90; /* a flat part */
        }
        double want = defined_vif(&a, &b);
        double got = orri_vif_score(vif, &a.plane, &b.plane);
        assert_true(want > 0.05 && want < 1.2);
        if (fabs(got - want) > 1e-4)
            fail_msg("VIF %.7f, defined %.7f", got, want);
    }
    memset(a.bytes, 16, sizeof a.bytes); /* black: nothing to lose */
    assert_true(orri_vif_score(vif, &a.plane, &b.plane) == 1);
    orri_vif_free(vif);
}

/* One quality at all depths, and none beyond 1 for equal pictures. */
static void scores_do_not_depend_on_depth(void **state)
{
    static struct picture a, b;
    struct orri_vif *vif = orri_vif_new(SIDE, SIDE);
    double vif_at[2];
    double ssim_at[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        paint(&a, 0, i ? 10 : 8);
        paint(&b, 0, i ? 10 : 8);
        assert_true(fabs(orri_vif_score(vif, &a.plane, &b.plane) - 1) < 1e-5);
        assert_true(fabs(orri_plane_ssim(&a.plane, &b.plane) - 1) < 1e-12);
        for (int y = 0; y < SIDE;
             y += 2) /* blur: every second row repeats the one above */
            memcpy(b.bytes + (y + 1) * b.plane.stride, b.bytes + y * b.plane.stride,
                   (size_t)b.plane.stride);
        vif_at[i] = orri_vif_score(vif, &a.plane, &b.plane);
        ssim_at[i] = orri_plane_ssim(&a.plane, &b.plane);
    }
    assert_true(vif_at[0] < 0.95 && vif_at[0] > 0.1);
    assert_true(fabs(vif_at[0] - vif_at[1]) < 1e-5);
    assert_true(ssim_at[0] < 0.95 && fabs(ssim_at[0] - ssim_at[1]) < 2e-3);
    orri_vif_free(vif);
}

/* No plane is too small: nothing is read beyond it (the sanitizer watches). */
static void small_planes(void **state)
{
    (void)state;
    for (int side = 1; side < 20; side++) {
        uint8_t *bytes = orr_alloc((size_t)(side * side), 1);
        struct orri_plane plane = { bytes, side, side, side, 8 };
        struct orri_vif *vif = orri_vif_new(side, side);
        for (int i = 0; i < side * side; i++)
            bytes[i] = (uint8_t)(i * 37);
        assert_true(orri_plane_mse(&plane, &plane) == 0);
        assert_true(fabs(orri_plane_ssim(&plane, &plane) - 1) < 1e-12);
        assert_true(fabs(orri_vif_score(vif, &plane, &plane) - 1) < 1e-4);
        orri_vif_free(vif);
        free(bytes);
    }
}

/* ---- decode times ---- */

static void timeline_is_lawful(void **state)
{
    static const struct {
        int64_t pts[8];
        uint64_t n, delay;
        int64_t dts[8];
    } cases[] = {
        { { 0, 1, 2, 3 }, 4, 0, { 0, 1, 2, 3 } },
        { { 0, 3, 1, 2, 6, 4, 5 }, 7, 1, { -1, 0, 1, 2, 3, 4, 5 } },
        { { 0, 4, 2, 1, 3, 5 }, 6, 2, { -2, -1, 0, 1, 2, 3 } },
        { { 10, 40, 20, 90, 70 }, 5, 1, { 9, 10, 20, 40, 70 } }, /* irregular */
        { { 7 }, 1, 0, { 7 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orri_timeline timeline;
        int64_t pts[8];
        memcpy(pts, cases[i].pts, sizeof pts);
        orri_timeline_init(&timeline, pts, cases[i].n, 1);
        assert_true(timeline.unique);
        assert_int_equal(timeline.delay, cases[i].delay);
        for (uint64_t k = 0; k < cases[i].n; k++) {
            assert_int_equal(orri_timeline_dts(&timeline, k), cases[i].dts[k]);
            assert_true(cases[i].dts[k] <= pts[k]);
        }
        orri_timeline_release(&timeline);
    }
    struct orri_timeline timeline;
    int64_t twice[] = { 0, 2, 2, 1 };
    orri_timeline_init(&timeline, twice, 4, 1);
    assert_false(timeline.unique);
    orri_timeline_release(&timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_filters),
        cmocka_unit_test(errors_are_exact),
        cmocka_unit_test(vif_is_as_defined),
        cmocka_unit_test(scores_do_not_depend_on_depth),
        cmocka_unit_test(small_planes),
        cmocka_unit_test(timeline_is_lawful),
    };
    return cmocka_run_group_tests_name("media/metric", tests, NULL, NULL);
}
