/* probe.c - media.probe: facts, bad input, damage, and the index's cache */
#include "fixture.h"

#include "media/index.h"

#include <dirent.h>

struct facts {
    const char *clip;
    bool fetched;
    int64_t frames;
    double fps;
    double duration;
    bool vfr;
    int64_t keyframes;
    int64_t width, height;
    const char *format;
    bool audio;
};

/* Frames as `ffprobe -count_frames` counts them; keyframes as libav marks them. */
static const struct facts facts[] = {
    { "plain.mp4", false, 100, 25, 4, false, 4, 320, 240, "yuv420p", true },
    { "vfr.mp4", false, 90, 18.0894, 4.975278, true, 5, 320, 240, "yuv420p", false },
    { "one.mp4", false, 1, 25, 0.04, false, 1, 320, 240, "yuv420p", false },
    { "longgop.mp4", false, 300, 25, 12, false, 1, 320, 240, "yuv420p", false },
    { "opengop.mp4", false, 150, 25, 6, false, 5, 320, 240, "yuv420p", false },
    { "odd.mkv", false, 30, 25, 1.2, false, 3, 321, 241, "yuv420p", false },
    { "hdr10.mkv", false, 24, 25, 0.96, false, 1, 320, 240, "yuv420p10le", false },
    { "ntsc.mkv", false, 96, 24000.0 / 1001, 4.004, false, 1, 320, 240, "yuv420p",
      true },
    { "silent.mp4", false, 25, 25, 1, false, 1, 320, 240, "yuv420p", false },
    { "ocean.mp4", true, 240, 24, 10, false, 2, 1280, 720, "yuv420p", true },
    { "box.mp4", true, 455, 29.835, 15.250, true, 2, 640, 480, "yuv420p", true },
    { "Megamind.avi", true, 270, 23.976, 11.26126, false, 5, 720, 528, "yuv420p",
      true },
    { "vtest.avi", true, 795, 10, 79.5, false, 4, 768, 576, "yuv420p", false },
};

static struct outcome probe(struct fixture *fix, const char *name)
{
    return run_ok(fix, &orr_media_probe,
                  (struct arg[]) { { "source", clip_value(fix, name) }, { 0 } });
}

static void knows_facts(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const struct facts *want = &facts[i];
        if (want->fetched && !have_clip(&fix, want->clip))
            continue;
        struct outcome out = probe(&fix, want->clip);
        print_message("%s\n", want->clip);
        assert_int_equal(int_of(&out, "frames"), want->frames);
        assert_true(float_of(&out, "fps") > want->fps - 0.001 &&
                    float_of(&out, "fps") < want->fps + 0.001);
        double duration = (double)int_of(&out, "duration") / 1e9;
        assert_true(duration > want->duration - 0.0005 &&
                    duration < want->duration + 0.0005);
        assert_int_equal(field(out.results, "vfr").as.b, want->vfr);
        assert_int_equal(int_of(&out, "keyframes"), want->keyframes);
        assert_int_equal(int_of(&out, "width"), want->width);
        assert_int_equal(int_of(&out, "height"), want->height);
        assert_string_equal(text_of(&out, "pixel_format"), want->format);
        assert_int_equal(field(out.results, "audio").as.b, want->audio);
    }
    fixture_release(&fix);
}

static void knows_tags(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct outcome hdr = probe(&fix, "hdr10.mkv");
    assert_string_equal(text_of(&hdr, "color_primaries"), "bt2020");
    assert_string_equal(text_of(&hdr, "color_transfer"), "smpte2084");
    assert_string_equal(text_of(&hdr, "color_space"), "bt2020nc");
    assert_string_equal(text_of(&hdr, "color_range"), "tv");
    assert_int_equal(int_of(&hdr, "bit_depth"), 10);
    struct outcome rotated = probe(&fix, "rotated.mp4");
    assert_int_equal(int_of(&rotated, "rotation"),
                     270);                            /* ffprobe: 90 counterclockwise */
    assert_int_equal(int_of(&rotated, "width"), 320); /* coded orientation */
    struct outcome wide = probe(&fix, "anamorphic.mp4");
    assert_string_equal(text_of(&wide, "sample_aspect"), "16:15");
    struct outcome sound = probe(&fix, "plain.mp4");
    assert_string_equal(text_of(&sound, "audio_codec"), "aac");
    assert_int_equal(int_of(&sound, "audio_rate"), 48000);
    assert_int_equal(int_of(&sound, "audio_channels"), 1);
    assert_string_equal(text_of(&sound, "codec"), "h264");
    fixture_release(&fix);
}

static void refuses_bad_input(void **state)
{
    static const struct {
        const char *clip, *part;
    } cases[] = {
        { "nothere.mp4", "nothere.mp4 (does every node see it?): No such file" },
        { ".", "is a directory, not a video file" },
        { "empty.mp4", "is empty (0 bytes)" },
        { "text.mp4", "cannot be read as a media file" },
        { "sound.m4a", "has no video stream (1 other stream)" },
        { "plain_truncated.mp4", "is damaged at 0:00:02.320 (frame 58)" },
        { "plain_flipped.mp4", "is damaged at 0:00:02.800 (frame 70)" },
    };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_fails(&fix, &orr_media_probe,
                  (struct arg[]) { { "source", clip_value(&fix, cases[i].clip) },
                                   { "verify", orr_bool(true) },
                                   { 0 } },
                  ORR_FAIL_INVALID, cases[i].part);
    run_fails(&fix, &orr_media_probe,
              (struct arg[]) { { "source", clip_value(&fix, "plain.mp4") },
                               { "damaged", text_value(&fix, "maybe") },
                               { 0 } },
              ORR_FAIL_INVALID, "damaged is \"fail\" or \"keep\", not \"maybe\"");
    fixture_release(&fix);
}

static void keeps_what_is_left(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct arg args[] = { { "source", clip_value(&fix, "plain_truncated.mp4") },
                          { "damaged", text_value(&fix, "keep") },
                          { 0 } };
    struct outcome out = run_ok(&fix, &orr_media_probe, args);
    int64_t left = int_of(&out, "frames");
    assert_in_range(left, 55, 62);
    assert_true(int_of(&out, "damaged_places") > 0);
    struct outcome all = encode(
        &fix, "plain_truncated.mp4", 0, left,
        (struct arg[]) { QUICK(&fix), { "damaged", text_value(&fix, "keep") }, { 0 } });
    assert_int_equal(int_of(&all, "frames"), left);
    fixture_release(&fix);
}

/* What the container lists is what the decoder gives. */
static void listing_is_what_decoding_gives(void **state)
{
    struct fixture fix;
    unsigned listed = 0;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const struct orri_index *decoded = NULL;
        const char *path = clip(&fix, facts[i].clip);
        if (access(path, R_OK) != 0)
            continue;
        struct orri_index *index = orri_listing(path);
        if (!index)
            continue;
        listed++;
        assert_int_equal(orri_index_get(path, NULL, 1, ORRI_DECODED, &decoded, NULL),
                         ORR_OK);
        print_message("%s\n", facts[i].clip);
        assert_int_equal(index->n_frames, decoded->n_frames);
        assert_int_equal(index->n_safe, decoded->n_safe);
        assert_int_equal(index->width, decoded->width);
        assert_int_equal(index->format, decoded->format);
        assert_int_equal(index->vfr, decoded->vfr);
        assert_int_equal(av_cmp_q(index->rate, decoded->rate), 0);
        assert_memory_equal(index->pts, decoded->pts,
                            (index->n_frames + 1) * sizeof *index->pts);
        assert_memory_equal(index->key, decoded->key,
                            index->n_frames * sizeof *index->key);
        assert_memory_equal(index->safe, decoded->safe,
                            index->n_safe * sizeof *index->safe);
        orri_index_free(index);
    }
    assert_true(listed >= 8);
    assert_null(orri_listing(clip(&fix, "plain_truncated.mp4")));
    fixture_release(&fix);
}

/* Flipped bits are not seen in a listing: the call that decodes them tells. */
static void damage_is_found_when_decoded(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    struct outcome good =
        encode(&fix, "plain_flipped.mp4", 0, 20, (struct arg[]) { QUICK(&fix), { 0 } });
    assert_int_equal(int_of(&good, "frames"), 20);
    run_fails(&fix, &orr_media_encode,
              (struct arg[]) { { "source", clip_value(&fix, "plain_flipped.mp4") },
                               { "first", orr_int(60) },
                               { "frames", orr_int(30) },
                               QUICK(&fix),
                               { 0 } },
              ORR_FAIL_INVALID, "is damaged at 0:00:02.800 (frame 70)");
    fixture_release(&fix);
}

/* The one file in the cache directory. */
static const char *cache_file(struct fixture *fix)
{
    const char *path = NULL;
    DIR *directory = opendir(fix->cache);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.') {
            assert_null(path);
            path = orr_arena_printf(&fix->arena, "%s/%s", fix->cache, entry->d_name);
        }
    (void)closedir(directory);
    return path;
}

/* Make the process forget its indexes: it keeps only the newest few. */
static void forget(struct fixture *fix)
{
    static const char *const others[] = { "one.mp4", "silent.mp4", "rotated.mp4",
                                          "anamorphic.mp4" };
    char kept[80];
    memcpy(kept, fix->cache, sizeof kept);
    memcpy(fix->cache, fix->scratch, sizeof kept);
    for (size_t i = 0; i < 4; i++)
        (void)probe(fix, others[i]);
    memcpy(fix->cache, kept, sizeof kept);
}

static void cache_is_used_and_checked(void **state)
{
    struct fixture fix;
    struct orr_text whole = ORR_TEXT_INIT;
    struct stat before;
    struct stat after;
    (void)state;
    fixture_init(&fix);
    forget(&fix);
    (void)probe(&fix, "plain.mp4");
    const char *file = cache_file(&fix);
    assert_non_null(file);
    assert_int_equal(orr_file_read(file, 1 << 20, &whole, NULL), ORR_OK);
    assert_int_equal(stat(file, &before), 0);
    forget(&fix);
    (void)probe(&fix, "plain.mp4"); /* reads it: it is not written again */
    assert_int_equal(stat(file, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    for (size_t at = 0; at < whole.length; at += whole.length / 7 + 1) {
        whole.s[at] = (char)(whole.s[at] ^ 0x20); /* damage it anywhere */
        assert_int_equal(orr_file_write(file, whole.s, whole.length, false, NULL),
                         ORR_OK);
        whole.s[at] = (char)(whole.s[at] ^ 0x20);
        forget(&fix);
        struct outcome out = probe(&fix, "plain.mp4");
        assert_int_equal(int_of(&out, "frames"), 100);
        struct orr_text again = ORR_TEXT_INIT;
        assert_int_equal(orr_file_read(file, 1 << 20, &again, NULL), ORR_OK);
        assert_int_equal(again.length, whole.length);
        assert_memory_equal(again.s, whole.s, whole.length); /* made again */
        orr_text_release(&again);
    }
    orr_text_release(&whole);
    fixture_release(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_facts),
        cmocka_unit_test(knows_tags),
        cmocka_unit_test(refuses_bad_input),
        cmocka_unit_test(keeps_what_is_left),
        cmocka_unit_test(listing_is_what_decoding_gives),
        cmocka_unit_test(damage_is_found_when_decoded),
        cmocka_unit_test(cache_is_used_and_checked),
    };
    return cmocka_run_group_tests_name("media/probe", tests, NULL, NULL);
}
