/* spawn.c - /bin/true N times, K side by side, by posix_spawn: the floor for whoever
 * starts programs Usage: spawn N K */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1000;
    int side_by_side = argc > 2 ? atoi(argv[2]) : 1;
    int started = 0;
    int running = 0;
    for (int ended = 0; ended < n; ended++) {
        for (; running < side_by_side && started < n; running++, started++) {
            char program[] = "/bin/true";
            char number[16];
            char *args[] = { program, number, NULL };
            pid_t pid = 0;
            (void)snprintf(number, sizeof number, "%d", started);
            if (posix_spawn(&pid, program, NULL, NULL, args, environ) != 0)
                return 1;
        }
        if (wait(NULL) < 0)
            return 1;
        running--;
    }
    return 0;
}
