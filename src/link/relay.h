/* relay.h - ranks that come and go: processes of other jobs, over TCP
 *
 * Around the link of rank 0: guests have the ranks behind those of the world, a new one
 * each time one comes. Both prove themselves by secrets of the run before anything else
 * of them is read: so nobody who takes the port of a rank 0 that is gone can give
 * guests work. */
#ifndef ORR_LINK_RELAY_H
#define ORR_LINK_RELAY_H

#include "link/link.h"

enum { ORR_RELAY_SECRET = 64 };

struct orr_relay_place {
    uint16_t port;
    char secret[ORR_RELAY_SECRET + 1]; /* a guest says; hexadecimal digits */
    char answer[ORR_RELAY_SECRET + 1]; /* rank 0 says */
};

/* Listens. `inner` stays the caller's; `welcome` is copied, each guest is told it. At
 * most so many guests come, one after the other. */
orr_status orr_relay_open(struct orr_link *inner, uint32_t guests,
                          const struct orr_bytes *welcome,
                          struct orr_relay_place *place, struct orr_link **out,
                          struct orr_error *err);
void orr_relay_free(struct orr_link *relay); /* NULL is fine; all guests see its end */

/* A guest's end: a link to rank 0 alone. Waits some seconds at most. */
orr_status orr_relay_join(const char *host, const struct orr_relay_place *place,
                          struct orr_link **out, struct orr_bytes *welcome,
                          struct orr_error *err);
/* Readable when rank 0 has said something. */
int orr_relay_fd(const struct orr_link *guest);
void orr_relay_leave(struct orr_link *guest); /* NULL is fine */

#endif
