/* relay.c - a link of rank 0 with guests: messages over TCP beside those of the world
 * Owns: sockets, the secret. */
#include "link/relay.h"

#include "base/channel.h"
#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a guest says first, of this length whatever it says. */
#define GREETING "orrery guest 1"
enum { GREETING_BYTES = 160, NEWCOMERS = 16, ANSWER_MS = 20000 };
static const int64_t PATIENCE = 10 * ORR_SECOND;
static const int64_t LOOK = ORR_SECOND / 20; /* for newcomers */

struct newcomer { /* connected, has not said who it is */
    int fd;       /* -1: nobody */
    size_t n;
    int64_t since;
    char said[GREETING_BYTES];
};

struct relay {
    struct orr_link link;
    struct orr_link *inner;
    int listener;
    char greeting[GREETING_BYTES];
    struct orr_bytes welcome; /* behind the answer and the guest's rank */
    char answer[ORR_RELAY_SECRET];
    struct newcomer newcomers[NEWCOMERS];
    struct orr_channel *guests; /* by rank - inner->size; closed: it is gone */
    uint32_t n_guests;
    uint32_t next; /* is asked first */
    int64_t looked;
};

static void make_greeting(const char *secret, char out[GREETING_BYTES])
{
    memset(out, 0, GREETING_BYTES);
    (void)snprintf(out, GREETING_BYTES, "%s %s %s", GREETING, ORR_VERSION, secret);
}

/* In a time that does not depend on where they differ. */
static bool is_same(const char *a, const char *b, size_t n)
{
    unsigned char differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)(a[i] ^ b[i]);
    return differs == 0;
}

static void set_up(int fd)
{
    int on = 1;
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* ---- those who come ---- */

static void admit(struct relay *relay, int fd)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    uint32_t rank = relay->inner->size + relay->n_guests;
    if (rank >= relay->link.size) { /* there were too many */
        (void)close(fd);
        return;
    }
    struct orr_channel *guest = &relay->guests[relay->n_guests++];
    orr_channel_init(guest, fd);
    orr_put_raw(&out, relay->answer, sizeof relay->answer);
    orr_put_u32(&out, rank);
    orr_put_raw(&out, relay->welcome.data, relay->welcome.length);
    orr_channel_send(guest, out.data, out.length, -1);
    orr_bytes_release(&out);
}

/* A guest that had no patience is gone again before it was heard. */
static bool is_there(int fd)
{
    char next = 0;
    return recv(fd, &next, 1, MSG_PEEK) != 0;
}

static void hear_newcomer(struct relay *relay, struct newcomer *it, int64_t now)
{
    ssize_t n = recv(it->fd, it->said + it->n, GREETING_BYTES - it->n, 0);
    bool waits = n < 0 && (errno == EAGAIN || errno == EINTR);
    it->n += n > 0 ? (size_t)n : 0;
    if (it->n == GREETING_BYTES && is_same(it->said, relay->greeting, GREETING_BYTES) &&
        is_there(it->fd))
        admit(relay, it->fd);
    else if (it->n == GREETING_BYTES || (n <= 0 && !waits) ||
             now - it->since > PATIENCE)
        (void)close(it->fd);
    else
        return;
    it->fd = -1;
}

static void look_for_newcomers(struct relay *relay)
{
    int64_t now = orr_clock_monotonic();
    if (now - relay->looked < LOOK)
        return;
    relay->looked = now;
    for (int i = 0; i < NEWCOMERS; i++) {
        struct newcomer *it = &relay->newcomers[i];
        if (it->fd < 0) {
            int fd = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd < 0)
                continue;
            set_up(fd);
            *it = (struct newcomer) { .fd = fd, .since = now };
        }
        hear_newcomer(relay, it, now);
    }
}

/* ---- the link ---- */

static struct orr_channel *guest_of(struct relay *relay, orr_rank rank)
{
    uint32_t at = rank.v - relay->inner->size;
    return rank.v >= relay->inner->size && at < relay->n_guests ? &relay->guests[at]
                                                                : NULL;
}

static orr_status relay_send(struct orr_link *link, orr_rank to, const void *data,
                             size_t length, struct orr_error *err)
{
    struct relay *relay = (struct relay *)link;
    struct orr_channel *guest = guest_of(relay, to);
    if (!guest)
        return orr_link_send(relay->inner, to, data, length, err);
    orr_channel_send(guest, data, length, -1);
    return ORR_OK; /* to one that is gone: orr_link_gone() tells */
}

static orr_status relay_receive(struct orr_link *link, orr_rank *from,
                                const void **data, size_t *length,
                                struct orr_error *err)
{
    struct relay *relay = (struct relay *)link;
    orr_status status = orr_link_receive(relay->inner, from, data, length, err);
    if (status != ORR_END)
        return status;
    look_for_newcomers(relay);
    for (uint32_t n = 0; n < relay->n_guests; n++) {
        uint32_t at = relay->next++ % relay->n_guests;
        struct orr_channel *guest = &relay->guests[at];
        int fd = -1;
        if (guest->fd < 0)
            continue;
        (void)orr_channel_flush(guest);
        if (orr_channel_receive(guest, data, length, &fd) == ORR_OK) {
            relay->next = at; /* it may have said more */
            from->v = relay->inner->size + at;
            return ORR_OK;
        }
        if (guest->closed) /* and all that it said was heard */
            orr_channel_release(guest);
    }
    return ORR_END;
}

static bool relay_sent(struct orr_link *link)
{
    struct relay *relay = (struct relay *)link;
    bool sent = orr_link_sent(relay->inner);
    for (uint32_t i = 0; i < relay->n_guests; i++)
        sent = orr_channel_flush(&relay->guests[i]) && sent;
    return sent;
}

static bool relay_gone(struct orr_link *link, orr_rank rank)
{
    const struct orr_channel *guest = guest_of((struct relay *)link, rank);
    return guest && guest->fd < 0;
}

static void relay_free(struct orr_link *link)
{
    struct relay *relay = (struct relay *)link;
    for (uint32_t i = 0; i < relay->n_guests; i++)
        orr_channel_release(&relay->guests[i]);
    for (int i = 0; i < NEWCOMERS; i++)
        if (relay->newcomers[i].fd >= 0)
            (void)close(relay->newcomers[i].fd);
    if (relay->listener >= 0)
        (void)close(relay->listener);
    orr_bytes_release(&relay->welcome);
    free(relay->guests);
    free(relay);
}

void orr_relay_free(struct orr_link *relay)
{
    if (relay)
        relay_free(relay);
}

static const struct orr_link_ops relay_ops = { "relay",    relay_send, relay_receive,
                                               relay_sent, relay_free, relay_gone };

/* ---- opening ---- */

static bool make_secret(char out[ORR_RELAY_SECRET + 1])
{
    unsigned char bytes[ORR_RELAY_SECRET / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* Any port, of all addresses of this machine. */
static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

orr_status orr_relay_open(struct orr_link *inner, uint32_t guests,
                          const struct orr_bytes *welcome,
                          struct orr_relay_place *place, struct orr_link **out,
                          struct orr_error *err)
{
    int listener = listen_somewhere(&place->port);
    if (listener < 0 || !make_secret(place->secret) || !make_secret(place->answer)) {
        orr_status status = orr_error_errno(err, ORR_ERR_MACHINE, errno,
                                            "cannot listen for opportunistic jobs");
        if (listener >= 0)
            (void)close(listener);
        return status;
    }
    struct relay *relay = orr_alloc(1, sizeof *relay);
    relay->link = (struct orr_link) { &relay_ops, inner->rank, inner->size + guests };
    relay->inner = inner;
    relay->listener = listener;
    relay->guests = orr_alloc(guests, sizeof *relay->guests);
    make_greeting(place->secret, relay->greeting);
    memcpy(relay->answer, place->answer, sizeof relay->answer);
    orr_put_raw(&relay->welcome, welcome->data, welcome->length);
    for (int i = 0; i < NEWCOMERS; i++)
        relay->newcomers[i].fd = -1;
    *out = &relay->link;
    return ORR_OK;
}

/* ---- a guest ---- */

struct guest {
    struct orr_link link;
    struct orr_channel channel;
};

static orr_status guest_send(struct orr_link *link, orr_rank to, const void *data,
                             size_t length, struct orr_error *err)
{
    struct guest *guest = (struct guest *)link;
    (void)to, (void)err;
    orr_channel_send(&guest->channel, data, length, -1);
    return ORR_OK;
}

static orr_status guest_receive(struct orr_link *link, orr_rank *from,
                                const void **data, size_t *length,
                                struct orr_error *err)
{
    struct guest *guest = (struct guest *)link;
    int fd = -1;
    from->v = 0;
    (void)orr_channel_flush(&guest->channel);
    if (orr_channel_receive(&guest->channel, data, length, &fd) == ORR_OK)
        return ORR_OK;
    if (guest->channel.closed)
        return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                             "rank 0 has closed the connection");
    return ORR_END;
}

static bool guest_sent(struct orr_link *link)
{
    struct guest *guest = (struct guest *)link;
    return orr_channel_flush(&guest->channel);
}

static void guest_free(struct orr_link *link)
{
    struct guest *guest = (struct guest *)link;
    orr_channel_release(&guest->channel);
    free(guest);
}

void orr_relay_leave(struct orr_link *guest)
{
    if (guest)
        guest_free(guest);
}

int orr_relay_fd(const struct orr_link *guest)
{
    return ((const struct guest *)guest)->channel.fd;
}

static const struct orr_link_ops guest_ops = { "guest",    guest_send, guest_receive,
                                               guest_sent, guest_free, NULL };

/* The first of its addresses that answers; -1, with errno: none. */
static int connect_to(const char *host, uint16_t port)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *all = NULL;
    char service[8];
    int fd = -1;
    (void)snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &all) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    for (struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval limit = { .tv_sec = 10 };
        if (fd >= 0)
            (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        int bad = errno;
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
        errno = bad;
    }
    freeaddrinfo(all);
    return fd;
}

/* ORR_END: it did not let us in. ORR_ERR_DATA: it does not know what rank 0 knows. */
static orr_status hear_welcome(struct guest *guest, const char *answer,
                               struct orr_bytes *welcome)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    struct pollfd wait = { .fd = guest->channel.fd, .events = POLLIN };
    int64_t until = orr_clock_monotonic() + (int64_t)ANSWER_MS * 1000000;
    while (orr_channel_receive(&guest->channel, &data, &length, &fd) != ORR_OK) {
        if (guest->channel.closed || orr_clock_monotonic() > until)
            return ORR_END;
        (void)poll(&wait, 1, 1000);
    }
    struct orr_reader in = orr_reader_of(data, length);
    const char *said = orr_get_raw(&in, ORR_RELAY_SECRET);
    if (in.bad || !is_same(said, answer, ORR_RELAY_SECRET))
        return ORR_ERR_DATA;
    guest->link.rank = orr_get_u32(&in);
    guest->link.size = guest->link.rank + 1;
    if (in.bad)
        return ORR_ERR_DATA;
    orr_put_raw(welcome, (const char *)data + in.at, length - in.at);
    return ORR_OK;
}

orr_status orr_relay_join(const char *host, const struct orr_relay_place *place,
                          struct orr_link **out, struct orr_bytes *welcome,
                          struct orr_error *err)
{
    char greeting[GREETING_BYTES];
    make_greeting(place->secret, greeting);
    int fd = connect_to(host, place->port);
    bool said = fd >= 0 && send(fd, greeting, sizeof greeting, MSG_NOSIGNAL) ==
                               (ssize_t)sizeof greeting;
    if (!said) {
        orr_status status = orr_error_errno(err, ORR_ERR_MACHINE, errno,
                                            "cannot reach rank 0 on %s", host);
        if (fd >= 0)
            (void)close(fd);
        return status;
    }
    struct guest *guest = orr_alloc(1, sizeof *guest);
    guest->link.ops = &guest_ops;
    set_up(fd);
    orr_channel_init(&guest->channel, fd);
    orr_status heard = hear_welcome(guest, place->answer, welcome);
    if (heard != ORR_OK) {
        guest_free(&guest->link);
        return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                             heard == ORR_END
                                 ? "rank 0 on %s does not let us in: it is another "
                                   "version of orrery, or had too many guests"
                                 : "what listens on %s is not rank 0 of this run: that "
                                   "is gone",
                             host);
    }
    *out = &guest->link;
    return ORR_OK;
}
