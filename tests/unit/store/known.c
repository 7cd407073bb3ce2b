/* known.c - what a run knows of its tasks: results, failures, epochs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/known.h"
#include "store_kit.h"

#include <sys/stat.h>

enum { MANY = 30000 };

static struct orr_id id_of(uint64_t n) { return orr_hash(&n, sizeof n); }

/* ---- attempts of a run, by hand ---- */

struct attempt {
    uint64_t task;
    uint32_t attempt;
    enum orr_fail_kind failure;
    int64_t end; /* s; it took one */
    const char *result;
    const char *host;
    bool path; /* the result is one */
};

static void write_epoch(struct kit_run *p, uint32_t epoch, const struct attempt *all,
                        size_t n)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_writer *writer = NULL;
    struct orr_writer_options options = p->options;
    options.epoch = epoch;
    options.durability = ORR_DURABILITY_NONE;
    options.no_index = true;
    options.queue_results = MANY * 2;
    assert_int_equal(orr_writer_open(&options, &writer, &err), ORR_OK);
    for (size_t i = 0; i < n; i++) {
        struct orr_bytes bytes = ORR_BYTES_INIT;
        struct orr_stored stored = { .id = id_of(all[i].task),
                                     .function = "f",
                                     .attempt = all[i].attempt,
                                     .failure = all[i].failure,
                                     .message = "as it is",
                                     .host = all[i].host,
                                     .t_start = (all[i].end - 1) * ORR_SECOND,
                                     .t_end = all[i].end * ORR_SECOND };
        if (all[i].result) {
            orr_put_u8(&bytes, all[i].path ? ORR_KIND_PATH : ORR_KIND_STRING);
            orr_put_string(&bytes, all[i].result, strlen(all[i].result));
        }
        stored.results = bytes.data;
        stored.results_bytes = (uint32_t)bytes.length;
        assert_true(orr_writer_put(writer, &stored, -1, 0, i));
        orr_bytes_release(&bytes);
    }
    assert_int_equal(orr_writer_close(writer, false, &err), ORR_OK);
}

static struct orr_known *load(const struct kit_run *p)
{
    struct orr_error err = { .code = ORR_OK };
    struct orr_known *known = NULL;
    if (orr_known_load(p->dir, p->options.run_id, false, &known, &err) != ORR_OK)
        fail_msg("%s", err.text);
    return known;
}

/* The text that is the result of the task, or NULL. */
static const char *result_of(const struct orr_known *known, uint64_t task, char *out)
{
    struct orr_known_result result;
    if (!orr_known_result(known, id_of(task), &result))
        return NULL;
    struct orr_reader in = orr_reader_of(result.bytes, result.length);
    size_t length = 0;
    (void)orr_get_u8(&in);
    const char *s = orr_get_string(&in, &length);
    memcpy(out, s, length);
    out[length] = '\0';
    return out;
}

static void the_newest_epoch_counts_and_its_first(void **state)
{
    struct kit_run p;
    char text[32];
    (void)state;
    kit_begin(&p);
    write_epoch(&p, 1,
                (struct attempt[]) { { 1, 1, 0, 10, "one", "", false },
                                     { 2, 3, 0, 10, "two", "", false },
                                     { 3, 1, 0, 10, "", "", false } },
                3);
    write_epoch(&p, 2,
                (struct attempt[]) { { 2, 4, 0, 20, "again", "", false },
                                     { 2, 4, 0, 20, "a duplicate", "", false },
                                     { 5, 0, 0, 20, "taken", "run7", false } },
                3);
    struct orr_known *known = load(&p);
    struct orr_known_result result;
    assert_int_equal(orr_known_results(known), 4);
    assert_string_equal(result_of(known, 1, text), "one");
    assert_string_equal(result_of(known, 2, text), "again");
    assert_string_equal(result_of(known, 3, text), "");
    assert_null(result_of(known, 4, text));
    assert_null(result_of(NULL, 1, text));
    assert_true(orr_known_result(known, id_of(2), &result));
    assert_int_equal(result.attempt, 4);
    assert_int_equal(result.epoch, 2);
    assert_string_equal(result.origin, "");
    assert_true(orr_known_result(known, id_of(5), &result));
    assert_int_equal(result.attempt, 0);
    assert_string_equal(result.origin, "run7");
    assert_int_equal(orr_known_time(known, id_of(1)), ORR_SECOND);
    assert_int_equal(orr_known_time(known, id_of(5)), -1);
    assert_int_equal(orr_known_mean(known, "f"), ORR_SECOND);
    orr_known_free(known);
    kit_end(&p);
}

static bool failed(const struct orr_known *known, uint64_t task, uint32_t attempt)
{
    const struct orr_known_failure *f = orr_known_failure(known, id_of(task), attempt);
    return f && f->attempt == attempt && strcmp(f->message, "as it is") == 0;
}

static void failures_count_but_for_losses_and_late_ones(void **state)
{
    struct kit_run p;
    (void)state;
    kit_begin(&p);
    write_epoch(
        &p, 1,
        (struct attempt[]) {
            { 1, 1, ORR_FAIL_EXIT, 10, NULL, "", false },
            { 1, 2, ORR_FAIL_TIMEOUT, 11, NULL, "", false },
            { 2, 1, ORR_FAIL_LOST, 10, NULL, "", false },
            { 2, 1, ORR_FAIL_LOST, 11, NULL, "", false },
            { 3, 1, ORR_FAIL_LOST, 12, NULL, "", false }, /* told out of order */
            { 3, 1, ORR_FAIL_LOST, 10, NULL, "", false },
            { 3, 1, ORR_FAIL_LOST, 11, NULL, "", false },
            { 4, 1, ORR_FAIL_EXIT, 60, NULL, "", false }, /* of a ghost */
        },
        8);
    write_epoch(&p, 2,
                (struct attempt[]) { { 2, 1, ORR_FAIL_LOST, 52, NULL, "", false },
                                     { 1, 3, ORR_FAIL_EXIT, 51, NULL, "", false } },
                2);
    struct orr_known *known = load(&p);
    assert_true(failed(known, 1, 1));
    assert_true(failed(known, 1, 2));
    assert_true(failed(known, 1, 3));
    assert_false(failed(known, 1, 4));
    assert_false(failed(known, 2, 1)); /* three losses, but in two sessions */
    assert_true(failed(known, 3, 1));  /* poisoned */
    assert_int_equal(orr_known_failure(known, id_of(3), 1)->t_end, 12 * ORR_SECOND);
    assert_false(failed(known, 4, 1));
    assert_false(failed(NULL, 1, 1));
    orr_known_forgive(known, 2);
    assert_false(failed(known, 1, 1));
    assert_true(failed(known, 1, 3));
    orr_known_free(known);
    kit_end(&p);
}

/* Page after page is given back, and what was not used is still there. */
static void used_results_are_given_back(void **state)
{
    struct kit_run p;
    struct attempt *all = orr_alloc(MANY, sizeof *all);
    char *long_text = orr_alloc(301, 1);
    (void)state;
    memset(long_text, 'x', 300);
    for (uint64_t i = 0; i < MANY; i++)
        all[i] = (struct attempt) { i, 1, 0, 10, long_text, "", false };
    kit_begin(&p);
    write_epoch(&p, 1, all, MANY);
    struct orr_known *known = load(&p);
    char text[400];
    assert_int_equal(orr_known_results(known), MANY);
    for (uint64_t i = 0; i + 1 < MANY; i++) {
        assert_non_null(result_of(known, i, text));
        orr_known_used(known, id_of(i));
        orr_known_used(known, id_of(i)); /* twice is once */
    }
    assert_null(result_of(known, 0, text));
    assert_non_null(result_of(known, MANY - 1, text));
    orr_known_used(known, id_of(MANY + 5)); /* of no task */
    orr_known_free(known);
    free(long_text);
    free(all);
    kit_end(&p);
}

/* A file belongs to the task that ended last, however often that ran. */
static void overwritten_files_are_known(void **state)
{
    struct kit_run p;
    struct attempt all[4000];
    (void)state;
    for (uint64_t i = 0; i < 4000; i++)
        all[i] = (struct attempt) { i, 1, 0, 10, "no path: /out/", "", false };
    kit_begin(&p);
    write_epoch(&p, 1, all, 4000);
    struct attempt files[] = { { 1, 1, 0, 10, "/run/out/a", "", true },
                               { 2, 1, 0, 20, "/run/out/a", "", true },
                               { 3, 1, 0, 10, "/run/out/b", "", true },
                               { 3, 1, 0, 30, "/run/out/b", "", true } };
    write_epoch(&p, 2, files, 4);
    struct orr_known *known = load(&p);
    assert_true(orr_known_overwritten(known, id_of(1), "/run/out/a", 10 * ORR_SECOND));
    assert_false(orr_known_overwritten(known, id_of(2), "/run/out/a", 20 * ORR_SECOND));
    assert_false(orr_known_overwritten(known, id_of(3), "/run/out/b", 10 * ORR_SECOND));
    assert_true(orr_known_overwritten(known, id_of(4), "/run/out/b", 10 * ORR_SECOND));
    assert_false(orr_known_overwritten(known, id_of(1), "/run/out/c", 0));
    assert_false(orr_known_overwritten(NULL, id_of(1), "/run/out/a", 0));
    orr_known_free(known);
    kit_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_epoch_counts_and_its_first),
        cmocka_unit_test(failures_count_but_for_losses_and_late_ones),
        cmocka_unit_test(used_results_are_given_back),
        cmocka_unit_test(overwritten_files_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
