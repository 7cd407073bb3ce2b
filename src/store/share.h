/* share.h - files of one run in another: linked, so that either may be removed */
#ifndef ORRI_STORE_SHARE_H
#define ORRI_STORE_SHARE_H

#include "base/error.h"
#include "lang/value.h"
#include "store/identity.h"

#include <stdbool.h>

/* "shards/w00001-e001-s000000.blob.h5" or "reuse/s000001.blob.h5": the file of a blob
 * below its run; `out` has ORRI_BLOB_FILE bytes. */
#define ORRI_BLOB_FILE 64
void orri_blob_file(const struct orr_blob *blob, char out[ORRI_BLOB_FILE]);

enum orri_shared { ORRI_SHARED_NOT, ORRI_SHARED_LINK, ORRI_SHARED_BY_NAME };
/* A shard: hard link, or a symbolic one to where it lies when that is another file
 * system. A `to` that is there stays. NOT: errno says why. */
enum orri_shared orri_share_shard(int from, const char *name, const char *to);

/* A file that people see: a copy without bytes of its own where the file system can
 * that, a hard link, or, if `may_copy`, a copy; time and mode are those of the file.
 * Makes the folders of `to`, and replaces what is there unless it is equal in size and
 * time. */
bool orri_share_file(int from, const char *name, const char *to, bool may_copy);
/* What is seen of a regular file; false for anything else. */
bool orri_look_at(int directory, const char *name, struct orr_file_seen *out);
bool orri_seen_equal(const struct orr_file_seen *a, const struct orr_file_seen *b);

/* The part of an encoded path below `root`/out; NULL: it is not there, or leads out of
 * it again. */
const char *orri_below_out(const char *root, const char *path);

#endif
