/* local.c - the agent's socket and the messages on it; owns nothing */
#include "node/local.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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
    orr_assignment_put(out, &a->assignment);
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
    return orr_assignment_get(in, &a->assignment);
}

void orri_local_done_put(struct orr_bytes *out, const struct orr_host_done *done)
{
    orr_put_u32(out, done->token);
    orr_put_u32(out, done->task);
    orr_put_u32(out, done->attempt);
    orr_put_u32(out, done->core);
    orr_outcome_put(out, &done->outcome);
}

orr_status orri_local_done_get(struct orr_reader *in, struct orr_host_done *done,
                               struct orr_arena *arena)
{
    done->blob_fd = -1;
    done->token = orr_get_u32(in);
    done->task = orr_get_u32(in);
    done->attempt = orr_get_u32(in);
    done->core = orr_get_u32(in);
    return orr_outcome_get(in, arena, &done->outcome);
}

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
