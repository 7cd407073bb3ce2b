/* blobs.c - blobs of a call pass through memory: not more than it may have */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exec/call.h"
#include "orrery/function.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART = 1000 };

/* Goes on after it was refused, as careless functions do. */
static int three_parts(struct orr_call *call)
{
    static const char part[PART];
    orr_blob_begin(call);
    for (int i = 0; i < 3; i++)
        orr_blob_append(call, part, sizeof part);
    orr_blob_end(call, "data");
    return 0;
}

static const struct orr_param no_params[] = { { 0 } };
static const struct orr_result_field results[] = { { .name = "data", .type = "blob" },
                                                   { 0 } };
static const struct orr_function function = { .name = "test.parts",
                                              .version = "1",
                                              .doc = "",
                                              .params = no_params,
                                              .results = results,
                                              .run = three_parts };

static enum orr_fail_kind run(uint64_t most, off_t *written, char *told, size_t size)
{
    struct orr_call_setup setup = { .function = &function,
                                    .cores = 1,
                                    .blob_fd = memfd_create("blobs", MFD_CLOEXEC),
                                    .blobs_most = most };
    struct orr_call *call = orr_call_new(&setup);
    const char *message = "";
    int code = 0;
    struct stat info;
    orr_call_run(call);
    enum orr_fail_kind kind = orr_call_failure(call, &code, &message);
    assert_int_equal(fstat(setup.blob_fd, &info), 0);
    *written = info.st_size;
    (void)snprintf(told, size, "%s", message);
    orr_call_free(call);
    (void)close(setup.blob_fd);
    return kind;
}

static void more_than_allowed_fails(void **state)
{
    off_t written = 0;
    char told[400];
    (void)state;
    assert_int_equal(run(3 * PART, &written, told, sizeof told), ORR_FAIL_NONE);
    assert_int_equal(written, 3 * PART);
    assert_int_equal(run(0, &written, told, sizeof told), ORR_FAIL_NONE);
    assert_int_equal(run(3 * PART - 1, &written, told, sizeof told), ORR_FAIL_MEMORY);
    assert_int_equal(written, 2 * PART);
    assert_non_null(strstr(told, "test.parts returns blobs of "));
    assert_non_null(strstr(told, "return a path instead"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(more_than_allowed_fails) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
