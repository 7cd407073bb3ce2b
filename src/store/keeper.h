/* keeper.h - a run's lock while its owner is busy for longer than a heartbeat may wait
 *
 * Reading a million results at the start of a resume, or writing run.h5 at the end,
 * takes as long as the disk does: a thread renews the lock meanwhile. */
#ifndef ORR_STORE_KEEPER_H
#define ORR_STORE_KEEPER_H

#include "base/error.h"
#include "store/rundir.h"

#include <stdint.h>

struct orr_keeper;
/* Beat every `interval` ns from now on; nobody else beats meanwhile. NULL when no
 * thread can be had: the lock is then as old as it was. */
struct orr_keeper *orr_keeper_start(struct orr_rundir *dir, int64_t interval);
/* A last beat. ORR_ERR_STORE when the lock was lost meanwhile. Frees the keeper; NULL
 * is fine. */
orr_status orr_keeper_end(struct orr_keeper *keeper, struct orr_error *err);

#endif
