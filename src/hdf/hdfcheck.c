/* hdfcheck.c - reading all of an HDF5 file in a child process
 * Owns: the child. */
#include "hdf/hdfcheck.h"

#include "base/error.h"
#include "base/memory.h"
#include "hdf/hdf.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MOST = 600, TEXT_MOST = 400, LARGE_BYTES = 64 << 20 };

/* In blocks of rows; the library checks what its filters have sums for. */
static bool read_rows(hid_t dataset, hid_t type, hsize_t rows)
{
    size_t width = H5Tget_size(type);
    hsize_t block = orri_hdf_chunk_rows(width);
    unsigned char *bytes = orr_alloc((size_t)block, width);
    hid_t space = H5Dget_space(dataset);
    bool good = true;
    for (hsize_t at = 0; at < rows && good; at += block) {
        hsize_t n = rows - at < block ? rows - at : block;
        hid_t memory = H5Screate_simple(1, &n, NULL);
        good = H5Sselect_hyperslab(space, H5S_SELECT_SET, &at, NULL, &n, NULL) >= 0 &&
               H5Dread(dataset, type, memory, space, H5P_DEFAULT, bytes) >= 0;
        (void)H5Sclose(memory);
    }
    (void)H5Sclose(space);
    free(bytes);
    return good;
}

/* The log of a shard is contiguous and has checksums of its own. */
static bool is_log(hid_t dataset)
{
    hid_t how = H5Dget_create_plist(dataset);
    bool contiguous = how >= 0 && H5Pget_layout(how) == H5D_CONTIGUOUS;
    if (how >= 0)
        (void)H5Pclose(how);
    return contiguous;
}

static herr_t read_dataset(hid_t file, const char *name, const H5O_info_t *info,
                           void *context)
{
    hsize_t rows = 0;
    (void)context;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    hid_t type = H5Dget_type(dataset);
    hid_t space = H5Dget_space(dataset);
    bool good = type >= 0 && space >= 0 &&
                H5Sget_simple_extent_dims(space, &rows, NULL) >= 0 &&
                H5Tget_size(type) <= LARGE_BYTES;
    if (good && H5Sget_simple_extent_ndims(space) == 1 && !is_log(dataset))
        good = read_rows(dataset, type, rows);
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    (void)H5Dclose(dataset);
    return good ? 0 : -1;
}

static bool read_all(const char *path, struct orr_error *err)
{
    orri_hdf_begin();
    hid_t access = orri_hdf_access();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    bool good = file >= 0 && H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, read_dataset,
                                       NULL, H5O_INFO_BASIC) >= 0;
    if (!good)
        (void)orri_hdf_error(err, "cannot read", path);
    return good;
}

static void be_child(const char *path, int out)
{
    struct orr_error err = { .code = ORR_OK };
    (void)alarm(SECONDS_MOST);
    if (read_all(path, &err))
        _exit(0);
    (void)!write(out, err.text, strlen(err.text));
    _exit(1);
}

static void tell(const char *path, const char *said, ssize_t length, int status,
                 struct orr_text *why)
{
    if (length > 0)
        orr_text_append(why, said, (size_t)length);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        orr_text_printf(why, "%s is damaged: the HDF5 library does not come to an end",
                        path);
    else
        orr_text_printf(why, "%s is damaged: reading it crashes the HDF5 library",
                        path);
}

bool orri_hdf_check(const char *path, struct orr_text *why)
{
    int ends[2];
    int status = 0;
    char said[TEXT_MOST];
    if (pipe(ends) != 0) {
        orr_text_printf(why, "%s cannot be checked: %s", path, strerror(errno));
        return false;
    }
    pid_t child = fork();
    if (child == 0)
        be_child(path, ends[1]);
    (void)close(ends[1]);
    ssize_t n = child < 0 ? -1 : read(ends[0], said, sizeof said);
    (void)close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        orr_text_printf(why, "%s cannot be checked: %s", path, strerror(errno));
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    tell(path, said, n, status, why);
    return false;
}
