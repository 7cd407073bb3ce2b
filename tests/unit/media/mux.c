/* mux.c - media.mux: one gapless track, the source's times and sound, or a clear
 * refusal */
#include "fixture.h"

#include <dirent.h>
#include <math.h>

enum { CHUNKS_MAX = 16 };

/* Encode [0, frames) of a clip in chunks of `every`; the blobs in order. */
static struct orr_value chunks_of(struct fixture *fix, const char *name, int64_t first,
                                  int64_t frames, int64_t every, const struct arg *more)
{
    struct orr_value blobs[CHUNKS_MAX];
    uint32_t n = 0;
    for (int64_t at = 0; at < frames; at += every) {
        struct outcome out = encode(fix, name, first + at,
                                    frames - at < every ? frames - at : every, more);
        assert_true(n < CHUNKS_MAX);
        blobs[n++] = field(out.results, "data");
    }
    return list_value(fix, blobs, n);
}

static struct outcome mux(struct fixture *fix, struct orr_value chunks,
                          const char *file, const char *audio)
{
    return run_ok(fix, &orr_media_mux,
                  (struct arg[]) { { "chunks", chunks },
                                   { "file", text_value(fix, file) },
                                   { "audio", text_value(fix, audio) },
                                   { 0 } });
}

/* Presentation times of all frames in seconds, as ffprobe decodes them; errors count.
 */
static uint32_t times_of(struct fixture *fix, const char *path, double *out,
                         uint32_t max)
{
    char *text =
        shell(fix,
              "ffprobe -v error -select_streams v -show_entries frame=pts_time -of "
              "csv=p=0 '%s' 2>&1 | tr -d ,",
              path);
    uint32_t n = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *rest = NULL;
        if (!*line)
            continue;
        double at = strtod(line, &rest);
        if (*rest)
            fail_msg("ffprobe of %s says: %s", path, line);
        assert_true(n < max);
        out[n++] = at;
    }
    return n;
}

/* (vfr.mkv has frames with one time, which are moved a tick apart. Two frames of
 * vfr.mp4 are one tick of 1/90000 s apart: in Matroska a millisecond.) */
/* Every clip, every codec, both containers: all frames at the source's times. */
static void times_are_the_sources(void **state)
{
    static const struct {
        const char *clip, *codec, *preset, *file;
        int64_t frames, every;
        bool fetched;
        double tolerance;
    } cases[] = {
        { "plain.mp4", "x264", "veryfast", "a.mp4", 100, 33, false, 1e-6 },
        { "plain.mp4", "x264", "veryfast", "a.mkv", 100, 33, false, 0.0006 },
        { "plain.mp4", "x265", "ultrafast", "b.mp4", 50, 17, false, 1e-6 },
        { "plain.mp4", "svt-av1", "12", "c.mp4", 40, 17, false, 1e-6 },
        { "plain.mp4", "svt-av1", "12", "c.mkv", 40, 17, false, 0.0006 },
        { "vfr.mp4", "x264", "veryfast", "d.mp4", 90, 25, false, 1e-6 },
        { "vfr.mp4", "x265", "ultrafast", "d.mkv", 90, 40, false, 0.0016 },
        { "vfr.mkv", "x264", "veryfast", "e.mp4", 90, 25, false, 0.0011 },
        { "ntsc.mkv", "x264", "veryfast", "f.mkv", 96, 24, false, 0.0006 },
        { "resize.ts", "x264", "veryfast", "g.mp4", 50, 20, false, 1e-6 },
        { "one.mp4", "x264", "veryfast", "h.mp4", 1, 1, false, 1e-6 },
        { "box.mp4", "x264", "ultrafast", "i.mp4", 455, 120, true, 1e-6 },
    };
    static double want[512];
    static double got[512];
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].fetched && !have_clip(&fix, cases[i].clip))
            continue;
        print_message("%s as %s in %s\n", cases[i].clip, cases[i].codec, cases[i].file);
        struct orr_value chunks =
            chunks_of(&fix, cases[i].clip, 0, cases[i].frames, cases[i].every,
                      (struct arg[]) { { "codec", text_value(&fix, cases[i].codec) },
                                       { "preset", text_value(&fix, cases[i].preset) },
                                       { "metrics", list_value(&fix, NULL, 0) },
                                       { 0 } });
        struct outcome out = mux(&fix, chunks, cases[i].file, "none");
        assert_int_equal(int_of(&out, "frames"), cases[i].frames);
        /* box.mp4 starts broken, which ffprobe mentions: take its times from stdout
         * only */
        const char *quiet =
            orr_arena_printf(&fix.arena, "%s", clip(&fix, cases[i].clip));
        char *text = shell(
            &fix,
            "ffprobe -v quiet -select_streams v -show_entries "
            "frame=best_effort_timestamp_time -of csv=p=0 '%s' | tr -d , | grep .",
            quiet);
        uint32_t n = 0;
        for (char *line = strtok(text, "\n"); line && n < 512;
             line = strtok(NULL, "\n"))
            want[n++] = atof(line);
        assert_true(n >= cases[i].frames);
        assert_int_equal(times_of(&fix, text_of(&out, "file"), got, 512),
                         cases[i].frames);
        for (int64_t k = 0; k < cases[i].frames; k++)
            if ((k == 0 || want[k] > want[k - 1]) && /* box.mp4's last falls back */
                fabs(got[k] - got[0] - (want[k] - want[0])) > cases[i].tolerance)
                fail_msg("frame %lld at %f, in the source at %f", (long long)k,
                         got[k] - got[0], want[k] - want[0]);
        assert_true(fabs(got[0]) < 0.001);
    }
    fixture_release(&fix);
}

/* Start and duration of a stream, from ffprobe. */
static void span_of(struct fixture *fix, const char *path, const char *stream,
                    double *start, double *end)
{
    const char *text =
        shell(fix,
              "ffprobe -v error -select_streams %s -show_entries "
              "packet=pts_time,duration_time -of csv=p=0 '%s' | tr -d ' '",
              stream, path);
    *start = 1e9;
    *end = -1e9;
    for (const char *line = text; line && *line;
         line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        double pts = 0;
        double duration = 0;
        if (sscanf(line, "%lf,%lf", &pts, &duration) < 1)
            continue;
        *start = fmin(*start, pts);
        *end = fmax(*end, pts + duration);
    }
}

/* Picture and sound keep their distance, copied or encoded, to within a frame. */
static void sound_stays_in_step(void **state)
{
    static const struct {
        const char *clip, *file, *audio, *codec;
        int64_t frames;
    } cases[] = {
        { "plain.mp4", "a.mp4", "copy", "aac", 100 },
        { "plain.mp4", "a.mkv", "copy", "aac", 100 },
        { "plain.mp4", "b.mp4", "aac", "aac", 100 },
        { "late.mp4", "c.mp4", "copy", "aac", 100 },
        { "late.mp4", "c.mkv", "aac", "aac", 100 },
        { "ntsc.mkv", "d.mkv", "copy", "vorbis", 96 },
        { "ntsc.mkv", "d.mp4", "aac", "aac", 96 },
        { "pcm.mkv", "e.mkv", "copy", "pcm_s16le", 50 },
        { "pcm.mkv", "e.mp4", "aac", "aac", 50 },
    };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_value chunks = chunks_of(&fix, cases[i].clip, 0, cases[i].frames, 40,
                                            (struct arg[]) { QUICK(&fix), { 0 } });
        struct outcome out = mux(&fix, chunks, cases[i].file, cases[i].audio);
        double v0, v1, a0, a1, w0, w1, b0, b1;
        assert_true(field(out.results, "audio").as.b);
        span_of(&fix, clip(&fix, cases[i].clip), "v:0", &v0, &v1);
        span_of(&fix, clip(&fix, cases[i].clip), "a:0", &a0, &a1);
        span_of(&fix, text_of(&out, "file"), "v:0", &w0, &w1);
        span_of(&fix, text_of(&out, "file"), "a:0", &b0, &b1);
        print_message("%s %s %s: sound %.3f to %.3f after picture, was %.3f to %.3f\n",
                      cases[i].clip, cases[i].file, cases[i].audio, b0 - w0, b1 - w0,
                      a0 - v0, a1 - v0);
        assert_true(fabs((b0 - w0) - (a0 - v0)) < 0.04);
        assert_true(fabs((b1 - w0) - (a1 - v0)) < 0.045);
        assert_true(fabs((w1 - w0) - (v1 - v0)) < 0.003);
        const char *codec = shell(&fix,
                                  "ffprobe -v error -select_streams a -show_entries "
                                  "stream=codec_name -of csv=p=0 '%s'",
                                  text_of(&out, "file"));
        assert_int_equal(strncmp(codec, cases[i].codec, strlen(cases[i].codec)), 0);
    }
    struct outcome none = mux(
        &fix,
        chunks_of(&fix, "silent.mp4", 0, 25, 25, (struct arg[]) { QUICK(&fix), { 0 } }),
        "silent.mp4", "copy");
    assert_false(field(none.results, "audio").as.b);
    fixture_release(&fix);
}

/* A part of a source takes its part of the sound along, from time 0. */
static void part_takes_its_sound(void **state)
{
    struct fixture fix;
    double v0, v1, a0, a1;
    (void)state;
    fixture_init(&fix);
    struct outcome out = mux(
        &fix,
        chunks_of(&fix, "plain.mp4", 30, 40, 20, (struct arg[]) { QUICK(&fix), { 0 } }),
        "part.mp4", "copy");
    span_of(&fix, text_of(&out, "file"), "v:0", &v0, &v1);
    span_of(&fix, text_of(&out, "file"), "a:0", &a0, &a1);
    assert_true(fabs(v0) < 1e-6 && fabs(v1 - 1.6) < 1e-6);
    assert_true(fabs(a0) < 0.04 && fabs(a1 - 1.6) < 0.04);
    fixture_release(&fix);
}

static void tags_are_kept(void **state)
{
    static const char *const show = "ffprobe -v error -select_streams v -show_entries "
                                    "stream=color_range,color_space,color_transfer,"
                                    "color_primaries,sample_aspect_ratio,"
                                    "codec_tag_string:stream_side_data=rotation,max_"
                                    "content,max_luminance -of flat '%s' "
                                    "| sed 's/.*[.]//' | sort | tr '\\n' ' '";
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct outcome rotated = mux(&fix,
                                 chunks_of(&fix, "rotated.mp4", 0, 30, 15,
                                           (struct arg[]) { QUICK(&fix), { 0 } }),
                                 "rotated.mp4", "copy");
    const char *got = orr_arena_printf(&fix.arena, show, text_of(&rotated, "file"));
    assert_non_null(strstr(shell(&fix, "%s", got), "rotation=90"));
    struct outcome wide = mux(&fix,
                              chunks_of(&fix, "anamorphic.mp4", 0, 25, 15,
                                        (struct arg[]) { QUICK(&fix), { 0 } }),
                              "wide.mkv", "copy");
    got = orr_arena_printf(&fix.arena, show, text_of(&wide, "file"));
    assert_non_null(strstr(shell(&fix, "%s", got), "sample_aspect_ratio=\"16:15\""));
    struct orr_value hdr = chunks_of(
        &fix, "hdr10.mkv", 0, 24, 10,
        (struct arg[]) { { "codec", text_value(&fix, "x265") }, QUICK(&fix), { 0 } });
    static const char *const files[] = { "hdr.mp4", "hdr.mkv" };
    for (size_t i = 0; i < 2; i++) {
        struct outcome out = mux(&fix, hdr, files[i], "copy");
        got = orr_arena_printf(&fix.arena, show, text_of(&out, "file"));
        const char *text = shell(&fix, "%s", got);
        print_message("%s: %s\n", files[i], text);
        assert_non_null(strstr(text, "color_primaries=\"bt2020\""));
        assert_non_null(strstr(text, "color_transfer=\"smpte2084\""));
        assert_non_null(strstr(text, "color_space=\"bt2020nc\""));
        assert_non_null(strstr(text, "color_range=\"tv\""));
        assert_non_null(strstr(text, "max_content=1000"));
        assert_non_null(strstr(text, "max_luminance=\"1000"));
    }
    fixture_release(&fix);
}

static bool same_file(const char *a, const char *b)
{
    struct orr_text one = ORR_TEXT_INIT;
    struct orr_text two = ORR_TEXT_INIT;
    assert_int_equal(orr_file_read(a, 1 << 26, &one, NULL), ORR_OK);
    assert_int_equal(orr_file_read(b, 1 << 26, &two, NULL), ORR_OK);
    bool same = one.length == two.length && memcmp(one.s, two.s, one.length) == 0;
    orr_text_release(&one);
    orr_text_release(&two);
    return same;
}

static void repeats_exactly(void **state)
{
    static const char *const names[][2] = { { "a.mp4", "b.mp4" },
                                            { "a.mkv", "b.mkv" } };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct orr_value chunks =
        chunks_of(&fix, "plain.mp4", 0, 100, 40, (struct arg[]) { QUICK(&fix), { 0 } });
    for (size_t i = 0; i < 2; i++) {
        struct outcome a = mux(&fix, chunks, names[i][0], "aac");
        struct outcome b = mux(&fix, chunks, names[i][1], "aac");
        assert_true(same_file(text_of(&a, "file"), text_of(&b, "file")));
    }
    /* the index of an MP4 stands before its data */
    const char *order =
        shell(&fix, "grep -abo -e moov -e mdat '%s/a.mp4' | head -n 1", fix.out);
    assert_non_null(strstr(order, "moov"));
    fixture_release(&fix);
}

/* Nothing is left in the output directory after a failure. */
static void assert_empty(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            fail_msg("%s was left", entry->d_name);
    (void)closedir(directory);
}

static void refuses(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    const struct arg quick[] = { QUICK(&fix), { 0 } };
    struct orr_value good = chunks_of(&fix, "pcm.mkv", 0, 30, 10, quick);
    const struct orr_value *item = good.as.list->items;
    struct orr_value other =
        chunks_of(&fix, "silent.mp4", 0, 10, 10, quick).as.list->items[0];
    struct orr_value odd =
        encode(&fix, "pcm.mkv", 10, 10,
               (struct arg[]) { { "metrics", list_value(&fix, NULL, 0) },
                                { "preset", text_value(&fix, "slow") },
                                { 0 } })
            .results;
    struct orr_value small =
        encode(&fix, "pcm.mkv", 10, 10,
               (struct arg[]) { QUICK(&fix), { "height", orr_int(120) }, { 0 } })
            .results;
    struct orr_value bad = item[1];
    struct kept_blob *kept = &fix.blobs[fix.n_blobs - 1];
    bad = field(small, "data"); /* its bytes are cut below, after it was used */
    struct orr_value cut = field(encode(&fix, "pcm.mkv", 10, 9, quick).results, "data");
    kept = &fix.blobs[fix.n_blobs - 1];
    kept->blob.length = kept->blob.length * 2 / 3;
    ((struct orr_blob *)(uintptr_t)cut.as.blob)->length = kept->blob.length;
    const struct {
        struct orr_value chunks;
        const char *file, *audio, *part;
    } cases[] = {
        { list_value(&fix, NULL, 0), "a.mp4", "none", "there are no chunks" },
        { good, "a.avi", "none", "must end in .mp4 or .mkv" },
        { good, "../a.mp4", "none", "must be a relative name" },
        { good, "a.mp4", "flac",
          "audio is \"copy\", \"aac\" or \"none\", not \"flac\"" },
        { good, "a.mp4", "copy", "the pcm_s16le sound" },
        { list_value(&fix, (struct orr_value[]) { item[1], item[0] }, 2), "a.mp4",
          "none", "chunk 1 begins with frame 0 where frame 20 must follow" },
        { list_value(&fix, (struct orr_value[]) { item[0], item[2] }, 2), "a.mp4",
          "none", "chunk 1 begins with frame 20 where frame 10 must follow" },
        { list_value(&fix, (struct orr_value[]) { item[0], item[0] }, 2), "a.mp4",
          "none", "chunk 1 begins with frame 0 where frame 10 must follow" },
        { list_value(&fix, (struct orr_value[]) { item[0], other }, 2), "a.mp4", "none",
          "they differ in source file" },
        { list_value(&fix, (struct orr_value[]) { item[0], field(odd, "data") }, 2),
          "a.mp4", "none", "chunk 1 (frames from 10) has another decoder header" },
        { list_value(&fix, (struct orr_value[]) { item[0], bad }, 2), "a.mp4", "none",
          "they differ in picture size" },
        { list_value(&fix, (struct orr_value[]) { item[0], cut }, 2), "a.mp4", "none",
          "chunk 1 is damaged" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_fails(&fix, &orr_media_mux,
                  (struct arg[]) { { "chunks", cases[i].chunks },
                                   { "file", text_value(&fix, cases[i].file) },
                                   { "audio", text_value(&fix, cases[i].audio) },
                                   { "headers", text_value(&fix, "equal") },
                                   { 0 } },
                  ORR_FAIL_INVALID, cases[i].part);
        assert_empty(fix.out);
    }
    run_fails(&fix, &orr_media_mux,
              (struct arg[]) { { "chunks", good },
                               { "file", text_value(&fix, "a.mkv") },
                               { "fps", orr_float(30) },
                               { 0 } },
              ORR_FAIL_INVALID, "fps 30 is not the rate of the source (25)");
    run_fails(&fix, &orr_media_mux,
              (struct arg[]) { { "chunks", good },
                               { "file", text_value(&fix, "a.mkv") },
                               { "source", path_value(&fix, "/nowhere/film.mkv") },
                               { 0 } },
              ORR_FAIL_INVALID, "cannot open the video file /nowhere/film.mkv");
    assert_empty(fix.out);
    fixture_release(&fix);
}

/* Chunks of two presets in one track, as a retry with another preset leaves them. */
static void headers_may_change_inband(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < 2; i++) {
        const char *codec = i ? "x265" : "x264";
        struct orr_value blobs[3];
        for (int64_t k = 0; k < 3; k++) {
            struct outcome out = encode(
                &fix, "plain.mp4", k * 8, 8,
                (struct arg[]) {
                    { "codec", text_value(&fix, codec) },
                    { "metrics", list_value(&fix, NULL, 0) },
                    { "preset", text_value(&fix, k == 1 ? "medium" : "ultrafast") },
                    { 0 } });
            blobs[k] = field(out.results, "data");
        }
        for (size_t f = 0; f < 2; f++) {
            static double got[64];
            struct outcome out = run_ok(
                &fix, &orr_media_mux,
                (struct arg[]) { { "chunks", list_value(&fix, blobs, 3) },
                                 { "file", text_value(&fix, f ? "in.mkv" : "in.mp4") },
                                 { "audio", text_value(&fix, "none") },
                                 { 0 } });
            assert_int_equal(times_of(&fix, text_of(&out, "file"), got, 64), 24);
        }
    }
    fixture_release(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_the_sources),
        cmocka_unit_test(sound_stays_in_step),
        cmocka_unit_test(part_takes_its_sound),
        cmocka_unit_test(tags_are_kept),
        cmocka_unit_test(repeats_exactly),
        cmocka_unit_test(refuses),
        cmocka_unit_test(headers_may_change_inband),
    };
    return cmocka_run_group_tests_name("media/mux", tests, NULL, NULL);
}
