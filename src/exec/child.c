/* child.c - a warm child: serves attempts until its socket closes
 * Owns: nothing that outlives an attempt but what functions cache. */
#include "exec/zygote.h"

#include "base/channel.h"
#include "base/memory.h"
#include "exec/orphans.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct child {
    const struct orr_nursery_setup *setup;
    struct orr_channel rank;
    orr_shared_pid *group;
    struct orr_arena arena;
    char *run_dir; /* that `blobs` reads from */
    struct orr_blob_source blobs;
};

static void use_run(struct child *child, const char *run_dir)
{
    if (!run_dir || (child->run_dir && strcmp(child->run_dir, run_dir) == 0))
        return;
    free(child->run_dir);
    child->run_dir = orr_strdup(run_dir);
    child->blobs = child->setup->blobs(child->setup->context, run_dir);
}

static void run(struct child *child, const struct orr_order *order, int blob_fd,
                struct orr_outcome *out)
{
    if (!order->function) {
        if (order->n_ins)
            use_run(child, order->run_dir);
        orr_command_run(order, &child->blobs, blob_fd, child->group, &child->arena,
                        out);
        return;
    }
    const struct orr_function *function =
        child->setup->find(child->setup->context, order->function);
    if (!function)
        ORR_BUG("no function '%s' in the child", order->function);
    use_run(child, order->run_dir);
    orr_native_run(function, order, &child->blobs, blob_fd, &child->arena, out);
}

static void serve(struct child *child, const void *data, size_t length, int blob_fd)
{
    struct orr_reader in = orr_reader_of(data, length);
    struct orr_order order;
    struct orr_outcome outcome = { 0 };
    if (orr_order_get(&in, &child->arena, &order) != ORR_OK)
        ORR_BUG("order of %zu bytes does not read back", length);
    run(child, &order, blob_fd, &outcome);
    struct orr_bytes answer = ORR_BYTES_INIT;
    orr_outcome_put(&answer, &outcome);
    orr_channel_send(&child->rank, answer.data, answer.length, -1);
    orr_bytes_release(&answer);
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
                     orr_shared_pid *group)
{
    struct child child = { .setup = setup, .group = group };
    const void *data = NULL;
    size_t length = 0;
    int blob_fd = -1;
    (void)prctl(PR_SET_NAME, "orrery-child");
    (void)signal(SIGPIPE, SIG_DFL);
    orri_orphans_adopt();
    keep_memory();
    orr_channel_init(&child.rank, fd);
    while (orr_channel_wait(&child.rank, &data, &length, &blob_fd) == ORR_OK) {
        serve(&child, data, length, blob_fd);
        if (blob_fd >= 0)
            (void)close(blob_fd);
        orr_arena_reset(&child.arena);
    }
    _exit(0);
}
