/* nursery.c - this side of the zygote: asks for children, hears of their ends
 * Owns: the channel to the zygote. */
#include "exec/nursery.h"

#include "base/channel.h"
#include "base/memory.h"
#include "exec/zygote.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct orr_nursery {
    struct orr_channel zygote;
    pid_t pid;
};

orr_status orr_nursery_start(const struct orr_nursery_setup *setup,
                             struct orr_nursery **out, struct orr_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return orr_error_errno(err, ORR_ERR_MACHINE, errno,
                               "cannot make a socket pair");
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        int bad = errno;
        (void)close(pair[0]);
        (void)close(pair[1]);
        return orr_error_errno(err, ORR_ERR_MACHINE, bad, "cannot fork");
    }
    if (pid == 0) {
        (void)close(pair[0]);
        orri_zygote_main(setup, pair[1], parent);
    }
    (void)close(pair[1]);
    struct orr_nursery *nursery = orr_alloc(1, sizeof *nursery);
    orr_channel_init(&nursery->zygote, pair[0]);
    nursery->pid = pid;
    *out = nursery;
    return ORR_OK;
}

void orr_nursery_stop(struct orr_nursery *nursery)
{
    if (!nursery)
        return;
    /* Its sign to end, and its children's; a zygote forked after it may hold the
     * socket. */
    (void)shutdown(nursery->zygote.fd, SHUT_RDWR);
    orr_channel_release(&nursery->zygote);
    (void)waitpid(nursery->pid, NULL, 0);
    free(nursery);
}

void orr_nursery_prepare(struct orr_nursery *nursery, const char *function)
{
    struct orr_bytes message = ORR_BYTES_INIT;
    orr_put_u8(&message, ORRI_ZYGOTE_PREPARE);
    orr_put_string(&message, function, strlen(function) + 1);
    orr_channel_send(&nursery->zygote, message.data, message.length, -1);
    orr_bytes_release(&message);
}

void orr_nursery_spawn(struct orr_nursery *nursery, uint32_t label)
{
    struct orr_bytes message = ORR_BYTES_INIT;
    orr_put_u8(&message, ORRI_ZYGOTE_BEAR);
    orr_put_u32(&message, label);
    orr_channel_send(&nursery->zygote, message.data, message.length, -1);
    orr_bytes_release(&message);
}

int orr_nursery_fd(const struct orr_nursery *nursery) { return nursery->zygote.fd; }

bool orr_nursery_lost(const struct orr_nursery *nursery)
{
    return nursery->zygote.closed;
}

bool orr_nursery_next(struct orr_nursery *nursery, struct orr_nursery_event *out)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    if (orr_channel_receive(&nursery->zygote, &data, &length, &fd) != ORR_OK)
        return false;
    struct orr_reader in = orr_reader_of(data, length);
    out->kind = (enum orr_nursery_event_kind)orr_get_u8(&in);
    out->label = orr_get_u32(&in);
    out->pid = (pid_t)orr_get_u32(&in);
    out->status = (int)orr_get_u32(&in);
    out->fd = fd;
    return true;
}
