/* handed.h - blobs that results hand through: they lie with another attempt, or in
 * reuse/
 */
#ifndef ORRI_STORE_HANDED_H
#define ORRI_STORE_HANDED_H

#include "base/error.h"
#include "store/scan.h"

#include <stdbool.h>
#include <stdint.h>

/* Are all blobs in these encoded results, but for those of the attempt at `place`
 * itself, there and whole? Reads them. False with the first that is not in *why. */
bool orri_handed_whole(struct orr_blob_reader *blobs, const void *results,
                       uint32_t length, const struct orr_place *place,
                       struct orr_error *why);

#endif
