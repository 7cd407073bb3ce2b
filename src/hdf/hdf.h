/* hdf.h - small helpers around the HDF5 library
 *
 * The library must be thread-safe (Debian's is); orri_hdf_begin() checks that. */
#ifndef ORRI_STORE_HDF_H
#define ORRI_STORE_HDF_H

#include "base/error.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* Before the first call of the library in a function of ours: no messages of its own on
 * standard error, from this thread. */
void orri_hdf_begin(void);
/* ORR_ERR_STORE: "WHAT PATH: reason", the reason of the library's first failure since
 * then. */
orr_status orri_hdf_error(struct orr_error *err, const char *what, const char *path);

/* How files are opened: without the library's file locks, which NFS and Lustre may
 * refuse, and which the lock of the run directory makes needless. Close it with
 * H5Pclose. */
hid_t orri_hdf_access(void);
/* A new file; one that exists is overwritten. */
hid_t orri_hdf_create(const char *path);

/* A fixed-length UTF-8 string type; at least 1 byte. Close it with H5Tclose. */
hid_t orri_hdf_string(size_t bytes);
/* Attributes; true when they were written. */
bool orri_hdf_put_text(hid_t object, const char *name, const char *text);
bool orri_hdf_put_int(hid_t object, const char *name, int64_t v);
bool orri_hdf_put_u32(hid_t object, const char *name, uint32_t v);
/* A text attribute, cut to `size`; "" when there is none. */
void orri_hdf_get_text(hid_t object, const char *name, char *out, size_t size);
/* An integer attribute; 0 when there is none. */
int64_t orri_hdf_get_int(hid_t object, const char *name);
/* A one-dimensional dataset that grows: chunks of about 1 MiB, shuffle and deflate 1.
 * Groups in `name` are made. Negative on failure. */
hid_t orri_hdf_dataset(hid_t file, const char *name, hid_t type);
uint64_t orri_hdf_chunk_rows(size_t element_bytes); /* of such a dataset */
/* Append `n` elements; *length is the dataset's length so far. */
bool orri_hdf_append(hid_t dataset, hid_t type, uint64_t *length, uint64_t n,
                     const void *data);
/* A finished file gets its name: fsync, rename, fsync of the directory if `durable`.
 * The temporary file is removed on failure. */
orr_status orri_hdf_publish(const char *temporary, const char *path, bool durable,
                            struct orr_error *err);
/* The number type of a column, "u1" .. "f8", little-endian in the file; not to be
 * closed. */
hid_t orri_hdf_column_type(const char *type);

#endif
