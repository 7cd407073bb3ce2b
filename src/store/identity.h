/* identity.h - what makes a file part of a task's identity
 *
 * Each file is looked at once, however many tasks name it. */
#ifndef ORR_STORE_IDENTITY_H
#define ORR_STORE_IDENTITY_H

#include "base/hash.h"

#include <stdbool.h>

struct orr_files;
struct orr_files *orr_files_new(void);
void orr_files_free(struct orr_files *files); /* NULL is fine */
/* Of size and modification time, or of the bytes; a missing file has an id too. Reads
 * the disk. `files` is a struct orr_files: this is orr_engine_files.identify. */
struct orr_id orr_files_identify(void *files, const char *path, bool by_content);

#endif
