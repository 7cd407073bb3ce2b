/* guests.c - rank 0's door for opportunistic jobs
 * Owns: RUN/join, which only the run's user may read. Hands on: listening
 * (link/relay.c). */
#include "cli/guests.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/rank.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *door_of(const char *run_dir) { return orr_path_join(run_dir, "join"); }

/* Whole or not at all, and never readable for others. */
static orr_status write_door(const char *path, const char *text, struct orr_error *err)
{
    struct orr_text temporary = ORR_TEXT_INIT;
    orr_text_printf(&temporary, "%s.tmp", path);
    (void)unlink(temporary.s);
    int fd = open(temporary.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && orr_write_all(fd, text, strlen(text)) == 0;
    good = (fd < 0 || close(fd) == 0) && good && rename(temporary.s, path) == 0;
    int bad = errno;
    orr_text_release(&temporary);
    return good ? ORR_OK
                : orr_error_errno(err, ORR_ERR_STORE, bad, "cannot write %s", path);
}

orr_status orri_open_door(struct orri_rank *rank, struct orr_error *err)
{
    struct orr_bytes welcome = ORR_BYTES_INIT;
    if (!rank->session->guests)
        return ORR_OK;
    orr_put_u64(&welcome, rank->job->graph->digest.hi);
    orr_put_u64(&welcome, rank->job->graph->digest.lo);
    orri_shared_put(&welcome, &rank->shared, &rank->texts);
    orr_status status =
        orr_relay_open(rank->world.link, (uint32_t)rank->session->guests, &welcome,
                       &rank->door, &rank->relay, err);
    orr_bytes_release(&welcome);
    return status;
}

orr_status orri_show_door(const struct orri_rank *rank, struct orr_error *err)
{
    char text[500];
    if (!rank->relay)
        return ORR_OK;
    char *path = door_of(rank->shared.run_dir);
    (void)snprintf(text, sizeof text, "%s %u %s %s\n", rank->host, rank->door.port,
                   rank->door.secret, rank->door.answer);
    orr_status status = write_door(path, text, err);
    free(path);
    return status;
}

void orri_close_door(struct orri_rank *rank)
{
    if (!rank->relay)
        return;
    char *path = door_of(rank->shared.run_dir);
    (void)unlink(path);
    free(path);
    orr_relay_free(rank->relay);
    rank->relay = NULL;
}

bool orri_find_door(const char *run_dir, char host[256], struct orr_relay_place *place)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = door_of(run_dir);
    unsigned port = 0;
    bool good = orr_file_read(path, 1000, &text, NULL) == ORR_OK && text.s &&
                sscanf(text.s, "%255s %u %64s %64s", host, &port, place->secret,
                       place->answer) == 4 &&
                port > 0 && port <= UINT16_MAX;
    place->port = (uint16_t)port;
    free(path);
    orr_text_release(&text);
    return good;
}
