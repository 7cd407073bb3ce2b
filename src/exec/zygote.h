/* zygote.h - the process that forks children, and what a child does */
#ifndef ORR_EXEC_ZYGOTE_H
#define ORR_EXEC_ZYGOTE_H

#include "exec/attempt.h"
#include "exec/nursery.h"

/* The zygote's whole life; ends when `fd` closes, as it does when `parent` dies. */
__attribute__((noreturn)) void orri_zygote_main(const struct orr_nursery_setup *setup,
                                                int fd, pid_t parent);
/* A warm child's whole life: attempts from `fd` until it closes. */
__attribute__((noreturn)) void orri_child_main(const struct orr_nursery_setup *setup,
                                               int fd, struct orr_home *home);

#endif
