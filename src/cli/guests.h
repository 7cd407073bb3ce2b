/* guests.h - the door of a run: RUN/join says where rank 0 listens for opportunistic
 * jobs */
#ifndef ORR_CLI_GUESTS_H
#define ORR_CLI_GUESTS_H

#include "base/error.h"
#include "link/relay.h"

struct orri_rank;

/* Rank 0: listen, when the session wants guests; and, once it can hear them, say where.
 */
orr_status orri_open_door(struct orri_rank *rank, struct orr_error *err);
orr_status orri_show_door(const struct orri_rank *rank, struct orr_error *err);
void orri_close_door(struct orri_rank *rank);
/* Where that is; false: nowhere now. */
bool orri_find_door(const char *run_dir, char host[256], struct orr_relay_place *place);

#endif
