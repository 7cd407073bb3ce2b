/* tableread.h - reading a table: its columns, its rows in blocks, one cell as text */
#ifndef ORRI_STORE_TABLEREAD_H
#define ORRI_STORE_TABLEREAD_H

#include "base/error.h"
#include "base/text.h"
#include "store/hdf.h"

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
    enum orri_cell cell;
    size_t at;     /* in a row as read */
    size_t width;  /* of a text */
    bool single;   /* a float of four bytes in the file */
    long valid_at; /* byte that tells whether there is a value; -1: always */
};

struct orri_table {
    char *path;
    hid_t file, dataset, type;        /* type: of a row in memory */
    struct orri_read_column *columns; /* *_valid left out */
    size_t n, cap;
    size_t row_bytes;
    uint64_t rows;
};

/* ORR_ERR_INPUT when there is no such file or table. */
orr_status orri_table_open(struct orri_table *table, const char *path, const char *name,
                           struct orr_error *err);
void orri_table_close(struct orri_table *table);
/* All rows in order; ends early when visit returns false. */
orr_status orri_table_rows(struct orri_table *table,
                           bool (*visit)(void *context, const unsigned char *row),
                           void *context, struct orr_error *err);
/* False when the cell holds no value. Else appended: numbers as C reads them back,
 * texts bare, lists and records as JSON. */
bool orri_cell_text(const struct orri_read_column *column, const unsigned char *row,
                    struct orr_text *out);
/* May this text of the cell stand in JSON as it is? Else it is to be quoted (JSON that
 * was cut when it was stored, too). */
bool orri_cell_is_bare(const struct orri_read_column *column,
                       const struct orr_text *text);

#endif
