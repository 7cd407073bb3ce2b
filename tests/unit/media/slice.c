/* slice.c - probe, split, encode, mux of one natural clip, judged by ffprobe */
#include "fixture.h"

static void whole_clip_in_chunks(void **state)
{
    struct fixture fix;
    (void)state;
    fixture_init(&fix);
    if (!have_clip(&fix, "ocean.mp4")) {
        fixture_release(&fix);
        return;
    }
    struct outcome probe =
        run_ok(&fix, &orr_media_probe,
               (struct arg[]) { { "source", clip_value(&fix, "ocean.mp4") }, { 0 } });
    assert_int_equal(int_of(&probe, "frames"), 240);
    assert_true(float_of(&probe, "fps") == 24.0);
    struct outcome split =
        run_ok(&fix, &orr_media_split,
               (struct arg[]) { { "source", clip_value(&fix, "ocean.mp4") },
                                { "every", duration_value(2) },
                                { 0 } });
    const struct orr_list *chunks = field(split.results, "chunks").as.list;
    struct orr_value blobs[64];
    double decoded = 0;
    for (uint32_t i = 0; i < chunks->n; i++) {
        int64_t first = field(chunks->items[i], "first").as.i;
        int64_t frames = field(chunks->items[i], "frames").as.i;
        struct outcome chunk =
            encode(&fix, "ocean.mp4", first, frames,
                   (struct arg[]) { QUICK(&fix), { "height", orr_int(180) }, { 0 } });
        blobs[i] = field(chunk.results, "data");
        decoded += chunk.decoded;
    }
    print_message("ocean.mp4: %u chunks, %.0f frames decoded for 240 encoded\n",
                  chunks->n, decoded);
    assert_true(decoded <= 264);
    struct outcome mux =
        run_ok(&fix, &orr_media_mux,
               (struct arg[]) { { "chunks", list_value(&fix, blobs, chunks->n) },
                                { "file", text_value(&fix, "ocean.mp4") },
                                { 0 } });
    assert_int_equal(int_of(&mux, "frames"), 240);
    const char *counted =
        shell(&fix,
              "ffprobe -v error -count_frames -select_streams v -show_entries "
              "stream=nb_read_frames,width,height,start_time -of csv=p=0 %s 2>&1",
              text_of(&mux, "file"));
    assert_string_equal(counted, "320,180,0.000000,240\n");
    fixture_release(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(whole_clip_in_chunks) };
    return cmocka_run_group_tests_name("media/slice", tests, NULL, NULL);
}
