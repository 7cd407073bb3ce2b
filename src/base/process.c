/* process.c - processes, by number; owns nothing */
#include "base/process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void orr_pid_space(char out[ORR_PID_SPACE])
{
    char boot[40] = "";
    struct stat space;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    bool known = file && fgets(boot, sizeof boot, file) &&
                 stat("/proc/self/ns/pid", &space) == 0;
    if (file)
        (void)fclose(file);
    out[0] = '\0';
    if (!known)
        return;
    boot[strcspn(boot, "\n")] = '\0';
    (void)snprintf(out, ORR_PID_SPACE, "%s/%" PRIu64, boot, (uint64_t)space.st_ino);
}

bool orr_pid_lives(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }
