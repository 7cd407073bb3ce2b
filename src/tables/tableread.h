/* tableread.h - reading a table: its columns, its rows in blocks, one cell as text */
#ifndef ORRI_STORE_TABLEREAD_H
#define ORRI_STORE_TABLEREAD_H

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "hdf/hdf.h"
#include "lang/type.h"
#include "lang/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum orri_cell {
    ORRI_CELL_INT,
    ORRI_CELL_UINT,
    ORRI_CELL_FLOAT,
    ORRI_CELL_BOOL,
    ORRI_CELL_TEXT,
    ORRI_CELL_JSON
};

struct orri_read_column {
    char *name;
    const struct orr_type *type;    /* in the language; of NAME.hash and such: theirs */
    const char *unit, *description; /* or "" */
    enum orri_cell cell;
    size_t at;     /* in a row as read */
    size_t width;  /* of a text */
    bool single;   /* a float of four bytes in the file */
    long valid_at; /* byte that tells whether there is a value; -1: always */
};

struct orri_table {
    char *path;
    const char *name;
    hid_t file, dataset, type;        /* type: of a row in memory */
    struct orri_read_column *columns; /* *_valid left out */
    size_t n, cap;
    size_t row_bytes;
    uint64_t rows;
    struct orr_arena arena; /* types and texts of columns */
};

/* ORR_ERR_INPUT when there is no such file or table. */
orr_status orri_table_open(struct orri_table *table, const char *path, const char *name,
                           struct orr_error *err);
void orri_table_close(struct orri_table *table);
/* The file, for its attributes; close it with H5Fclose(). */
orr_status orri_tables_open_file(const char *path, hid_t *out, struct orr_error *err);
/* Rows `from` to `from` + `n`, which there must be, into a buffer. */
orr_status orri_table_block(struct orri_table *table, uint64_t from, uint64_t n,
                            unsigned char *out, struct orr_error *err);
/* Row number `row` into a buffer of row_bytes; ORR_ERR_INPUT when there is none. */
orr_status orri_table_row(struct orri_table *table, uint64_t row, unsigned char *out,
                          struct orr_error *err);
/* The column of that name, or -1. */
int orri_table_column(const struct orri_table *table, const char *name);
/* All rows in order; ends early when visit returns false. */
orr_status orri_table_rows(struct orri_table *table,
                           bool (*visit)(void *context, const unsigned char *row),
                           void *context, struct orr_error *err);
/* False when the cell holds no value. Else appended: numbers as C reads them back,
 * texts bare, lists and records as JSON. */
bool orri_cell_text(const struct orri_read_column *column, const unsigned char *row,
                    struct orr_text *out);
/* Bare values; 0, NaN, "" when there is none. The text is appended. */
int64_t orri_cell_int(const struct orri_read_column *column, const unsigned char *row);
double orri_cell_float(const struct orri_read_column *column, const unsigned char *row);
bool orri_cell_null(const struct orri_read_column *column, const unsigned char *row);
/* May this text of the cell stand in JSON as it is? Else it is to be quoted (JSON that
 * was cut when it was stored, too). */
bool orri_cell_is_bare(const struct orri_read_column *column,
                       const struct orr_text *text);

/* ---- the language's view of a row (tablewhere.c) ---- */

struct orri_where;
/* Compile an expression over the columns; NAME.hash and such are fields of NAME.
 * ORR_ERR_INPUT with the place in it ("--where") when it is wrong, or no bool. */
orr_status orri_where_new(const struct orri_table *table, const char *text,
                          struct orri_where **out, struct orr_error *err);
void orri_where_free(struct orri_where *where); /* NULL is fine */
orr_status orri_where_holds(struct orri_where *where, const unsigned char *row,
                            bool *holds, struct orr_error *err);

/* A cell's JSON as a value of `type`; false when it is none (it was cut). */
bool orri_json_value(const char *text, const struct orr_type *type,
                     struct orr_arena *arena, struct orr_value *out);

#endif
