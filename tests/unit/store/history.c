/* history.c - attempts by task, and the newest task of a call */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/history.h"
#include "store_kit.h"

/* One attempt at task `id`, of a call that is always the same. */
static void try_once(struct kit_run *p, uint32_t writer_number, uint32_t epoch,
                     struct orr_id id)
{
    struct orr_writer *writer = NULL;
    struct kit_attempt a;
    p->options.writer = writer_number;
    p->options.epoch = epoch;
    p->options.no_index = true;
    kit_make(&a, 1, 0);
    a.stored.id = id;
    assert_int_equal(orr_writer_open(&p->options, &writer, NULL), ORR_OK);
    assert_true(orr_writer_put(writer, &a.stored, -1, 0, 1));
    assert_int_equal(orr_writer_close(writer, false, NULL), ORR_OK);
    kit_release(&a);
}

/* A file changed, and changed back: logs are not read in the order of epochs. */
static void test_newest_of_call(void **state)
{
    (void)state;
    static const struct orr_id first = { 1, 1 };
    static const struct orr_id second = { 2, 2 };
    struct kit_run p;
    struct kit_attempt a;
    struct orr_history *history = NULL;
    kit_begin(&p);
    try_once(&p, 1, 1, first);
    try_once(&p, 2, 2, second);
    try_once(&p, 1, 3, first);
    assert_int_equal(orr_history_load(p.dir, p.options.run_id, &history, NULL), ORR_OK);
    kit_make(&a, 1, 0);
    const struct orr_tried *tried = orr_history_of_call(
        history, a.stored.function, a.stored.args, a.stored.args_bytes);
    assert_non_null(tried);
    assert_true(orr_id_equal(tried->id, first));
    assert_int_equal(tried->epoch, 1);
    assert_int_equal(tried->next->epoch, 3);
    assert_null(tried->next->next);
    assert_int_equal(orr_history_of(history, second)->epoch, 2);
    orr_history_free(history);
    kit_release(&a);
    kit_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_newest_of_call) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
