/* child.c - a warm child and what one attempt leaves to the next */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/channel.h"
#include "exec/nursery.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

static int tell_gpus(struct orr_call *call)
{
    const char *gpus = getenv("ORRERY_GPUS");
    orr_call_warn(call, "%s", gpus ? gpus : "unset");
    return 0;
}

static const struct orr_param no_params[] = { { 0 } };
static const struct orr_result_field no_results[] = { { 0 } };
static const struct orr_function tells = { .name = "test.tells",
                                           .version = "1",
                                           .doc = "",
                                           .params = no_params,
                                           .results = no_results,
                                           .run = tell_gpus };

static const struct orr_function *find(void *context, const char *name)
{
    (void)context;
    return strcmp(name, tells.name) == 0 ? &tells : NULL;
}

static struct orr_blob_source no_blobs(void *context, const char *run_dir)
{
    (void)context, (void)run_dir;
    return (struct orr_blob_source) { 0 };
}

static void wait_for(int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&ready, 1, 60000), 1);
}

static void expect(struct orr_channel *child, const char *variable, const char *told)
{
    struct orr_order order = { .function = tells.name,
                               .env = &variable,
                               .n_env = variable ? 1 : 0,
                               .cores = 1,
                               .memory = 1 << 30 };
    struct orr_bytes bytes = ORR_BYTES_INIT;
    struct orr_arena arena = ORR_ARENA_INIT;
    struct orr_outcome outcome;
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    orr_order_put(&bytes, &order);
    orr_channel_send(child, bytes.data, bytes.length, -1);
    assert_int_equal(orr_channel_wait(child, &data, &length, &fd), ORR_OK);
    struct orr_reader in = orr_reader_of(data, length);
    assert_int_equal(orr_outcome_get(&in, &arena, &outcome), ORR_OK);
    assert_int_equal(outcome.failure, ORR_FAIL_NONE);
    assert_string_equal(outcome.warnings, told);
    orr_arena_release(&arena);
    orr_bytes_release(&bytes);
}

/* Functions in C see their GPUs, and the next call not those of the one before. */
static void variables_are_there_for_one_attempt(void **state)
{
    (void)state;
    struct orr_nursery_setup setup = { .find = find, .blobs = no_blobs };
    struct orr_nursery *nursery = NULL;
    struct orr_nursery_event event;
    struct orr_error err = { 0 };
    struct orr_channel child;
    (void)setenv("ORRERY_GPUS", "all", 1);
    assert_int_equal(orr_nursery_start(&setup, &nursery, &err), ORR_OK);
    orr_nursery_spawn(nursery, 0);
    wait_for(orr_nursery_fd(nursery));
    assert_true(orr_nursery_next(nursery, &event));
    assert_int_equal(event.kind, ORR_NURSERY_BORN);
    orr_channel_init(&child, event.fd);
    expect(&child, NULL, "all\n");
    expect(&child, "ORRERY_GPUS=2,3", "2,3\n");
    expect(&child, "ORRERY_GPUS=", "\n");
    expect(&child, "OTHER=1", "all\n");
    orr_channel_release(&child);
    orr_nursery_stop(nursery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_there_for_one_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
