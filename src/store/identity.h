/* identity.h - what makes a file part of a task's identity
 *
 * Each file is looked at once, however many tasks name it. */
#ifndef ORR_STORE_IDENTITY_H
#define ORR_STORE_IDENTITY_H

#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct orr_files;
struct orr_files *orr_files_new(void);
void orr_files_free(struct orr_files *files); /* NULL is fine */
/* Of size and modification time, or of the bytes; a missing file has an id too. Reads
 * the disk. `files` is a struct orr_files: this is orr_engine_files.identify. */
struct orr_id orr_files_identify(void *files, const char *path, bool by_content);

/* Files below `run_dir`/out count by their path from `run_dir` on: orr_files_within()
 * is orr_engine_files.within. */
void orr_files_of_run(struct orr_files *files, const char *run_dir);
const char *orr_files_within(void *files, const char *path);

/* What was seen of a file. */
struct orr_file_seen {
    const char *path; /* borrowed */
    int64_t size;
    int64_t seconds, nanoseconds; /* of the last change */
};
/* Of the bytes. Reads the file. */
struct orr_id orr_file_content(const char *path);
/* False when there is no such file. */
bool orr_file_look(const char *path, struct orr_file_seen *out);
/* Its bytes are known, unless it is not as it was seen: they are not read again. */
void orr_files_know(struct orr_files *files, const struct orr_file_seen *seen,
                    struct orr_id content);
/* The file, if it is gone, counts as it was seen: results that it led to stay good. */
void orr_files_remember(struct orr_files *files, const struct orr_file_seen *seen);

#endif
