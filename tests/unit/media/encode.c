/* encode.c - media.encode: chunks that fit together, repeat exactly, and keep what the
 * source has; its errors */
#include "fixture.h"

#include <math.h>

static const struct {
    const char *codec, *preset, *crf_low, *crf_high;
} coders[] = {
    { "x264", "veryfast", "18", "33" },
    { "x265", "ultrafast", "20", "35" },
    { "svt-av1", "12", "30", "50" },
};

enum { N_CODERS = sizeof coders / sizeof *coders };

static struct outcome encode_with(struct fixture *fix, size_t coder, int64_t first,
                                  int64_t frames, double crf)
{
    return encode(fix, "plain.mp4", first, frames,
                  (struct arg[]) { { "codec", text_value(fix, coders[coder].codec) },
                                   { "preset", text_value(fix, coders[coder].preset) },
                                   { "crf", orr_float(crf) },
                                   { "metrics", list_value(fix, NULL, 0) },
                                   { 0 } });
}

/* Pitfalls 1 to 4: headers are equal over quantisers, places and lengths. */
static void headers_are_equal(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < N_CODERS; i++) {
        struct outcome a = encode_with(&fix, i, 0, 12, atof(coders[i].crf_low));
        struct outcome b = encode_with(&fix, i, 40, 7, atof(coders[i].crf_high));
        struct outcome c = encode_with(&fix, i, 99, 1, atof(coders[i].crf_low));
        print_message("%s: header %s\n", coders[i].codec, text_of(&a, "header"));
        assert_string_equal(text_of(&a, "header"), text_of(&b, "header"));
        assert_string_equal(text_of(&a, "header"), text_of(&c, "header"));
    }
    struct outcome fast =
        encode(&fix, "plain.mp4", 0, 5, (struct arg[]) { QUICK(&fix), { 0 } });
    struct outcome slow = encode_with(&fix, 0, 0, 5, 23);
    assert_string_not_equal(text_of(&fast, "header"), text_of(&slow, "header"));
    fixture_release(&fix);
}

static bool same_data(const struct fixture *fix, const struct outcome *a,
                      const struct outcome *b)
{
    const struct kept_blob *one = blob_of(fix, field(a->results, "data"));
    const struct kept_blob *two = blob_of(fix, field(b->results, "data"));
    return one->blob.length == two->blob.length &&
           memcmp(one->bytes, two->bytes, one->blob.length) == 0;
}

/* The same call gives the same bytes, whether the decoder sought or came along. */
static void repeats_exactly(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < N_CODERS; i++) {
        (void)encode_with(&fix, i, 20, 20, 30);
        struct outcome along = encode_with(&fix, i, 40, 20, 30);
        (void)encode_with(&fix, i, 90, 2, 30);
        struct outcome sought = encode_with(&fix, i, 40, 20, 30);
        assert_true(same_data(&fix, &along, &sought));
    }
    fixture_release(&fix);
}

/* x264's note of 700 bytes stands in the first chunk of the source only. */
static void note_is_in_first_chunk_only(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct outcome first = encode_with(&fix, 0, 0, 3, 23);
    struct outcome later = encode_with(&fix, 0, 3, 3, 23);
    const struct kept_blob *a = blob_of(&fix, field(first.results, "data"));
    const struct kept_blob *b = blob_of(&fix, field(later.results, "data"));
    assert_non_null(memmem(a->bytes, a->blob.length, "x264 - core", 11));
    assert_null(memmem(b->bytes, b->blob.length, "x264 - core", 11));
    const char *path = save(&fix, field(later.results, "data"), "later.nut");
    assert_string_equal(shell(&fix,
                              "ffprobe -v error -count_frames -show_entries "
                              "stream=nb_read_frames -of csv=p=0 %s 2>&1",
                              path),
                        "3\n");
    fixture_release(&fix);
}

/* A chunk begins with an IDR picture and no frame refers across its end. */
static void chunks_stand_alone(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < N_CODERS; i++) {
        struct outcome out = encode_with(&fix, i, 13, 17, 30);
        const char *path = save(&fix, field(out.results, "data"), "alone.nut");
        const char *frames =
            shell(&fix,
                  "ffprobe -v error -show_entries frame=key_frame,pts -of "
                  "csv=p=0 %s 2>&1 | tr -d ' '",
                  path);
        const char *line = frames;
        double step = 0;
        for (int n = 0; n < 17; n++, line = strchr(line, '\n') + 1) {
            int key = 0;
            long long pts = 0;
            assert_int_equal(sscanf(line, "%d,%lld", &key, &pts), 2);
            if (n == 0)
                assert_int_equal(key, 1);
            if (n == 1)
                step = (double)pts / 14;
            if (n >= 1)
                assert_true((double)pts == step * (13 + n)); /* the source's times */
        }
        assert_string_equal(line, "");
    }
    fixture_release(&fix);
}

/* Rows are of the frames, in order; sizes add up. */
static void rows_tell_of_frames(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct outcome out = encode(&fix, "plain.mp4", 25, 30, NULL);
    double bytes = 0;
    double psnr = 0;
    bool b_frames = false;
    assert_int_equal(out.n_rows, 30);
    for (uint32_t i = 0; i < 30; i++) {
        struct row row = row_at(&out, i);
        assert_int_equal(row.frame, 25 + i);
        assert_int_equal(row.rung, 0);
        assert_true(fabs(row.pts - (25 + i) / 25.0) < 1e-9);
        assert_in_range(row.type, 1, 3);
        assert_true(row.qp > 1 && row.qp < 51);
        assert_true(row.vif > 0.3F && row.vif < 1.0F && row.ssim > 0.8F);
        assert_true(row.psnr_u > 20 && row.psnr_v > 20);
        b_frames = b_frames || row.type == 3;
        bytes += row.bytes;
        psnr += row.psnr_y;
    }
    assert_int_equal(row_at(&out, 0).type, 1);
    assert_true(b_frames);
    assert_true(bytes == (double)int_of(&out, "bytes"));
    assert_true(fabs(psnr / 30 - float_of(&out, "psnr_y")) < 1.0);
    assert_true(fabs(float_of(&out, "bitrate") - bytes * 8 / 1.2) < 1);
    assert_true(float_of(&out, "cpu") > 0);
    assert_true(out.encoded == 30);
    fixture_release(&fix);
}

static void metrics_may_be_left_out(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct orr_value vif = text_value(&fix, "vif");
    struct outcome out =
        encode(&fix, "plain.mp4", 0, 5,
               (struct arg[]) { { "metrics", list_value(&fix, &vif, 1) }, { 0 } });
    assert_true(float_of(&out, "vif") > 0.5);
    assert_true(isnan(float_of(&out, "psnr")) && isnan(float_of(&out, "ssim")));
    assert_true(isnan(row_at(&out, 0).psnr));
    struct outcome none =
        encode(&fix, "plain.mp4", 0, 5, (struct arg[]) { QUICK(&fix), { 0 } });
    assert_true(isnan(float_of(&none, "vif")));
    struct outcome lossless =
        encode(&fix, "plain.mp4", 0, 5, (struct arg[]) { { "qp", orr_int(0) }, { 0 } });
    assert_true(float_of(&lossless, "psnr") == 100.0); /* infinite counts as 100 */
    assert_true(fabs(float_of(&lossless, "ssim") - 1.0) < 1e-9);
    assert_true(fabs(float_of(&lossless, "vif") - 1.0) < 1e-4);
    fixture_release(&fix);
}

static void sizes(void **state)
{
    static const struct {
        const char *clip;
        int64_t height, width; /* asked for; 0: not */
        int64_t got_width, got_height;
        const char *aspect;
    } cases[] = {
        { "plain.mp4", 0, 0, 320, 240, "1:1" },
        { "plain.mp4", 120, 0, 160, 120, "1:1" },
        { "plain.mp4", 0, 200, 200, 150, "1:1" },
        { "plain.mp4", 121, 0, 162, 122, "1:1" }, /* even */
        { "plain.mp4", 480, 0, 640, 480, "1:1" }, /* larger, as told */
        { "odd.mkv", 0, 0, 320, 240, "N/A" },     /* the odd edge goes */
        { "odd.mkv", 120, 0, 160, 120, "N/A" },
        { "anamorphic.mp4", 120, 0, 160, 120, "16:15" },
        { "anamorphic.mp4", 120, 320, 320, 120, "8:15" },
    };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arg more[] = {
            QUICK(&fix), { NULL, orr_null() }, { NULL, orr_null() }, { 0 }
        };
        size_t n = 2;
        if (cases[i].height)
            more[n++] = (struct arg) { "height", orr_int(cases[i].height) };
        if (cases[i].width)
            more[n++] = (struct arg) { "width", orr_int(cases[i].width) };
        struct outcome out = encode(&fix, cases[i].clip, 3, 4, more);
        assert_int_equal(int_of(&out, "width"), cases[i].got_width);
        assert_int_equal(int_of(&out, "height"), cases[i].got_height);
        const char *path = save(&fix, field(out.results, "data"), "size.nut");
        const char *shape =
            shell(&fix,
                  "ffprobe -v error -count_frames -show_entries "
                  "stream=width,height,sample_aspect_ratio,nb_read_frames "
                  "-of csv=p=0 %s",
                  path);
        const char *want = orr_arena_printf(
            &fix.arena, "%lld,%lld,%s,4\n", (long long)cases[i].got_width,
            (long long)cases[i].got_height, cases[i].aspect);
        assert_string_equal(shape, want);
    }
    fixture_release(&fix);
}

/* 10 bits stay, unless the user says otherwise. */
static void depth_is_kept(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < N_CODERS; i++) {
        struct arg args[] = { { "codec", text_value(&fix, coders[i].codec) },
                              { "preset", text_value(&fix, coders[i].preset) },
                              { "pixel_format", orr_null() },
                              { 0 } };
        struct outcome deep = encode(&fix, "hdr10.mkv", 2, 4, args);
        const char *path = save(&fix, field(deep.results, "data"), "deep.nut");
        const char *show =
            "ffprobe -v error -show_entries "
            "stream=pix_fmt,color_transfer,color_primaries -of csv=p=0 %s";
        const char *told = orr_arena_printf(&fix.arena, show, path);
        assert_string_equal(shell(&fix, "%s", told), "yuv420p10le,smpte2084,bt2020\n");
        assert_true(float_of(&deep, "psnr") > 25 && float_of(&deep, "vif") > 0.4);
        args[2].value = text_value(&fix, "yuv420p");
        struct outcome flat = encode(&fix, "hdr10.mkv", 2, 4, args);
        path = save(&fix, field(flat.results, "data"), "flat.nut");
        told = orr_arena_printf(&fix.arena, show, path);
        assert_string_equal(shell(&fix, "%s", told), "yuv420p,smpte2084,bt2020\n");
    }
    fixture_release(&fix);
}

/* Pitfall 9: the picture size changes on the way. */
static void size_change_is_scaled(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct outcome out =
        encode(&fix, "resize.ts", 20, 10, (struct arg[]) { QUICK(&fix), { 0 } });
    const char *path = save(&fix, field(out.results, "data"), "resize.nut");
    assert_string_equal(
        shell(&fix,
              "ffprobe -v error -show_entries frame=width,height -of csv=p=0 "
              "%s | sort | uniq -c | tr -s ' '",
              path),
        " 10 320,240\n");
    assert_non_null(strstr(out.warnings, "changes its picture size"));
    fixture_release(&fix);
}

static void ladder_equals_single_encodes(void **state)
{
    static const struct orr_field fields[] = { { "name", NULL, NULL, NULL },
                                               { "height", NULL, NULL, NULL },
                                               { "crf", NULL, NULL, NULL } };
    static const struct orr_record_type rung_type = { NULL, 3, fields };
    static const struct {
        const char *name;
        int64_t height;
        double crf;
    } rungs[] = { { "full", 240, 24 }, { "half", 120, 28 } };
    struct fixture fix;
    struct orr_value list[2];
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < 2; i++) {
        struct orr_record *record = orr_record_new(&fix.arena, &rung_type);
        record->fields[0] = text_value(&fix, rungs[i].name);
        record->fields[1] = orr_int(rungs[i].height);
        record->fields[2] = orr_float(rungs[i].crf);
        list[i] = orr_value_of_record(record);
    }
    struct outcome ladder =
        run_ok(&fix, &orr_media_encode_ladder,
               (struct arg[]) { { "source", clip_value(&fix, "plain.mp4") },
                                { "first", orr_int(32) },
                                { "frames", orr_int(9) },
                                { "rungs", list_value(&fix, list, 2) },
                                { 0 } });
    const struct orr_list *got = field(ladder.results, "rungs").as.list;
    assert_int_equal(got->n, 2);
    assert_int_equal(ladder.n_rows, 18);
    for (uint32_t i = 0; i < 2; i++) {
        struct outcome single =
            encode(&fix, "plain.mp4", 32, 9,
                   (struct arg[]) { { "height", orr_int(rungs[i].height) },
                                    { "crf", orr_float(rungs[i].crf) },
                                    { 0 } });
        const struct kept_blob *a = blob_of(&fix, field(got->items[i], "data"));
        const struct kept_blob *b = blob_of(&fix, field(single.results, "data"));
        assert_string_equal(field(got->items[i], "name").as.s->s, rungs[i].name);
        assert_true(orr_id_equal(a->blob.hash, b->blob.hash));
        assert_true(field(got->items[i], "vif").as.f == float_of(&single, "vif"));
        assert_int_equal(row_at(&ladder, i * 9 + 4).rung, i);
    }
    assert_true(ladder.decoded <=
                50); /* one decode for both rungs, first index included */
    fixture_release(&fix);
}

static void refuses(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct orr_value bad = text_value(&fix, "mos");
    const struct {
        struct arg more[3];
        const char *part;
    } cases[] = {
        { { { "codec", text_value(&fix, "h266") } },
          "codec 'h266' is not known: it is one of x264, x265, svt-av1" },
        { { { "preset", text_value(&fix, "medum") } },
          "preset 'medum' is not known to x264: it is one of ultrafast, superfast" },
        { { { "codec", text_value(&fix, "svt-av1") },
            { "preset", text_value(&fix, "fast") } },
          "it is a number from 0 (slow) to 13 (fast)" },
        { { { "options", text_value(&fix, "ref=3:nonsense=1") } },
          "x264 does not take options 'ref=3:nonsense=1': Error parsing option "
          "'nonsense" },
        { { { "codec", text_value(&fix, "x265") },
            { "options", text_value(&fix, "nonsense=1") } },
          "x265 does not take options 'nonsense=1'" },
        { { { "codec", text_value(&fix, "svt-av1") },
            { "options", text_value(&fix, "nonsense=1") } },
          "svt-av1 does not take options 'nonsense=1'" },
        { { { "options", text_value(&fix, "open-gop=1") } },
          "option 'open-gop' of x264 is set by Orrery" },
        { { { "options", text_value(&fix, "=3") } }, "options are written key=value" },
        { { { "crf", orr_float(20) }, { "qp", orr_int(20) } },
          "crf, qp and bitrate exclude each other" },
        { { { "crf", orr_float(77) } }, "crf 77 is out of range for x264: 0 to 51" },
        { { { "pixel_format", text_value(&fix, "rgb565") } },
          "pixel format 'rgb565' is not one that x264 takes: it is one of yuv420p" },
        { { { "metrics", list_value(&fix, &bad, 1) } },
          "metric 'mos' is not known: it is one of psnr, ssim, vif" },
        { { { "height", orr_int(-2) } }, "is not possible: sides are 2 to 16384" },
        { { { "threads", orr_int(0) } }, "threads is 1 to 64, not 0" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_fails(&fix, &orr_media_encode,
                  (struct arg[]) { { "source", clip_value(&fix, "plain.mp4") },
                                   { "first", orr_int(0) },
                                   { "frames", orr_int(2) },
                                   cases[i].more[0],
                                   cases[i].more[1],
                                   { 0 } },
                  ORR_FAIL_INVALID, cases[i].part);
    run_fails(&fix, &orr_media_encode,
              (struct arg[]) { { "source", clip_value(&fix, "plain.mp4") },
                               { "first", orr_int(90) },
                               { "frames", orr_int(11) },
                               { 0 } },
              ORR_FAIL_INVALID, "frames 90 to 100 are not in");
    fixture_release(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_equal),
        cmocka_unit_test(repeats_exactly),
        cmocka_unit_test(note_is_in_first_chunk_only),
        cmocka_unit_test(chunks_stand_alone),
        cmocka_unit_test(rows_tell_of_frames),
        cmocka_unit_test(metrics_may_be_left_out),
        cmocka_unit_test(sizes),
        cmocka_unit_test(depth_is_kept),
        cmocka_unit_test(size_change_is_scaled),
        cmocka_unit_test(ladder_equals_single_encodes),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("media/encode", tests, NULL, NULL);
}
