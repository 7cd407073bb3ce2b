/* runfile.h - run.h5: tables for people and their tools; and reading such tables
 *
 * Order: begin, attributes, any number of tables, rows in any order among them, commit.
 * The file appears under its name whole or not at all. Rows are spooled to an unlinked
 * file beside it, so memory stays small with any number of rows. */
#ifndef ORR_STORE_RUNFILE_H
#define ORR_STORE_RUNFILE_H

#include "base/error.h"
#include "lang/type.h"
#include "lang/value.h"
#include "orrery/function.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* 1 had no tables results, blobs and shards, and rows in the order that they came. */
enum { ORR_RUNFILE_VERSION = 2 };

struct orr_runfile;
struct orr_runtable;

orr_status orr_runfile_begin(const char *path, struct orr_runfile **out,
                             struct orr_error *err);
/* Root attributes (format and version are set by itself). */
void orr_runfile_text(struct orr_runfile *file, const char *name, const char *text);
void orr_runfile_int(struct orr_runfile *file, const char *name, int64_t v);

struct orr_table_column {
    const char *name;
    const struct orr_type *type; /* kind and optional decide how it is stored */
    const char *unit;            /* or NULL; durations and sizes have their own */
    const char *description;     /* or NULL */
};
/* A table at `name` ("tasks", "facts/shot"; groups are made). All texts and columns are
 * copied; the types they point to must live until commit. BUG when the name is taken.
 * Owned by the file. */
struct orr_runtable *orr_runfile_table(struct orr_runfile *file, const char *name,
                                       const char *description,
                                       const struct orr_table_column *columns,
                                       size_t n);
/* One value a column; null only where the column is optional (else it is stored as
 * zero, NaN or ""), and of another kind: BUG. */
orr_status orr_runtable_row(struct orr_runtable *table, const struct orr_value *values,
                            struct orr_error *err);
/* The table's rows are to be written in ascending order of keys, those of one key as
 * they came. Said before the first row; then each row is given its key first. Costs 24
 * bytes of memory a row. */
struct orr_row_key {
    uint64_t major, minor;
};
void orr_runtable_order(struct orr_runtable *table);
void orr_runtable_key(struct orr_runtable *table, struct orr_row_key key);
/* The rows of per-frame statistics of one attempt, for frames/FUNCTION, which gets the
 * column `task` before the function's own: key.major, a row number of the table
 * `tasks`, or UINT64_MAX: of none. Of several attempts at a task those with the least
 * key.minor count. Packed as in struct orr_stored. Rows with other columns (another
 * version of the function) go to frames/FUNCTION~2, and so on. */
orr_status orr_runfile_frames(struct orr_runfile *file, const char *function,
                              const struct orr_column *columns, struct orr_row_key key,
                              const void *rows, uint32_t n_rows, struct orr_error *err);

/* A link `name` to the object `object` of another HDF5 file, whose path counts from the
 * directory that the run file is in. An error shows at commit. */
void orr_runfile_link(struct orr_runfile *file, const char *name, const char *target,
                      const char *object);
/* The bytes of a blob, as the dataset blobs/HASH of unsigned bytes; each hash once. */
orr_status orr_runfile_blob(struct orr_runfile *file, const struct orr_blob *blob,
                            const void *bytes, struct orr_error *err);

/* Write everything, fsync, rename. Frees the file in any case. */
orr_status orr_runfile_commit(struct orr_runfile *file, struct orr_error *err);
/* Without a trace; NULL is fine. */
void orr_runfile_abandon(struct orr_runfile *file);

/* ---- reading: any file with tables like these ---- */

enum orr_print_format { ORR_PRINT_TABLE, ORR_PRINT_CSV, ORR_PRINT_JSON };
struct orr_print {
    enum orr_print_format format;
    const char *where;   /* an expression over the columns; NULL: all rows */
    const char *columns; /* names with commas between; NULL: all columns */
    uint64_t limit;      /* rows; 0: no limit */
};
/* Print the table `name` of the HDF5 file at `path`: aligned columns, RFC 4180 (header
 * line, CRLF), or a JSON array of objects. Rows pass through in blocks. ORR_ERR_INPUT
 * when there is no such table or column, or the expression is wrong; the message names
 * what there is. */
orr_status orr_table_print(const char *path, const char *name,
                           const struct orr_print *how, FILE *out,
                           struct orr_error *err);
/* The tables of the file, in order of name: "tasks", rows, description. */
orr_status orr_tables_visit(const char *path,
                            void (*visit)(void *context, const char *name,
                                          uint64_t rows, const char *description),
                            void *context, struct orr_error *err);

/* What a run file says of itself. ORR_ERR_INPUT when it is none. */
struct orr_tables_about {
    char format[32];
    char run_id[40];
    char state[32];
    int64_t version;
    int64_t epoch;
};
orr_status orr_tables_about(const char *path, struct orr_tables_about *out,
                            struct orr_error *err);

/* One row of the table `blobs`; texts are good until the visit ends. */
struct orr_blob_row {
    int64_t task;
    const char *function;
    const char *field;
    struct orr_blob blob;
};
/* `where` as above, or NULL. A visit that does not return ORR_OK ends it. */
typedef orr_status orr_blob_visit(void *context, const struct orr_blob_row *row,
                                  struct orr_error *err);
orr_status orr_tables_blobs(const char *path, const char *where, orr_blob_visit *visit,
                            void *context, struct orr_error *err);
/* The one blob whose hash begins with these hexadecimal digits, or that a cell holds:
 * "facts/shot[3].pixels". ORR_ERR_INPUT when there is none, or several. */
orr_status orr_tables_find_blob(const char *path, const char *name,
                                struct orr_blob *out, struct orr_error *err);
/* Its bytes out of a portable run file, checked; free() them. */
orr_status orr_tables_load_blob(const char *path, const struct orr_blob *blob,
                                void **bytes, struct orr_error *err);

#endif
