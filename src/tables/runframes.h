/* runframes.h - per-frame statistics of a run file: pieces to a spool, and out by task
 */
#ifndef ORRI_STORE_RUNFRAMES_H
#define ORRI_STORE_RUNFRAMES_H

#include "hdf/hdf.h"
#include "tables/runfile.h"

#include <stdbool.h>

/* The statistics of one function; of each form, when its columns changed with a
 * version. A list, NULL when empty. */
struct orri_runframes;

/* 0, or errno of the spool in `directory`. */
int orri_runframes_add(struct orri_runframes **list, const char *directory,
                       const char *function, const struct orr_column *columns,
                       struct orr_row_key key, const void *rows, uint32_t n_rows);
/* Make the datasets; false with the reason on HDF5's error stack, or *bad set to errno.
 */
bool orri_runframes_write(struct orri_runframes *list, hid_t file, int *bad);
void orri_runframes_free(struct orri_runframes *list);

#endif
