/* local.c - the agent's socket and the messages on it; owns nothing */
#include "node/local.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void orri_local_assignment_put(struct orr_bytes *out,
                               const struct orri_local_assignment *a)
{
    orr_put_u32(out, a->token);
    orr_put_u32(out, a->n_cores);
    for (uint32_t i = 0; i < a->n_cores; i++)
        orr_put_u32(out, a->cores[i]);
    orr_put_string(out, a->env, strlen(a->env));
    orr_assignment_run_put(out, &a->run);
}

orr_status orri_local_assignment_get(struct orr_reader *in, struct orr_arena *arena,
                                     struct orri_local_assignment *a)
{
    size_t length = 0;
    a->token = orr_get_u32(in);
    a->n_cores = orr_get_u32(in);
    if (a->n_cores == 0 || a->n_cores > ORRI_CORES_MAX)
        return ORR_ERR_DATA;
    for (uint32_t i = 0; i < a->n_cores; i++)
        a->cores[i] = orr_get_u32(in);
    const char *env = orr_get_string(in, &length);
    a->env = length ? orr_arena_strndup(arena, env, length) : "";
    return orr_assignment_run_get(in, &a->run);
}

/* ---- calls that succeeded: times, and results as series ---- */

_Static_assert((int)ORR_SUCCESSES_MAX == (int)ORR_RUN_MAX, "a run is told as one");

static void put_series(struct orr_bytes *out, const struct orr_series *series)
{
    orr_put_varint(out, series->n);
    orr_series_put(out, series);
}

static void put_calls(struct orr_bytes *out, const struct orr_successes *calls)
{
    uint32_t length = 0;
    const unsigned char *first = orr_success_results(calls, 0, &length);
    struct orr_series series = orr_series_of(first, length);
    orr_put_i64(out, calls->times[0]);
    for (uint32_t i = 0; i < calls->n; i++)
        orr_put_zigzag(out, calls->times[i + 1] - calls->times[i]);
    for (uint32_t i = 1; i < calls->n; i++) {
        const unsigned char *results = orr_success_results(calls, i, &length);
        if (orr_series_add(&series, results, length))
            continue;
        put_series(out, &series);
        series = orr_series_of(results, length);
    }
    put_series(out, &series);
}

/* Results of the next calls, `left` at most; the number of them. */
static uint32_t get_series(struct orr_reader *in, struct orr_successes *calls,
                           uint32_t left)
{
    struct orr_series series;
    uint64_t n = orr_get_varint(in);
    if (n == 0 || n > left)
        in->bad = true;
    if (in->bad)
        return left;
    orr_series_get(in, (uint32_t)n, &series);
    for (uint32_t i = 0; i < n && !in->bad; i++) {
        orr_series_at(&series, i, orr_bytes_extend(&calls->results, series.length));
        calls->ends[calls->n++] = (uint32_t)calls->results.length;
    }
    return (uint32_t)n;
}

static void get_calls(struct orr_reader *in, uint32_t n, struct orr_successes *calls)
{
    orr_bytes_clear(&calls->results);
    calls->n = 0;
    calls->times[0] = orr_get_i64(in);
    for (uint32_t i = 0; i < n; i++)
        calls->times[i + 1] = calls->times[i] + orr_get_zigzag(in);
    for (uint32_t left = n; left && !in->bad;)
        left -= get_series(in, calls, left);
}

void orri_local_done_put(struct orr_bytes *out, const struct orr_host_done *done)
{
    orr_put_u32(out, done->token);
    orr_put_u32(out, done->task);
    orr_put_u32(out, done->attempt);
    orr_put_u32(out, done->core);
    orr_put_varint(out, done->calls ? done->calls->n : 0);
    if (done->calls)
        put_calls(out, done->calls);
    else
        orr_outcome_put(out, &done->outcome);
}

orr_status orri_local_done_get(struct orr_reader *in, struct orr_host_done *done,
                               struct orr_successes *calls, struct orr_arena *arena)
{
    done->blob_fd = -1;
    done->token = orr_get_u32(in);
    done->task = orr_get_u32(in);
    done->attempt = orr_get_u32(in);
    done->core = orr_get_u32(in);
    uint64_t n = orr_get_varint(in);
    done->calls = n ? calls : NULL;
    if (n == 0)
        return orr_outcome_get(in, arena, &done->outcome);
    if (n <= ORR_SUCCESSES_MAX)
        get_calls(in, (uint32_t)n, calls);
    return in->bad || n > ORR_SUCCESSES_MAX ? ORR_ERR_DATA : ORR_OK;
}

/* ---- the call that a worker is at ---- */

int orri_local_share_call(orr_host_call **out, struct orr_error *err)
{
    void *memory = MAP_FAILED;
    int fd = memfd_create("orrery-call", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, sizeof **out) == 0)
        memory = mmap(NULL, sizeof **out, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED) {
        *out = memory;
        atomic_store(*out, ORR_HOST_NO_CALL);
        return fd;
    }
    int bad = errno;
    if (fd >= 0)
        (void)close(fd);
    (void)orr_error_errno(err, ORR_ERR_MACHINE, bad,
                          "worker cannot share memory with its agent");
    return -1;
}

const orr_host_call *orri_local_see_call(int fd)
{
    struct stat file;
    void *memory = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &file) == 0 &&
        file.st_size == (off_t)sizeof(orr_host_call))
        memory = mmap(NULL, sizeof(orr_host_call), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    return memory != MAP_FAILED ? memory : NULL;
}

void orri_local_forget_call(const orr_host_call *call)
{
    if (call)
        (void)munmap((void *)(uintptr_t)call, sizeof *call);
}

/* ---- the socket ---- */

static socklen_t address_of(uint64_t token, uint32_t agent, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
    int n = snprintf(address->sun_path + 1, sizeof address->sun_path - 1,
                     "orrery-%016" PRIx64 "-%" PRIu32, token, agent);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int orri_local_listen(uint64_t token, uint32_t agent, struct orr_error *err)
{
    struct sockaddr_un address;
    socklen_t length = address_of(token, agent, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
        listen(fd, SOMAXCONN) == 0)
        return fd;
    int bad = errno;
    if (fd >= 0)
        (void)close(fd);
    (void)orr_error_errno(err, ORR_ERR_MACHINE, bad,
                          "agent cannot listen for its workers");
    return -1;
}

int orri_local_connect(uint64_t token, uint32_t agent, struct orr_error *err)
{
    struct sockaddr_un address;
    socklen_t length = address_of(token, agent, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, length) == 0 &&
        orri_local_is_ours(fd))
        return fd;
    int bad = errno;
    if (fd >= 0)
        (void)close(fd);
    (void)orr_error_errno(err, ORR_ERR_MACHINE, bad,
                          "worker cannot reach its agent (rank %u)", agent);
    return -1;
}

bool orri_local_is_ours(int fd)
{
    struct ucred peer = { 0 };
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           peer.uid == geteuid();
}
