/* channel.h - whole messages and file descriptors between processes of one machine
 *
 * A stream socket with u32 lengths; sending never blocks (what does not fit waits in
 * memory until orr_channel_flush()). The other end's death is an ORR_END. */
#ifndef ORR_BASE_CHANNEL_H
#define ORR_BASE_CHANNEL_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORR_CHANNEL_FDS = 64, ORR_CHANNEL_MESSAGE_MAX = 1 << 30 };

struct orr_channel {
    int fd; /* poll it for reading; for writing when `out` is not empty */
    /* The other end is gone, and what it said was read; or descriptors ran out. */
    bool closed;
    bool deaf; /* it hears no more; what it said may still be read */
    struct orr_bytes in;
    size_t in_at; /* messages before it were handed out */
    struct orr_bytes out;
    size_t out_at;
    int in_fds[ORR_CHANNEL_FDS];
    uint32_t n_in_fds;
    struct orri_channel_fd
        *out_fds; /* descriptors waiting, with the byte they go with */
    size_t n_out_fds;
    size_t cap_out_fds;
};

/* Takes the descriptor, makes it non-blocking and close-on-exec. */
void orr_channel_init(struct orr_channel *channel, int fd);
/* Queue a message, and try to send. `pass` is duplicated when it cannot go at once: the
 * caller keeps its own; -1 for none. */
void orr_channel_send(struct orr_channel *channel, const void *data, size_t length,
                      int pass);
/* Send what waits; true when nothing is left. */
bool orr_channel_flush(struct orr_channel *channel);
bool orr_channel_wants_write(const struct orr_channel *channel);
/* The next whole message, borrowed until the next call; *pass is its descriptor (now
 * the caller's) or -1. ORR_OK; ORR_END when there is none now (see ->closed). */
orr_status orr_channel_receive(struct orr_channel *channel, const void **data,
                               size_t *length, int *pass);
/* The same, waiting for it: ORR_END only when the other end is gone. */
orr_status orr_channel_wait(struct orr_channel *channel, const void **data,
                            size_t *length, int *pass);
void orr_channel_release(struct orr_channel *channel); /* closes */

#endif
