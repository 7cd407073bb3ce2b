/* exact.c - a frame is the same frame however the decoder came to it
 *
 * Chunks are encoded without loss and decoded by the ffmpeg tool; the MD5 of every
 * frame must be the one that ffmpeg finds when it decodes the source from its start. */
#include "fixture.h"

enum { MD5 = 32, FRAMES_MAX = 5000 };

/* MD5 of every frame of a file, as ffmpeg decodes it: n lines of 32 digits. */
static uint32_t md5s(struct fixture *fix, const char *path, const char *filter,
                     char (*out)[MD5 + 1])
{
    const char *text =
        shell(fix,
              "ffmpeg -nostdin -v error -i '%s' -map 0:v:0 -fps_mode "
              "passthrough %s -pix_fmt yuv420p -f framemd5 - | grep -v '^#' "
              "| sed 's/.*, *//'",
              path, filter);
    uint32_t n = 0;
    for (; *text && n < FRAMES_MAX; text += MD5 + 1, n++)
        (void)snprintf(out[n], MD5 + 1, "%.32s", text);
    return n;
}

struct range {
    int64_t first, frames;
};

/* Encode the ranges in this order without loss; every frame must be the source's. */
static double check_ranges(struct fixture *fix, const char *name,
                           const struct range *ranges, size_t n)
{
    static char want[FRAMES_MAX][MD5 + 1];
    static char got[FRAMES_MAX][MD5 + 1];
    double decoded = 0;
    uint32_t all = md5s(fix, clip(fix, name), "", want);
    for (size_t i = 0; i < n; i++) {
        assert_true(ranges[i].first + ranges[i].frames <= all);
        struct outcome out =
            encode(fix, name, ranges[i].first, ranges[i].frames,
                   (struct arg[]) { QUICK(fix), { "qp", orr_int(0) }, { 0 } });
        decoded += out.decoded;
        const char *path = save(fix, field(out.results, "data"), "exact.nut");
        assert_int_equal(md5s(fix, path, "", got), ranges[i].frames);
        for (int64_t k = 0; k < ranges[i].frames; k++)
            if (strcmp(got[k], want[ranges[i].first + k]) != 0)
                fail_msg("%s: frame %lld (range %zu) is another picture", name,
                         (long long)(ranges[i].first + k), i);
    }
    return decoded;
}

#define N(ranges) (sizeof(ranges) / sizeof *(ranges))

static void generated_clips(void **state)
{
    static const struct range far_and_near[] = { { 97, 3 }, { 0, 4 },   { 60, 3 },
                                                 { 49, 4 }, { 53, 10 }, { 30, 1 },
                                                 { 29, 2 }, { 70, 5 } };
    static const struct range open[] = { { 29, 4 },  { 120, 5 }, { 57, 6 },
                                         { 58, 3 },  { 31, 1 },  { 88, 5 },
                                         { 145, 5 }, { 0, 3 },   { 119, 2 } };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    (void)check_ranges(&fix, "plain.mp4", far_and_near, N(far_and_near));
    (void)check_ranges(&fix, "opengop.mp4", open, N(open));
    (void)check_ranges(&fix, "vfr.mp4",
                       (struct range[]) { { 80, 10 }, { 31, 3 }, { 0, 2 } }, 3);
    (void)check_ranges(&fix, "vfr.mkv",
                       (struct range[]) { { 80, 10 }, { 31, 3 }, { 0, 2 } }, 3);
    (void)check_ranges(&fix, "one.mp4", (struct range[]) { { 0, 1 }, { 0, 1 } }, 2);
    fixture_release(&fix);
}

/* One keyframe in all: chunks in order must not start from frame 0 again and again. */
static void long_gop_is_decoded_once(void **state)
{
    static const struct range rising[] = { { 0, 20 },   { 50, 20 },  { 100, 20 },
                                           { 150, 20 }, { 200, 20 }, { 280, 20 } };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    double decoded = check_ranges(&fix, "longgop.mp4", rising, N(rising));
    print_message("longgop.mp4: %.0f frames decoded for 6 chunks in 300 frames\n",
                  decoded);
    assert_true(decoded == 300);
    decoded = check_ranges(&fix, "longgop.mp4", (struct range[]) { { 40, 5 } }, 1);
    assert_true(decoded == 45);
    fixture_release(&fix);
}

static void fetched_clips(void **state)
{
    static const struct {
        const char *name;
        struct range ranges[6];
        size_t n;
        double decoded_max;
    } cases[] = {
        { "ocean.mp4", { { 121, 2 }, { 0, 2 }, { 140, 2 } }, 3, 265 },
        { "box.mp4", { { 449, 6 }, { 0, 3 }, { 249, 3 }, { 255, 2 } }, 4, 900 },
        { "Megamind.avi", { { 265, 5 }, { 0, 3 }, { 100, 3 }, { 101, 2 } }, 4, 600 },
        { "vtest.avi", { { 790, 5 }, { 0, 3 }, { 400, 3 }, { 296, 8 } }, 4, 1000 },
        { "franck.mp4", { { 4790, 10 }, { 250, 3 }, { 2501, 3 } }, 3, 1000 },
    };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < N(cases); i++) {
        if (!have_clip(&fix, cases[i].name))
            continue;
        double decoded = check_ranges(&fix, cases[i].name, cases[i].ranges, cases[i].n);
        print_message("%s: %.0f frames decoded\n", cases[i].name, decoded);
        assert_true(decoded <= cases[i].decoded_max);
    }
    fixture_release(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_clips),
        cmocka_unit_test(long_gop_is_decoded_once),
        cmocka_unit_test(fetched_clips),
    };
    return cmocka_run_group_tests_name("media/exact", tests, NULL, NULL);
}
