/* runfile.c - the file run.h5
 * Owns: the file under its temporary name, the list of tables.
 * Hands on: rows of tables (runtable.c), per-frame statistics (runframes.c). */
#include "tables/runfile.h"

#include "base/file.h"
#include "tables/runframes.h"
#include "tables/runtable.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct orr_runfile {
    char *path;
    char *temporary;
    char *directory;
    hid_t file;
    struct orr_runtable *tables;
    struct orri_runframes *frames;
    orr_status status; /* sticky: of the calls that return nothing */
    struct orr_error error;
};

orr_status orr_runfile_begin(const char *path, struct orr_runfile **out,
                             struct orr_error *err)
{
    struct orr_text temporary = ORR_TEXT_INIT;
    struct orr_runfile *f = orr_alloc(1, sizeof *f);
    orr_text_printf(&temporary, "%s.tmp-%ld", path, (long)getpid());
    f->path = orr_strdup(path);
    f->temporary = temporary.s;
    f->directory = orr_path_directory(path);
    orri_hdf_begin();
    f->file = orri_hdf_create(f->temporary);
    if (f->file < 0) {
        orr_status status = orri_hdf_error(err, "cannot make", f->temporary);
        orr_runfile_abandon(f);
        return status;
    }
    orr_runfile_text(f, "format", "orrery-run");
    orr_runfile_int(f, "version", ORR_RUNFILE_VERSION);
    orr_runfile_text(f, "made_by", "orrery " ORR_VERSION);
    *out = f;
    return ORR_OK;
}

static void keep_error(struct orr_runfile *f)
{
    if (f->status == ORR_OK)
        f->status = orri_hdf_error(&f->error, "cannot write", f->temporary);
}

void orr_runfile_text(struct orr_runfile *file, const char *name, const char *text)
{
    if (!orri_hdf_put_text(file->file, name, text))
        keep_error(file);
}

void orr_runfile_int(struct orr_runfile *file, const char *name, int64_t v)
{
    if (!orri_hdf_put_int(file->file, name, v))
        keep_error(file);
}

struct orr_runtable *orr_runfile_table(struct orr_runfile *file, const char *name,
                                       const char *description,
                                       const struct orr_table_column *columns, size_t n)
{
    for (const struct orr_runtable *t = file->tables; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            ORR_BUG("run file: two tables '%s'", name);
    struct orr_runtable *table =
        orri_runtable_new(file->directory, name, description, columns, n);
    table->next = file->tables;
    file->tables = table;
    return table;
}

/* --- per-frame statistics --------------------------------------------------- */

static orr_status give_error(const struct orr_runfile *file, struct orr_error *err)
{
    if (file->status != ORR_OK && err)
        *err = file->error;
    return file->status;
}

static orr_status spool_error(struct orr_runfile *file, int bad)
{
    return orr_error_errno(&file->error, ORR_ERR_STORE, bad,
                           "cannot use a temporary file in %s for %s", file->directory,
                           file->path);
}

orr_status orr_runfile_frames(struct orr_runfile *file, const char *function,
                              const struct orr_column *columns, struct orr_row_key key,
                              const void *rows, uint32_t n_rows, struct orr_error *err)
{
    int bad = orri_runframes_add(&file->frames, file->directory, function, columns, key,
                                 rows, n_rows);
    if (bad && file->status == ORR_OK)
        file->status = spool_error(file, bad);
    return give_error(file, err);
}

/* --- links and blobs -------------------------------------------------------- */

static hid_t with_groups(void)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    if (H5Pset_create_intermediate_group(links, 1) < 0)
        ORR_BUG("HDF5 refuses to make groups");
    return links;
}

void orr_runfile_link(struct orr_runfile *file, const char *name, const char *target,
                      const char *object)
{
    hid_t links = with_groups();
    if (H5Lcreate_external(target, object, file->file, name, links, H5P_DEFAULT) < 0)
        keep_error(file);
    (void)H5Pclose(links);
}

static bool write_blob(struct orr_runfile *file, const char *name, uint64_t length,
                       const void *bytes)
{
    const hsize_t n = length;
    hid_t links = with_groups();
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t dataset = H5Dcreate2(file->file, name, H5T_STD_U8LE, space, links,
                               H5P_DEFAULT, H5P_DEFAULT);
    bool ok = dataset >= 0 &&
              orri_hdf_put_text(dataset, "description", "the bytes of a blob") &&
              orri_hdf_put_text(dataset, "unit", "bytes") &&
              (!n || H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                              bytes) >= 0);
    if (dataset >= 0)
        ok = H5Dclose(dataset) >= 0 && ok;
    (void)H5Sclose(space);
    (void)H5Pclose(links);
    return ok;
}

orr_status orr_runfile_blob(struct orr_runfile *file, const struct orr_blob *blob,
                            const void *bytes, struct orr_error *err)
{
    char hash[ORR_ID_TEXT];
    char name[64];
    orr_id_text(blob->hash, hash);
    (void)snprintf(name, sizeof name, "blobs/%s", hash);
    if (file->status == ORR_OK && !write_blob(file, name, blob->length, bytes))
        keep_error(file);
    return give_error(file, err);
}

/* --- ending ----------------------------------------------------------------- */

static void free_file(struct orr_runfile *file)
{
    orri_runframes_free(file->frames);
    while (file->tables) {
        struct orr_runtable *table = file->tables;
        file->tables = table->next;
        orri_runtable_free(table);
    }
    free(file->path);
    free(file->temporary);
    free(file->directory);
    free(file);
}

void orr_runfile_abandon(struct orr_runfile *file)
{
    if (!file)
        return;
    if (file->file >= 0) {
        (void)H5Fclose(file->file);
        (void)unlink(file->temporary);
    }
    free_file(file);
}

static void write_tables(struct orr_runfile *file)
{
    for (struct orr_runtable *t = file->tables; t && file->status == ORR_OK;
         t = t->next) {
        int bad = 0;
        if (orri_runtable_write(t, file->file, &bad))
            continue;
        keep_error(file);
        if (bad)
            file->status = spool_error(file, bad);
    }
}

static void write_frames(struct orr_runfile *file)
{
    int bad = 0;
    if (file->status != ORR_OK || orri_runframes_write(file->frames, file->file, &bad))
        return;
    keep_error(file);
    if (bad)
        file->status = spool_error(file, bad);
}

orr_status orr_runfile_commit(struct orr_runfile *file, struct orr_error *err)
{
    orri_hdf_begin();
    write_frames(file);
    write_tables(file);
    if (H5Fclose(file->file) < 0)
        keep_error(file);
    orr_status status = give_error(file, err);
    if (status == ORR_OK)
        status = orri_hdf_publish(file->temporary, file->path, true, err);
    else
        (void)unlink(file->temporary);
    free_file(file);
    return status;
}
