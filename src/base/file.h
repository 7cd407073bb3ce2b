/* file.h - whole files and directories */
#ifndef ORR_BASE_FILE_H
#define ORR_BASE_FILE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* Read a regular file of at most `limit` bytes into *out (appended).
 * ORR_ERR_INPUT when it is missing, a directory or not ours to read, ORR_ERR_STORE when
 * the machine refuses, ORR_ERR_LIMIT when it is larger. */
orr_status orr_file_read(const char *path, size_t limit, struct orr_text *out,
                         struct orr_error *err);

/* Write the whole file: PATH.tmp-PID, fsync when `durable`, rename, fsync of the
 * directory when `durable`. On failure nothing is left under either name. */
orr_status orr_file_write(const char *path, const void *data, size_t length,
                          bool durable, struct orr_error *err);

/* The same for a file that is there: through a symbolic link, and with the mode and,
 * where that is allowed, the owner that it has. */
orr_status orr_file_replace(const char *path, const void *data, size_t length,
                            struct orr_error *err);

/* write(2) until all is written; errno is left for the caller. 0 or -1. */
int orr_write_all(int fd, const void *data, size_t length);
int orr_pwrite_all(int fd, const void *data, size_t length, int64_t at);

/* mkdir -p; the last component gets `mode`, the others 0777 less umask. After an error
 * errno says why, too. */
orr_status orr_mkdirs(const char *path, unsigned mode, struct orr_error *err);
orr_status orr_fsync_directory(const char *path, struct orr_error *err);

/* DIR/NAME, or NAME itself when it is absolute. free() it. */
char *orr_path_join(const char *directory, const char *name);
char *orr_path_directory(const char *path); /* dirname; free() it */
/* As people write it: from the working directory when it lies below that; a part of
 * `path`. */
const char *orr_path_short(const char *path);

#endif
