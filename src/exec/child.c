/* child.c - a warm child: serves attempts until its socket closes
 * Owns: nothing that outlives an attempt but what functions cache. */
#include "exec/zygote.h"

#include "base/channel.h"
#include "base/memory.h"
#include "exec/footprint.h"
#include "exec/orphans.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

struct child {
    const struct orr_nursery_setup *setup;
    struct orr_channel rank;
    struct orr_home *home;
    struct orr_arena arena;
    char *run_dir; /* that `blobs` reads from */
    struct orr_blob_source blobs;
    struct orr_oom_kills kills;
    struct orr_starter starter;
    int blob_fd; /* for the bytes of the next attempt's blobs; -1: none yet */
};

static void use_run(struct child *child, const char *run_dir)
{
    if (!run_dir || (child->run_dir && strcmp(child->run_dir, run_dir) == 0))
        return;
    free(child->run_dir);
    child->run_dir = orr_strdup(run_dir);
    child->blobs = child->setup->blobs(child->setup->context, run_dir);
}

static void run_command(struct child *child, const struct orr_order *order, int blob_fd,
                        struct orr_outcome *out)
{
    if (order->n_ins)
        use_run(child, order->run_dir);
    orr_oom_mark(&child->kills);
    orr_command_run(order, &child->blobs, blob_fd, child->home, &child->starter,
                    &child->arena, out);
    if (out->failure != ORR_FAIL_SIGNAL || out->code != SIGKILL ||
        !orr_oom_happened(&child->kills))
        return;
    out->failure = ORR_FAIL_MEMORY;
    out->code = 0;
    out->message = orr_oom_message(&child->arena, order->argv[0]);
}

/* Variables that are there for one attempt; what there was comes back. */
static void swap_environment(const struct orr_order *order, struct orr_arena *arena,
                             char **before, bool set)
{
    for (uint32_t i = 0; i < order->n_env; i++) {
        const char *equals = strchr(order->env[i], '=');
        const char *name =
            orr_arena_strndup(arena, order->env[i], (size_t)(equals - order->env[i]));
        const char *old = getenv(name);
        if (set)
            before[i] = old ? orr_strdup(old) : NULL;
        if (set || before[i])
            (void)setenv(name, set ? equals + 1 : before[i], 1);
        else
            (void)unsetenv(name);
        if (!set)
            free(before[i]);
    }
}

/* What was kept of earlier calls does not count against the limit of this one. */
static void give_back_memory(const struct orr_order *order)
{
#ifdef __GLIBC__
    if (order->memory)
        (void)malloc_trim(0);
#endif
}

static void run(struct child *child, const struct orr_order *order, int blob_fd,
                struct orr_outcome *out)
{
    if (!order->function) {
        run_command(child, order, blob_fd, out);
        return;
    }
    const struct orr_function *function =
        child->setup->find(child->setup->context, order->function);
    if (!function)
        ORR_BUG("no function '%s' in the child", order->function);
    use_run(child, order->run_dir);
    give_back_memory(order);
    char **before = orr_arena_alloc(&child->arena, (order->n_env + 1) * sizeof *before);
    swap_environment(order, &child->arena, before, true);
    orr_native_run(function, order, &child->blobs, blob_fd, &child->arena, out);
    swap_environment(order, &child->arena, before, false);
    child->starter.known = false; /* it may have changed what is done with signals */
}

/* Most attempts leave it empty: then the next one gets it. */
static void use_blob_file(struct child *child)
{
    if (child->blob_fd < 0)
        child->blob_fd = memfd_create("orrery-results", MFD_CLOEXEC);
    if (child->blob_fd < 0)
        ORR_BUG("memfd_create: %s", strerror(errno));
}

static void answer(struct child *child, const struct orr_outcome *outcome)
{
    struct orr_bytes bytes = ORR_BYTES_INIT;
    orr_outcome_put(&bytes, outcome);
    orr_channel_send(&child->rank, bytes.data, bytes.length,
                     outcome->blob_bytes ? child->blob_fd : -1);
    orr_bytes_release(&bytes);
    if (!outcome->blob_bytes && outcome->failure == ORR_FAIL_NONE)
        return;
    (void)close(child->blob_fd); /* a failure may have left something in it */
    child->blob_fd = -1;
}

static void serve(struct child *child, const void *data, size_t length)
{
    struct orr_reader in = orr_reader_of(data, length);
    struct orr_order order;
    struct orr_outcome outcome = { 0 };
    if (orr_order_get(&in, &child->arena, &order) != ORR_OK)
        ORR_BUG("order of %zu bytes does not read back", length);
    use_blob_file(child);
    run(child, &order, child->blob_fd, &outcome);
    answer(child, &outcome);
}

enum { MMAP_BYTES = 32 << 20, TRIM_BYTES = 512 << 20 };

/* An encoder needs the same hundreds of megabytes in every call. Given back to the
 * system in between, their pages cost 8 % of an encode's CPU (docs/design/memory.md).
 */
static void keep_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
#endif
}

void orri_child_main(const struct orr_nursery_setup *setup, int fd,
                     struct orr_home *home)
{
    struct child child = { .setup = setup, .home = home, .blob_fd = -1 };
    const void *data = NULL;
    size_t length = 0;
    int passed = -1;
    (void)prctl(PR_SET_NAME, "orrery-child");
    (void)signal(SIGPIPE, SIG_DFL);
    orri_orphans_adopt();
    keep_memory();
    orr_oom_open(&child.kills, "");
    orr_channel_init(&child.rank, fd);
    while (orr_channel_wait(&child.rank, &data, &length, &passed) == ORR_OK) {
        serve(&child, data, length);
        orr_arena_reset(&child.arena);
    }
    _exit(0);
}
