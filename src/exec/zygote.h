/* zygote.h - the process that forks children, and what a child does */
#ifndef ORR_EXEC_ZYGOTE_H
#define ORR_EXEC_ZYGOTE_H

#include "exec/attempt.h"
#include "exec/nursery.h"

/* What it is asked for, a u8: then the label of the child, u32; or the name of a
 * function, a string with its NUL. */
enum orri_zygote_order { ORRI_ZYGOTE_BEAR, ORRI_ZYGOTE_PREPARE };
/* The zygote's whole life; ends when `fd` closes, as it does when `parent` dies. */
__attribute__((noreturn)) void orri_zygote_main(const struct orr_nursery_setup *setup,
                                                int fd, pid_t parent);
/* A warm child's whole life: attempts from `fd` until it closes. */
__attribute__((noreturn)) void orri_child_main(const struct orr_nursery_setup *setup,
                                               int fd, struct orr_home *home);

#endif
