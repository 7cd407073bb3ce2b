/* lock.h - one owner for a directory, on network file systems too
 *
 * The lock is a file that link(2) puts in place whole. It names its owner: host, boot,
 * process, time. On the same boot of the same host the owner's process tells whether
 * it lives; elsewhere the file's age does (the heartbeat renews it). */
#ifndef ORRI_STORE_LOCK_H
#define ORRI_STORE_LOCK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct orri_lock_owner {
    char host[80];
    char boot[40];      /* /proc/sys/kernel/random/boot_id */
    uint64_t pid_space; /* inode of the pid namespace */
    int64_t pid;
    int64_t start;  /* of the process, clock ticks since boot */
    int64_t since;  /* wall ns */
    char nonce[40]; /* this very lock */
};

struct orri_lock {
    char *path;
    struct orri_lock_owner owner;
    bool took_over; /* a stale lock was in the way */
};

/* Take the lock file `name` in `directory`. `what` names the directory's role in errors
 * ("run directory"). ORR_ERR_INPUT when a living owner holds it. */
orr_status orri_lock_take(const char *directory, const char *name, const char *what,
                          struct orri_lock *out, struct orr_error *err);
/* Renew; ORR_ERR_STORE when the lock is someone else's now. */
orr_status orri_lock_beat(const struct orri_lock *lock, struct orr_error *err);
/* Remove the file if it is still ours; zeroed struct is fine. */
void orri_lock_release(struct orri_lock *lock);

enum orri_lock_state { ORRI_LOCK_FREE, ORRI_LOCK_LIVE, ORRI_LOCK_STALE };
/* Look without taking. `silent` is the age of the last heartbeat in seconds, by this
 * host's clock; `owner` is filled unless the lock is free. */
enum orri_lock_state orri_lock_peek(const char *directory, const char *name,
                                    struct orri_lock_owner *owner, int64_t *silent);

#endif
