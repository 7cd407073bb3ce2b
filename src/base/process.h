/* process.h - processes, by number */
#ifndef ORR_BASE_PROCESS_H
#define ORR_BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

enum { ORR_PID_SPACE = 64 };
/* The boot of this machine and the pid namespace: a pid means one process to all who
 * have the same text. "" when it cannot be known. */
void orr_pid_space(char out[ORR_PID_SPACE]);
/* Is there such a process here, ours or not? */
bool orr_pid_lives(pid_t pid);

#endif
