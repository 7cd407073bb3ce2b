/* hdf.c - errors and attributes of HDF5; owns nothing */
#include "hdf/hdf.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The library forgets the reason of a failure with the next call, even one that closes:
 * it is kept here when it happens, as errno is, one for each thread. */
static _Thread_local char first_reason[400];

/* When the system refused, the library's description is "file write failed: time = ...,
 * errno = 28, error message = ..., buf = ...", with a line break: its number says all.
 */
static herr_t keep_reason(unsigned n, const H5E_error2_t *entry, void *context)
{
    (void)context;
    if (n != 0 || !entry->desc)
        return 0;
    const char *number = strstr(entry->desc, "errno = ");
    long error = number ? strtol(number + strlen("errno = "), NULL, 10) : 0;
    if (error > 0 && error <= INT_MAX)
        (void)snprintf(first_reason, sizeof first_reason, "%s", strerror((int)error));
    else
        (void)snprintf(first_reason, sizeof first_reason, "HDF5: %s", entry->desc);
    return 0;
}

/* Called by the library when one of its functions fails. Upwards from the innermost:
 * the first description is the cause. */
static herr_t on_failure(hid_t stack, void *context)
{
    if (!first_reason[0])
        (void)H5Ewalk2(stack, H5E_WALK_UPWARD, keep_reason, context);
    return 0;
}

void orri_hdf_begin(void)
{
    hbool_t safe = false;
    /* Every file is closed by us. At exit the library would try again to close one that
     * could not be written, and crash over it (1.10.8). */
    (void)H5dont_atexit();
    (void)H5open();
    if (H5is_library_threadsafe(&safe) < 0 || !safe)
        ORR_BUG(
            "this HDF5 library was built without thread safety; build Orrery with one "
            "that has it (Debian: libhdf5-dev)");
    (void)H5Eset_auto2(H5E_DEFAULT, on_failure, NULL); /* one for each thread */
    first_reason[0] = '\0';
}

hid_t orri_hdf_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (H5Pset_file_locking(access, false, true) < 0)
        ORR_BUG("HDF5 refuses to leave out file locks");
    return access;
}

hid_t orri_hdf_create(const char *path)
{
    hid_t access = orri_hdf_access();
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    (void)H5Pclose(access);
    return file;
}

orr_status orri_hdf_error(struct orr_error *err, const char *what, const char *path)
{
    orr_status status =
        orr_error_set(err, ORR_ERR_STORE, ORR_NO_SPAN, "%s %s: %s", what, path,
                      first_reason[0] ? first_reason : "HDF5: no reason given");
    first_reason[0] = '\0';
    return status;
}

hid_t orri_hdf_string(size_t bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, bytes ? bytes : 1);
    (void)H5Tset_cset(type, H5T_CSET_UTF8);
    (void)H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

static bool put_attribute(hid_t object, const char *name, hid_t file_type,
                          hid_t memory_type, const void *data)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute =
        H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, memory_type, data) >= 0;
    if (attribute >= 0)
        (void)H5Aclose(attribute);
    (void)H5Sclose(space);
    return ok;
}

/* An attribute must fit into an object header; what is longer is cut. */
enum { ATTRIBUTE_MAX = 60000 };

bool orri_hdf_put_text(hid_t object, const char *name, const char *text)
{
    size_t length = strlen(text);
    hid_t type = orri_hdf_string(length < ATTRIBUTE_MAX ? length : ATTRIBUTE_MAX);
    bool ok = put_attribute(object, name, type, type, text);
    (void)H5Tclose(type);
    return ok;
}

bool orri_hdf_put_int(hid_t object, const char *name, int64_t v)
{
    return put_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &v);
}

bool orri_hdf_put_u32(hid_t object, const char *name, uint32_t v)
{
    return put_attribute(object, name, H5T_STD_U32LE, H5T_NATIVE_UINT32, &v);
}

void orri_hdf_get_text(hid_t object, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    if (H5Aexists(object, name) <= 0)
        return;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return;
    hid_t stored = H5Aget_type(attribute);
    if (H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) == 0 &&
        H5Aget_storage_size(attribute) <= H5Tget_size(stored)) {
        hid_t type = orri_hdf_string(size - 1); /* cut and padded by the library */
        if (H5Aread(attribute, type, out) < 0)
            out[0] = '\0';
        out[size - 1] = '\0';
        (void)H5Tclose(type);
    }
    (void)H5Tclose(stored);
    (void)H5Aclose(attribute);
}

int64_t orri_hdf_get_int(hid_t object, const char *name)
{
    int64_t v = 0;
    if (H5Aexists(object, name) <= 0)
        return 0;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    if (space < 0 || H5Sget_simple_extent_npoints(space) != 1 ||
        H5Aread(attribute, H5T_NATIVE_INT64, &v) < 0)
        v = 0;
    if (space >= 0)
        (void)H5Sclose(space);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
    return v;
}

enum { CHUNK_BYTES = 1 << 20, CHUNK_ROWS_MOST = 16384 };

uint64_t orri_hdf_chunk_rows(size_t element_bytes)
{
    uint64_t rows = CHUNK_BYTES / element_bytes;
    return rows < 1 ? 1 : rows > CHUNK_ROWS_MOST ? CHUNK_ROWS_MOST : rows;
}

hid_t orri_hdf_dataset(hid_t file, const char *name, hid_t type)
{
    const hsize_t none = 0;
    const hsize_t unlimited = H5S_UNLIMITED;
    const hsize_t chunk = orri_hdf_chunk_rows(H5Tget_size(type));
    hid_t space = H5Screate_simple(1, &none, &unlimited);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (H5Pset_create_intermediate_group(links, 1) >= 0 &&
        H5Pset_chunk(how, 1, &chunk) >= 0 && H5Pset_shuffle(how) >= 0 &&
        H5Pset_deflate(how, 1) >= 0)
        dataset = H5Dcreate2(file, name, type, space, links, how, H5P_DEFAULT);
    (void)H5Pclose(how);
    (void)H5Pclose(links);
    (void)H5Sclose(space);
    return dataset;
}

bool orri_hdf_append(hid_t dataset, hid_t type, uint64_t *length, uint64_t n,
                     const void *data)
{
    const hsize_t start = *length;
    const hsize_t count = n;
    const hsize_t total = *length + n;
    if (!n)
        return true;
    if (H5Dset_extent(dataset, &total) < 0)
        return false;
    hid_t space = H5Dget_space(dataset);
    hid_t memory = H5Screate_simple(1, &count, NULL);
    bool ok =
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
        H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, data) >= 0;
    (void)H5Sclose(memory);
    (void)H5Sclose(space);
    if (ok)
        *length = total;
    return ok;
}

orr_status orri_hdf_publish(const char *temporary, const char *path, bool durable,
                            struct orr_error *err)
{
    int fd = open(temporary, O_RDONLY | O_CLOEXEC);
    int bad = fd < 0 || (durable && fsync(fd) != 0) ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    if (!bad && rename(temporary, path) != 0)
        bad = errno;
    if (bad) {
        (void)unlink(temporary);
        return orr_error_errno(err, ORR_ERR_STORE, bad, "cannot write %s", path);
    }
    if (!durable)
        return ORR_OK;
    char *directory = orr_path_directory(path);
    orr_status status = orr_fsync_directory(directory, err);
    free(directory);
    return status;
}

hid_t orri_hdf_column_type(const char *type)
{
    switch (type[0] * 10 + type[1] - '0') {
    case 'u' * 10 + 1: return H5T_STD_U8LE;
    case 'u' * 10 + 2: return H5T_STD_U16LE;
    case 'u' * 10 + 4: return H5T_STD_U32LE;
    case 'i' * 10 + 4: return H5T_STD_I32LE;
    case 'i' * 10 + 8: return H5T_STD_I64LE;
    case 'f' * 10 + 4: return H5T_IEEE_F32LE;
    case 'f' * 10 + 8: return H5T_IEEE_F64LE;
    default: ORR_BUG("no column type '%s'", type);
    }
}
