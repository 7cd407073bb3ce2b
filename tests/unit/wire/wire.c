/* wire.c - messages come back as they were, and damage is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/runs.h"

#include <string.h>

static void messages_come_back(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_assignment a = { .task = 7,
                                .attempt = 2,
                                .function = 3,
                                .request = 1,
                                .identity = { 11, 12 },
                                .priority = -5,
                                .queued = 99,
                                .args = "args",
                                .args_length = 4 };
    struct orr_done d = { .task = 7,
                          .attempt = 2,
                          .rank = 9,
                          .core = 4,
                          .failure = 3,
                          .code = -1,
                          .message = "slow",
                          .results = "res",
                          .results_length = 3,
                          .t_start = 5,
                          .t_end = 6,
                          .cpu = 1,
                          .blob_bytes = 1000,
                          .counters = "n=2\n" };
    orr_batch_begin(&out, ORR_MESSAGE_ASSIGN);
    orr_assignment_put(&out, &a);
    orr_assignment_put(&out, &a);
    struct orr_reader in = orr_reader_of(out.data, out.length);
    assert_int_equal(orr_message_of(&in), ORR_MESSAGE_ASSIGN);
    for (int i = 0; i < 2; i++) {
        struct orr_assignment_run run;
        assert_int_equal(orr_assignment_run_get(&in, &run), ORR_OK);
        assert_int_equal(run.n, 1);
        struct orr_assignment back = run.first;
        assert_int_equal(back.task, 7);
        assert_int_equal(back.priority, -5);
        assert_true(orr_id_equal(back.identity, a.identity));
        assert_memory_equal(back.args, "args", 4);
    }
    assert_int_equal(orr_reader_left(&in), 0);
    orr_bytes_clear(&out);
    orr_done_put(&out, &d);
    struct orr_done_run ended;
    in = orr_reader_of(out.data, out.length);
    assert_int_equal(orr_done_run_get(&in, &arena, &ended), ORR_OK);
    struct orr_done back = ended.first;
    assert_string_equal(back.message, "slow");
    assert_string_equal(back.counters, "n=2\n");
    assert_int_equal(back.code, -1);
    assert_int_equal(back.blob_bytes, 1000);
    orr_bytes_release(&out);
    orr_arena_release(&arena);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_hello h = { .wire_version = 1,
                           .version = "v",
                           .host = "node1",
                           .rank = 3,
                           .cores = 8,
                           .workers = 8,
                           .memory = 1,
                           .pid = 2,
                           .pid_space = "b/4",
                           .bind = "0-7",
                           .gpus = 4 };
    orr_hello_put(&out, &h);
    for (size_t length = 1; length < out.length; length++) {
        struct orr_arena arena = ORR_ARENA_INIT;
        struct orr_reader in = orr_reader_of(out.data, length);
        struct orr_hello back;
        (void)orr_message_of(&in);
        assert_int_equal(orr_hello_get(&in, &arena, &back), ORR_ERR_DATA);
        orr_arena_release(&arena);
    }
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_reader in = orr_reader_of(out.data, out.length);
    struct orr_hello whole;
    (void)orr_message_of(&in);
    assert_int_equal(orr_hello_get(&in, &arena, &whole), ORR_OK);
    assert_string_equal(whole.bind, "0-7");
    assert_int_equal(whole.gpus, 4);
    orr_arena_release(&arena);
    orr_bytes_release(&out);
}

static void names_of_attempts_travel_in_batches(void **state)
{
    (void)state;
    struct orr_bytes out = ORR_BYTES_INIT;
    struct orr_attempt_name name = { 0 };
    struct orr_retract retract = { 0 };
    for (uint32_t i = 1; i <= 2; i++)
        orr_attempt_name_put(&out, ORR_MESSAGE_CANCEL,
                             (struct orr_attempt_name) { i, 10 * i });
    struct orr_reader in = orr_reader_of(out.data, out.length);
    assert_int_equal(orr_message_of(&in), ORR_MESSAGE_CANCEL);
    for (uint32_t i = 1; i <= 2; i++) {
        assert_int_equal(orr_attempt_name_get(&in, &name), ORR_OK);
        assert_int_equal(name.task, i);
        assert_int_equal(name.attempt, 10 * i);
    }
    assert_int_equal(orr_reader_left(&in), 0);
    assert_int_equal(orr_attempt_name_get(&in, &name), ORR_ERR_DATA);
    orr_bytes_clear(&out);
    orr_retract_put(&out, &(struct orr_retract) { 7, { 3, 2, 1ULL << 40 } });
    in = orr_reader_of(out.data, out.length);
    assert_int_equal(orr_message_of(&in), ORR_MESSAGE_RETRACT);
    assert_int_equal(orr_retract_get(&in, &retract), ORR_OK);
    assert_int_equal(retract.cores, 7);
    assert_int_equal(retract.widest.cores, 3);
    assert_int_equal(retract.widest.gpus, 2);
    assert_int_equal(retract.widest.memory, 1ULL << 40);
    orr_bytes_release(&out);
}

static void unknown_numbers_are_no_message(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 256; n++) {
        unsigned char byte = (unsigned char)n;
        struct orr_reader in = orr_reader_of(&byte, 1);
        assert_int_equal(orr_message_of(&in), n >= 1 && n <= 12 ? n : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_back),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(names_of_attempts_travel_in_batches),
        cmocka_unit_test(unknown_numbers_are_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
