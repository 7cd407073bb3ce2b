/* hdfcheck.h - can the HDF5 library read all of a file? */
#ifndef ORRI_STORE_HDFCHECK_H
#define ORRI_STORE_HDFCHECK_H

#include "base/text.h"

#include <stdbool.h>

/* Read every dataset of the file, but for the log of a shard. In a child process:
 * damage may crash the library, or keep it busy for ever. False with the reason
 * appended. */
bool orri_hdf_check(const char *path, struct orr_text *why);

#endif
