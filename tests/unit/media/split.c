/* split.c - media.split: all frames once, at keyframes or shots where they are near */
#include "fixture.h"

static struct outcome split(struct fixture *fix, const char *name, double every,
                            bool scenes, const char *align)
{
    return run_ok(fix, &orr_media_split,
                  (struct arg[]) { { "source", clip_value(fix, name) },
                                   { "every", duration_value(every) },
                                   { "scenes", orr_bool(scenes) },
                                   { "align", text_value(fix, align) },
                                   { 0 } });
}

/* First frames of all chunks as text; the chunks must follow each other. */
static const char *firsts(struct fixture *fix, const struct outcome *out)
{
    const struct orr_list *chunks = field(out->results, "chunks").as.list;
    struct orr_text text = ORR_TEXT_INIT;
    int64_t next = 0;
    for (uint32_t i = 0; i < chunks->n; i++) {
        assert_int_equal(field(chunks->items[i], "index").as.i, i);
        assert_int_equal(field(chunks->items[i], "first").as.i, next);
        assert_true(field(chunks->items[i], "frames").as.i > 0);
        orr_text_printf(&text, "%s%lld", i ? " " : "", (long long)next);
        next += field(chunks->items[i], "frames").as.i;
    }
    assert_int_equal(next, int_of(out, "frames"));
    char *copy = orr_arena_strdup(&fix->arena, text.s);
    orr_text_release(&text);
    return copy;
}

/* Keyframes: plain 0 30 64 70; opengop 0 30 60 90 120; longgop 0; ocean 0 144;
 * vtest 0 250 500 750; Megamind 0 1 98 154 200. Shots, as ffmpeg's scdet finds them:
 * plain 30; ocean 144. */
static void boundaries(void **state)
{
    static const struct {
        const char *clip;
        bool fetched;
        double every;
        bool scenes;
        const char *align, *firsts;
    } cases[] = {
        { "plain.mp4", false, 1.4, false, "keyframe", "0 30 64" },
        { "plain.mp4", false, 1.4, false, "exact", "0 35 70" },
        { "plain.mp4", false, 100, false, "keyframe", "0" },
        { "plain.mp4", false, 10, true, "keyframe", "0 30" },
        { "plain.mp4", false, 0.8, true, "exact", "0 30 50 70" },
        { "opengop.mp4", false, 1, false, "keyframe", "0 30 60 90 120" },
        { "longgop.mp4", false, 2, false, "keyframe", "0 50 100 150 200 250" },
        { "longgop.mp4", false, 5, false, "keyframe", "0 125" },
        { "one.mp4", false, 2, true, "keyframe", "0" },
        { "vfr.mp4", false, 1, false, "exact", NULL },
        { "ntsc.mkv", false, 1, false, "exact", "0 24 48 72" },
        { "vtest.avi", true, 20, false, "keyframe", "0 250 500" },
        { "vtest.avi", true, 10, false, "keyframe", NULL },
        { "ocean.mp4", true, 2, false, "keyframe", NULL },
        { "ocean.mp4", true, 10, true, "keyframe", "0 144" },
        { "Megamind.avi", true, 3, false, "keyframe", "0 98 154 200" },
    };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].fetched && !have_clip(&fix, cases[i].clip))
            continue;
        struct outcome out =
            split(&fix, cases[i].clip, cases[i].every, cases[i].scenes, cases[i].align);
        const char *got = firsts(&fix, &out);
        print_message("%s every %g s: %s\n", cases[i].clip, cases[i].every, got);
        if (cases[i].firsts)
            assert_string_equal(got, cases[i].firsts);
        struct outcome again =
            split(&fix, cases[i].clip, cases[i].every, cases[i].scenes, cases[i].align);
        assert_string_equal(got, firsts(&fix, &again));
    }
    fixture_release(&fix);
}

/* No chunk is shorter than half of `every`, none longer than twice, whatever it is. */
static void lengths_are_bounded(void **state)
{
    static const char *const names[] = { "plain.mp4", "opengop.mp4", "longgop.mp4",
                                         "vfr.mp4" };
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (double every = 0.12; every < 8; every *= 1.37) {
            struct outcome out = split(&fix, names[i], every, false, "keyframe");
            const struct orr_list *chunks = field(out.results, "chunks").as.list;
            (void)firsts(&fix, &out);
            for (uint32_t k = 0; k < chunks->n && chunks->n > 1; k++) {
                double seconds = field(chunks->items[k], "seconds").as.f;
                if (seconds < every / 2 - 0.041 || seconds > every * 2 + 0.25)
                    fail_msg("%s every %g: chunk %u lasts %g", names[i], every, k,
                             seconds);
            }
        }
    fixture_release(&fix);
}

static void refuses(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    const struct {
        struct arg more[3];
        const char *part;
    } cases[] = {
        { { { "every", duration_value(0) } }, "every must be longer than 0 s" },
        { { { "every", duration_value(0.01) } }, "is shorter than one frame" },
        { { { "every", duration_value(1) }, { "align", text_value(&fix, "gop") } },
          "align is \"keyframe\" or \"exact\", not \"gop\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_fails(&fix, &orr_media_split,
                  (struct arg[]) { { "source", clip_value(&fix, "plain.mp4") },
                                   cases[i].more[0],
                                   cases[i].more[1],
                                   { 0 } },
                  ORR_FAIL_INVALID, cases[i].part);
    run_fails(&fix, &orr_media_split,
              (struct arg[]) { { "source", clip_value(&fix, "plain_flipped.mp4") },
                               { "every", duration_value(1) },
                               { "verify", orr_bool(true) },
                               { 0 } },
              ORR_FAIL_INVALID, "is damaged at 0:00:02.800 (frame 70)");
    fixture_release(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("media/split", tests, NULL, NULL);
}
