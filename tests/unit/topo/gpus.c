/* gpus.c - which GPUs there are, and how programs are told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topo/gpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const all[] = { "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                   "HIP_VISIBLE_DEVICES",  "GPU_DEVICE_ORDINAL",
                                   "SLURM_STEP_GPUS",      "SLURM_JOB_GPUS" };

static int no_variables(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        (void)unsetenv(all[i]);
    return 0;
}

/* NAMES: "a b c", as they are numbered; ENVIRONMENT of the last and the first. */
static void expect(uint32_t forced, const char *root, const char *names,
                   const char *environment)
{
    struct orr_gpus *gpus = orr_gpus_new(forced, root);
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t n = orr_gpus_count(gpus);
    orr_text_puts(&text, "");
    for (uint32_t i = 0; i < n; i++)
        orr_text_printf(&text, "%s%s", i ? " " : "", orr_gpus_name(gpus, i));
    assert_string_equal(text.s ? text.s : "", names);
    orr_text_clear(&text);
    uint32_t which[] = { n - 1, 0 };
    orr_gpus_environment(gpus, which, n < 2 ? n : 2, &text);
    assert_string_equal(text.length ? text.s : "", environment);
    orr_text_release(&text);
    orr_gpus_free(gpus);
}

static void variables_say_which(void **state)
{
    (void)state;
    (void)setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8f2a,5", 1);
    expect(0, "/none", "3 GPU-8f2a 5", "CUDA_VISIBLE_DEVICES=5,3\nORRERY_GPUS=5,3\n");
    (void)setenv("SLURM_JOB_GPUS", "0-7", 1); /* CUDA's goes first */
    expect(0, "/none", "3 GPU-8f2a 5", "CUDA_VISIBLE_DEVICES=5,3\nORRERY_GPUS=5,3\n");
    (void)unsetenv("CUDA_VISIBLE_DEVICES");
    expect(0, "/none", "0 1 2 3 4 5 6 7",
           "CUDA_VISIBLE_DEVICES=7,0\nROCR_VISIBLE_DEVICES=7,0\nORRERY_GPUS=7,0\n");
}

/* HIP counts within what ROCR shows: places in the lists belong together. */
static void lists_stay_consistent(void **state)
{
    (void)state;
    (void)setenv("ROCR_VISIBLE_DEVICES", "4,5", 1);
    (void)setenv("HIP_VISIBLE_DEVICES", "0,1", 1);
    expect(0, "/none", "4 5",
           "ROCR_VISIBLE_DEVICES=5,4\nHIP_VISIBLE_DEVICES=1,0\nORRERY_GPUS=5,4\n");
}

static void none_is_none(void **state)
{
    (void)state;
    expect(0, "/none", "", "");
    (void)setenv("CUDA_VISIBLE_DEVICES", "", 1);
    expect(0, "/none", "", "");
    (void)setenv("CUDA_VISIBLE_DEVICES", "-1", 1);
    expect(0, "/none", "", "");
    (void)setenv("CUDA_VISIBLE_DEVICES", "0,-1,1", 1);
    expect(0, "/none", "0", "CUDA_VISIBLE_DEVICES=0\nORRERY_GPUS=0\n");
    (void)setenv("CUDA_VISIBLE_DEVICES", "NoDevFiles", 1);
    expect(0, "/none", "", "");
}

static void the_option_goes_before_variables(void **state)
{
    (void)state;
    (void)setenv("CUDA_VISIBLE_DEVICES", "5", 1);
    expect(3, "/none", "0 1 2",
           "CUDA_VISIBLE_DEVICES=2,0\nROCR_VISIBLE_DEVICES=2,0\nORRERY_GPUS=2,0\n");
}

static void make(const char *root, const char *path, const char *content)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        (void)mkdir(whole, 0700);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    (void)fputs(content, file);
    (void)fclose(file);
}

static void drivers_say_how_many(void **state)
{
    (void)state;
    char root[] = "/tmp/orr-gpus-XXXXXX";
    char command[80];
    assert_non_null(mkdtemp(root));
    make(root, "/sys/class/kfd/kfd/topology/nodes/0/gpu_id", "0\n");
    make(root, "/sys/class/kfd/kfd/topology/nodes/1/gpu_id", "51432\n");
    make(root, "/sys/class/kfd/kfd/topology/nodes/2/gpu_id", "7211\n");
    expect(0, root, "0 1",
           "CUDA_VISIBLE_DEVICES=1,0\nROCR_VISIBLE_DEVICES=1,0\nORRERY_GPUS=1,0\n");
    make(root, "/dev/nvidia0", "");
    make(root, "/dev/nvidiactl", "");
    expect(0, root, "0",
           "CUDA_VISIBLE_DEVICES=0\nROCR_VISIBLE_DEVICES=0\nORRERY_GPUS=0\n");
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(variables_say_which, no_variables),
        cmocka_unit_test_setup(lists_stay_consistent, no_variables),
        cmocka_unit_test_setup(none_is_none, no_variables),
        cmocka_unit_test_setup(the_option_goes_before_variables, no_variables),
        cmocka_unit_test_setup(drivers_say_how_many, no_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
