/* topo.c - machines that nobody has at hand, and the one that we have */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topo/plan.h"
#include "topo/topo.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void synthetic_machines_are_understood(void **state)
{
    (void)state;
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t cores[] = { 0, 1, 9 };
    assert_int_equal(orr_topo_load(NULL, "pack:2 [numa] core:8 pu:2", &topo, &err),
                     ORR_OK);
    assert_int_equal(orr_topo_cores(topo), 16);
    assert_int_equal(orr_topo_threads(topo), 32);
    assert_int_equal(orr_topo_numas(topo), 2);
    assert_int_equal(orr_topo_numa_of(topo, 7), 0);
    assert_int_equal(orr_topo_numa_of(topo, 8), 1);
    assert_int_equal(orr_topo_numa_of(topo, 16), 0); /* counts modulo */
    orr_topo_cpus(topo, cores, 3, &text);
    assert_string_equal(text.s, "0-3,18-19");
    orr_text_release(&text);
    orr_topo_free(topo);
}

/* SMT off, and on with domains of NUMA as the unit of binding. */
static void binding_goes_by_cores_or_by_domains(void **state)
{
    (void)state;
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    struct orr_text text = ORR_TEXT_INIT;
    uint32_t cores[] = { 1, 5 };
    assert_int_equal(orr_topo_load(NULL, "pack:2 [numa] core:4 pu:1", &topo, &err),
                     ORR_OK);
    assert_int_equal(orr_topo_cores(topo), orr_topo_threads(topo));
    orr_topo_cpus(topo, cores, 1, &text);
    orr_text_puts(&text, " ");
    orr_topo_set_bind(topo, ORR_BIND_NUMA);
    orr_topo_cpus(topo, cores, 1, &text);
    orr_text_puts(&text, " ");
    orr_topo_cpus(topo, cores, 2, &text);
    assert_string_equal(text.s, "1 0-3 0-7");
    orr_text_release(&text);
    orr_topo_free(topo);
}

static void expect_plan(struct orr_topo_plan *plan, const char *expected)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_topo_plan_print(plan, &text);
    assert_string_equal(text.s, expected);
    orr_text_release(&text);
}

static void a_recorded_machine_shows_its_gpus(void **state)
{
    (void)state;
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    if (orr_topo_load(ORR_SOURCE_DIR "/tests/golden/machines/three-gpus.xml", NULL,
                      &topo, &err) != ORR_OK)
        fail_msg("%s", err.text);
    struct orr_topo_plan plan = { .topo = topo, .cores_each = 2, .bound = true };
    expect_plan(&plan,
                "4 cores, 8 hardware threads, 2 NUMA domains, 512 GiB of memory, 3 "
                "GPUs\n"
                "GPUs cuda0 (NUMA 0), cuda1 (NUMA 1), cuda2 (NUMA 1)\n"
                "rank  core  NUMA  CPUs\n"
                "   0     -     -  any (coordinator)\n"
                "   1   0-1     0  0-3 (agent and worker)\n"
                "   2   2-3     1  4-7\n");
    plan.workers = 1;
    plan.bound = false;
    plan.cores_each = 1;
    expect_plan(&plan,
                "4 cores, 8 hardware threads, 2 NUMA domains, 512 GiB of memory, 3 "
                "GPUs\n"
                "GPUs cuda0 (NUMA 0), cuda1 (NUMA 1), cuda2 (NUMA 1)\n"
                "rank  core  NUMA  CPUs\n"
                "   0     -     -  any (coordinator)\n"
                "   1     0     0  any (agent and worker)\n");
    orr_topo_free(topo);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    assert_int_equal(orr_topo_load(NULL, "no such thing", &topo, &err), ORR_ERR_INPUT);
    assert_non_null(strstr(err.text, "no such thing"));
    assert_int_equal(orr_topo_load("/nonexistent.xml", NULL, &topo, &err),
                     ORR_ERR_INPUT);
    assert_non_null(strstr(err.text, "/nonexistent.xml"));
}

static void a_process_is_pinned_and_the_mask_kept(void **state)
{
    (void)state;
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    cpu_set_t before;
    cpu_set_t mask;
    uint32_t core = 0;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    assert_int_equal(orr_topo_load(NULL, NULL, &topo, &err), ORR_OK);
    if (orr_topo_bind(topo, pid, &core, 1, &err) != ORR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(sched_getaffinity(pid, sizeof mask, &mask), 0);
    assert_int_equal((uint32_t)CPU_COUNT(&mask) * orr_topo_cores(topo),
                     orr_topo_threads(topo)); /* as many as a core has */
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        assert_true(!CPU_ISSET(cpu, &mask) || CPU_ISSET(cpu, &before));
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    orr_topo_free(topo);
}

/* A mask from taskset or Slurm's task/affinity is no suggestion. */
static void the_inherited_mask_is_all_there_is(void **state)
{
    (void)state;
    cpu_set_t before;
    cpu_set_t one;
    struct orr_topo *topo = NULL;
    struct orr_error err = { 0 };
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(orr_topo_load(NULL, NULL, &topo, &err), ORR_OK);
    assert_int_equal(orr_topo_threads(topo), 1);
    assert_int_equal(orr_topo_cores(topo), 1);
    orr_topo_free(topo);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_machines_are_understood),
        cmocka_unit_test(binding_goes_by_cores_or_by_domains),
        cmocka_unit_test(a_recorded_machine_shows_its_gpus),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_process_is_pinned_and_the_mask_kept),
        cmocka_unit_test(the_inherited_mask_is_all_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
