/* nodedisk.h - the folder on a disk of the node for logs of one run (durability `node`)
 *
 * Order: salvage what earlier sessions left, before anyone reads the shards; make; then
 * a writer with `node_folder`; remove. */
#ifndef ORR_STORE_NODEDISK_H
#define ORR_STORE_NODEDISK_H

#include "base/error.h"
#include "base/hash.h"

#include <stdint.h>

/* DIRECTORY/orrery-RUNID-HOST; free() it. */
char *orr_nodedisk_folder(const char *directory, struct orr_id run_id);
/* Make it, for this user alone. ORR_ERR_STORE when the disk refuses, or it is another
 * user's. */
orr_status orr_nodedisk_make(const char *folder, struct orr_error *err);
/* Copy to the run directory what sessions before epoch `before` left in the folder, and
 * remove it. A folder that is not there has nothing. Call before anyone reads the
 * shards. Copies that are sealed are left as they are: what they lack was made again
 * since. */
orr_status orr_nodedisk_salvage(const char *folder, const char *run_dir,
                                struct orr_id run_id, uint32_t before,
                                struct orr_error *err);

/* When nothing is left in it. */
void orr_nodedisk_remove(const char *folder);

#endif
