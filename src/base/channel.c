/* channel.c - framed messages over a stream socket
 * Owns: the socket, both buffers, descriptors under way. */
#include "base/channel.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADER = 5, READ_BLOCK = 256 * 1024, KEEP_BYTES = 1 << 20 };

struct orri_channel_fd {
    size_t at; /* in out.data: the first byte of its message */
    int fd;
};

void orr_channel_init(struct orr_channel *channel, int fd)
{
    *channel = (struct orr_channel) { .fd = fd };
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* ---- sending ---- */

static ssize_t send_some(struct orr_channel *channel, size_t length, int pass)
{
    struct iovec part = { channel->out.data + channel->out_at, length };
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (pass >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &pass, sizeof pass);
    }
    ssize_t n = 0;
    do
        n = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Bytes that may go in one call: a descriptor goes with the first byte of its own
 * message, and ends the call before. */
static size_t sendable(const struct orr_channel *channel, int *pass)
{
    size_t end = channel->out.length;
    *pass = -1;
    if (channel->n_out_fds && channel->out_fds[0].at == channel->out_at) {
        *pass = channel->out_fds[0].fd;
        if (channel->n_out_fds > 1)
            end = channel->out_fds[1].at;
    } else if (channel->n_out_fds) {
        end = channel->out_fds[0].at;
    }
    return end - channel->out_at;
}

static void drop_first_fd(struct orr_channel *channel)
{
    (void)close(channel->out_fds[0].fd);
    channel->n_out_fds--;
    memmove(channel->out_fds, channel->out_fds + 1,
            channel->n_out_fds * sizeof *channel->out_fds);
}

bool orr_channel_flush(struct orr_channel *channel)
{
    while (channel->out_at < channel->out.length && !channel->deaf) {
        int pass = -1;
        size_t length = sendable(channel, &pass);
        ssize_t n = send_some(channel, length, pass);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (n < 0) {
            channel->deaf = true;
            break;
        }
        if (pass >= 0)
            drop_first_fd(channel);
        channel->out_at += (size_t)n;
    }
    while (channel->n_out_fds)
        drop_first_fd(channel);
    orr_bytes_clear(&channel->out);
    channel->out_at = 0;
    return true;
}

bool orr_channel_wants_write(const struct orr_channel *channel)
{
    return channel->out_at < channel->out.length && !channel->deaf;
}

void orr_channel_send(struct orr_channel *channel, const void *data, size_t length,
                      int pass)
{
    if (length > ORR_CHANNEL_MESSAGE_MAX)
        ORR_BUG("message of %zu bytes", length);
    if (channel->deaf)
        return;
    int copy = pass >= 0 ? fcntl(pass, F_DUPFD_CLOEXEC, 0) : -1;
    if (pass >= 0 && copy < 0) { /* the message cannot go, nor what follows it */
        channel->closed = channel->deaf = true;
        return;
    }
    if (pass >= 0) {
        channel->out_fds = orr_grow(channel->out_fds, channel->n_out_fds,
                                    &channel->cap_out_fds, sizeof *channel->out_fds);
        channel->out_fds[channel->n_out_fds++] =
            (struct orri_channel_fd) { channel->out.length, copy };
    }
    orr_put_u32(&channel->out, (uint32_t)length);
    orr_put_u8(&channel->out, pass >= 0);
    orr_put_raw(&channel->out, data, length);
    (void)orr_channel_flush(channel);
}

/* ---- receiving ---- */

static void keep_fds(struct orr_channel *channel, struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            if (channel->n_in_fds < ORR_CHANNEL_FDS)
                channel->in_fds[channel->n_in_fds++] = fd;
            else
                (void)close(fd);
        }
    }
}

static void make_room(struct orr_channel *channel)
{
    struct orr_bytes *in = &channel->in;
    if (channel->in_at) {
        memmove(in->data, in->data + channel->in_at, in->length - channel->in_at);
        in->length -= channel->in_at;
        channel->in_at = 0;
    }
    if (in->cap - in->length < READ_BLOCK) {
        in->cap = in->length + READ_BLOCK > in->cap * 2 ? in->length + READ_BLOCK
                                                        : in->cap * 2;
        in->data = orr_realloc(in->data, in->cap, 1);
    }
}

/* Read what is there: true when some bytes came. */
static bool read_some(struct orr_channel *channel)
{
    make_room(channel);
    struct orr_bytes *in = &channel->in;
    struct iovec part = { in->data + in->length, in->cap - in->length };
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    ssize_t n = 0;
    do
        n = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (n <= 0) {
        channel->closed = true;
        return false;
    }
    keep_fds(channel, &message);
    in->length += (size_t)n;
    return true;
}

static int take_fd(struct orr_channel *channel)
{
    if (channel->n_in_fds == 0)
        return -1;
    int fd = channel->in_fds[0];
    channel->n_in_fds--;
    memmove(channel->in_fds, channel->in_fds + 1, channel->n_in_fds * sizeof fd);
    return fd;
}

/* A whole message in the buffer? */
static bool whole(struct orr_channel *channel, const void **data, size_t *length,
                  int *pass)
{
    struct orr_reader in = orr_reader_of(channel->in.data + channel->in_at,
                                         channel->in.length - channel->in_at);
    *length = orr_get_u32(&in);
    bool carries = orr_get_u8(&in) != 0;
    if (!in.bad && *length > ORR_CHANNEL_MESSAGE_MAX) {
        channel->closed = true;
        return false;
    }
    *data = orr_get_raw(&in, *length);
    if (in.bad)
        return false;
    channel->in_at += in.at;
    *pass = carries ? take_fd(channel) : -1;
    if (carries && *pass < 0) { /* no descriptors left here: nothing fits any more */
        channel->closed = true;
        return false;
    }
    return true;
}

orr_status orr_channel_receive(struct orr_channel *channel, const void **data,
                               size_t *length, int *pass)
{
    if (channel->in.data && whole(channel, data, length, pass))
        return ORR_OK;
    while (!channel->closed && read_some(channel))
        if (whole(channel, data, length, pass))
            return ORR_OK;
    if (channel->in.cap > KEEP_BYTES && channel->in_at == channel->in.length) {
        orr_bytes_release(&channel->in);
        channel->in_at = 0;
    }
    return ORR_END;
}

orr_status orr_channel_wait(struct orr_channel *channel, const void **data,
                            size_t *length, int *pass)
{
    while (orr_channel_receive(channel, data, length, pass) != ORR_OK) {
        if (channel->closed)
            return ORR_END;
        struct pollfd ready = { .fd = channel->fd, .events = POLLIN };
        if (orr_channel_wants_write(channel))
            ready.events |= POLLOUT;
        (void)poll(&ready, 1, -1);
        if (ready.revents & POLLOUT)
            (void)orr_channel_flush(channel);
    }
    return ORR_OK;
}

void orr_channel_release(struct orr_channel *channel)
{
    if (channel->fd >= 0)
        (void)close(channel->fd);
    while (channel->n_out_fds)
        drop_first_fd(channel);
    for (uint32_t i = 0; i < channel->n_in_fds; i++)
        (void)close(channel->in_fds[i]);
    free(channel->out_fds);
    orr_bytes_release(&channel->in);
    orr_bytes_release(&channel->out);
    *channel = (struct orr_channel) { .fd = -1, .closed = true, .deaf = true };
}
