/* zygote.c - forks warm children on request and reports their ends
 * Owns: the children, and the groups of the commands of those that died. Small and
 * without threads, so that its forks are cheap. */
#include "exec/zygote.h"

#include "base/channel.h"
#include "base/memory.h"
#include "exec/inherited.h"
#include "exec/orphans.h"
#include "exec/scratch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    uint32_t label;
    struct orr_home *home; /* shared with it */
};

struct zygote {
    const struct orr_nursery_setup *setup;
    struct orr_channel rank;
    struct child *children;
    size_t n;
    size_t cap;
    pid_t *removers; /* processes that remove directories */
    size_t n_removers;
    size_t cap_removers;
    int signals;
    pid_t self;
};

static void tell(struct zygote *z, enum orr_nursery_event_kind kind,
                 const struct child *child, int status, int fd)
{
    struct orr_bytes message = ORR_BYTES_INIT;
    orr_put_u8(&message, (uint8_t)kind);
    orr_put_u32(&message, child->label);
    orr_put_u32(&message, (uint32_t)child->pid);
    orr_put_u32(&message, (uint32_t)status);
    orr_channel_send(&z->rank, message.data, message.length, fd);
    orr_bytes_release(&message);
}

/* In the child: leave nothing of the zygote behind, then serve. */
__attribute__((noreturn)) static void become_child(struct zygote *z, int fd,
                                                   struct orr_home *home)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != z->self)
        _exit(0);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)close(z->signals);
    orr_channel_release(&z->rank);
    free(z->children);
    free(z->removers);
    orri_child_main(z->setup, fd, home);
}

static struct orr_home *new_home(void)
{
    void *pages = mmap(NULL, sizeof(struct orr_home), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* In a process of its own: there may be much in it, and others wait to be born. */
static void remove_scratch(struct zygote *z, const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        orri_scratch_remove(path);
        _exit(0);
    }
    z->removers =
        orr_grow(z->removers, z->n_removers, &z->cap_removers, sizeof *z->removers);
    if (pid > 0)
        z->removers[z->n_removers++] = pid;
}

/* Its child is gone and can start no more: end the command with all that it started,
 * and remove its scratch directory. */
static void end_home(struct zygote *z, struct child *child)
{
    struct orr_home *home = child->home;
    if (!home)
        return;
    if (home->group > 0)
        (void)kill(-home->group, SIGKILL);
    if (home->state == ORR_SCRATCH_SPARE)
        (void)rmdir(home->scratch);
    if (home->state == ORR_SCRATCH_USED)
        remove_scratch(z, home->scratch);
    (void)munmap(home, sizeof *home);
    child->home = NULL;
}

static void bear(struct zygote *z, uint32_t label)
{
    int pair[2];
    struct child child = { .pid = -1, .label = label, .home = new_home() };
    if (!child.home || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        tell(z, ORR_NURSERY_DEAD, &child, errno, -1);
        end_home(z, &child);
        return;
    }
    child.pid = fork();
    if (child.pid == 0) {
        (void)close(pair[0]);
        become_child(z, pair[1], child.home);
    }
    (void)close(pair[1]);
    if (child.pid < 0) {
        tell(z, ORR_NURSERY_DEAD, &child, errno, -1);
        end_home(z, &child);
    } else {
        z->children = orr_grow(z->children, z->n, &z->cap, sizeof *z->children);
        z->children[z->n++] = child;
        tell(z, ORR_NURSERY_BORN, &child, 0, pair[0]);
    }
    (void)close(pair[0]);
}

/* Commands whose child died, and what they started, are below us now. */
static void end_orphans(const struct zygote *z)
{
    pid_t *spared = orr_alloc(z->n + z->n_removers + 1, sizeof *spared);
    for (size_t i = 0; i < z->n; i++)
        spared[i] = z->children[i].pid;
    for (size_t i = 0; i < z->n_removers; i++)
        spared[z->n + i] = z->removers[i];
    (void)orri_orphans_kill(spared, z->n + z->n_removers);
    free(spared);
}

static void bury(struct zygote *z, pid_t pid, int status)
{
    struct child dead = { .pid = -1 };
    for (size_t i = 0; i < z->n; i++)
        if (z->children[i].pid == pid) {
            dead = z->children[i];
            z->children[i] = z->children[--z->n];
            break;
        }
    for (size_t i = 0; i < z->n_removers; i++)
        if (z->removers[i] == pid) {
            z->removers[i] = z->removers[--z->n_removers];
            return;
        }
    if (dead.home && dead.home->group > 0)
        (void)kill(-dead.home->group, SIGKILL);
    end_orphans(z); /* also when one of them died, which may have left others */
    if (dead.pid <= 0)
        return;
    end_home(z, &dead);
    tell(z, ORR_NURSERY_DEAD, &dead, status, -1);
}

static void reap(struct zygote *z)
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        bury(z, pid, status);
}

static void serve(struct zygote *z)
{
    const void *data = NULL;
    size_t length = 0;
    int fd = -1;
    while (orr_channel_receive(&z->rank, &data, &length, &fd) == ORR_OK) {
        struct orr_reader in = orr_reader_of(data, length);
        size_t n = 0;
        if (orr_get_u8(&in) == ORRI_ZYGOTE_BEAR)
            bear(z, orr_get_u32(&in));
        else if (z->setup->prepare)
            z->setup->prepare(z->setup->context, orr_get_string(&in, &n));
    }
}

static void swallow_signal(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) > 0)
        continue;
}

__attribute__((noreturn)) static void end(struct zygote *z)
{
    for (size_t i = 0; i < z->n; i++)
        (void)kill(z->children[i].pid, SIGKILL);
    for (size_t i = 0; i < z->n; i++)
        (void)waitpid(z->children[i].pid, NULL, 0);
    orri_orphans_end();
    for (size_t i = 0; i < z->n; i++)
        end_home(z, &z->children[i]);
    while (waitpid(-1, NULL, 0) > 0) /* those that remove directories */
        continue;
    _exit(0);
}

void orri_zygote_main(const struct orr_nursery_setup *setup, int fd, pid_t parent)
{
    struct zygote z = { .setup = setup, .self = getpid() };
    /* No PDEATHSIG: when the rank dies its end of `fd` closes, and there is work to do.
     */
    (void)prctl(PR_SET_NAME, "orrery-zygote");
    if (getppid() != parent)
        _exit(0);
    orri_orphans_adopt();
    orri_forget_launch();
    (void)setpgid(0, 0); /* a Ctrl-C is for the coordinator to interpret */
    sigset_t mask;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
    z.signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    orr_channel_init(&z.rank, fd);
    while (!z.rank.closed) {
        struct pollfd ready[] = { { .fd = z.rank.fd, .events = POLLIN },
                                  { .fd = z.signals, .events = POLLIN } };
        if (orr_channel_wants_write(&z.rank))
            ready[0].events |= POLLOUT;
        (void)poll(ready, 2, -1);
        (void)orr_channel_flush(&z.rank);
        if (ready[1].revents)
            swallow_signal(z.signals);
        reap(&z);
        serve(&z);
    }
    end(&z);
}
