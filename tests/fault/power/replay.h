/* replay.h - what a power cut leaves of a recording */
#ifndef ORR_TESTS_REPLAY_H
#define ORR_TESTS_REPLAY_H

#include "record.h"

/* Small, seeded, the same everywhere. */
struct chance {
    uint64_t state;
};
uint64_t chance_below(struct chance *chance, uint64_t n);

/* A moment at which the power is cut: ops[0 .. return) were done. Every other one lies
 * just before a sync. */
size_t replay_moment(const struct recording *recording, struct chance *chance);

/* Make the directory `to` as a disk may hold it when the power is cut at `moment`.
 *
 * What was synced is there. Of the bytes written since the last sync of their file each
 * page of 4 KiB is as it was at some moment since then, now and then torn at a sector.
 * A file's length is one that it had since then. Names that were made or removed since
 * the last sync of their directory are so or not; a rename is both or none. */
void replay_image(const struct recording *recording, size_t moment,
                  struct chance *chance, const char *to);

#endif
