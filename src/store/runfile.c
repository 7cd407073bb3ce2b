/* runfile.c - the file run.h5
 * Owns: the file under its temporary name, the list of tables, per-frame statistics,
 * which are written as they come. Hands on: rows of tables (runtable.c). */
#include "store/runfile.h"

#include "base/file.h"
#include "store/frame.h"
#include "store/runtable.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNFILE_VERSION = 1 };

/* The statistics of one function; of each form, when its columns changed with a
 * version. */
struct frames {
    struct frames *next;
    char *function;
    uint64_t form;      /* orri_columns_hash() */
    uint32_t row_bytes; /* of the function */
    hid_t type;         /* with the column `task` before */
    hid_t dataset;
    uint64_t length;
    struct orr_bytes block;
    uint64_t block_rows;
};

struct orr_runfile {
    char *path;
    char *temporary;
    char *directory;
    hid_t file;
    struct orr_runtable *tables;
    struct frames *frames;
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
    orr_runfile_int(f, "version", RUNFILE_VERSION);
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

static hid_t frames_type(const struct orr_column *columns)
{
    size_t at = sizeof(uint64_t);
    hid_t type = H5Tcreate(H5T_COMPOUND, at + orri_row_width(columns));
    bool ok = H5Tinsert(type, "task", 0, H5T_STD_U64LE) >= 0;
    for (const struct orr_column *c = columns; c->name; c++) {
        ok = ok && H5Tinsert(type, c->name, at, orri_hdf_column_type(c->type)) >= 0;
        at += orri_column_width(c->type);
    }
    if (!ok)
        ORR_BUG("run file: columns of statistics with one name");
    return type;
}

static bool describe_frames(const struct frames *s, const struct orr_column *columns)
{
    bool ok = orri_hdf_put_text(s->dataset, "description",
                                "per-frame statistics, one row a frame") &&
              orri_put_column_texts(s->dataset, "task", NULL,
                                    "row of the table tasks that it belongs to");
    for (const struct orr_column *c = columns; c->name && ok; c++)
        ok = orri_put_column_texts(s->dataset, c->name, c->unit, c->doc);
    return ok;
}

static struct frames *find_frames(struct orr_runfile *file, const char *function,
                                  const struct orr_column *columns)
{
    uint64_t form = orri_columns_hash(columns);
    int other_forms = 0;
    for (struct frames *s = file->frames; s; s = s->next) {
        if (strcmp(s->function, function) != 0)
            continue;
        if (s->form == form)
            return s;
        other_forms++;
    }
    struct orr_text name = ORR_TEXT_INIT;
    struct frames *s = orr_alloc(1, sizeof *s);
    orr_text_printf(&name, "frames/%s", function);
    if (other_forms)
        orr_text_printf(&name, "~%d", other_forms + 1);
    s->form = form;
    s->function = orr_strdup(function);
    s->row_bytes = orri_row_width(columns);
    s->type = frames_type(columns);
    s->dataset = orri_hdf_dataset(file->file, name.s, s->type);
    if (s->dataset < 0 || !describe_frames(s, columns))
        keep_error(file);
    orr_text_release(&name);
    s->next = file->frames;
    file->frames = s;
    return s;
}

static void flush_frames(struct orr_runfile *file, struct frames *s)
{
    if (file->status == ORR_OK &&
        !orri_hdf_append(s->dataset, s->type, &s->length, s->block_rows, s->block.data))
        keep_error(file);
    orr_bytes_clear(&s->block);
    s->block_rows = 0;
}

static orr_status give_error(const struct orr_runfile *file, struct orr_error *err)
{
    if (file->status != ORR_OK && err)
        *err = file->error;
    return file->status;
}

orr_status orr_runfile_frames(struct orr_runfile *file, const char *function,
                              const struct orr_column *columns, uint64_t task,
                              const void *rows, uint32_t n_rows, struct orr_error *err)
{
    struct frames *s = find_frames(file, function, columns);
    const unsigned char *row = rows;
    uint64_t chunk = orri_hdf_chunk_rows(s->row_bytes + sizeof task);
    for (uint32_t i = 0; i < n_rows; i++, row += s->row_bytes) {
        orr_put_u64(&s->block, task);
        orr_put_raw(&s->block, row, s->row_bytes);
        if (++s->block_rows == chunk)
            flush_frames(file, s);
    }
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

static void free_frames(struct orr_runfile *file)
{
    while (file->frames) {
        struct frames *s = file->frames;
        file->frames = s->next;
        if (s->dataset >= 0 && H5Dclose(s->dataset) < 0)
            keep_error(file);
        (void)H5Tclose(s->type);
        orr_bytes_release(&s->block);
        free(s->function);
        free(s);
    }
}

static void free_file(struct orr_runfile *file)
{
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
    free_frames(file);
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
            file->status =
                orr_error_errno(&file->error, ORR_ERR_STORE, bad,
                                "cannot read a temporary file in %s", file->directory);
    }
}

orr_status orr_runfile_commit(struct orr_runfile *file, struct orr_error *err)
{
    orri_hdf_begin();
    for (struct frames *s = file->frames; s; s = s->next)
        flush_frames(file, s);
    write_tables(file);
    free_frames(file);
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
