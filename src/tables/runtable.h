/* runtable.h - one table of a run file: columns to members, rows to a spool, and out */
#ifndef ORRI_STORE_RUNTABLE_H
#define ORRI_STORE_RUNTABLE_H

#include "base/bytes.h"
#include "base/memory.h"
#include "hdf/hdf.h"
#include "tables/runfile.h"

#include <stdbool.h>

enum { ORRI_TEXT_MAX = 65535 }; /* bytes of a stored text; longer ones are cut */

/* What a member of the compound type holds. */
enum orri_form {
    ORRI_FORM_I8,
    ORRI_FORM_F8,
    ORRI_FORM_BOOL,
    ORRI_FORM_U1,
    ORRI_FORM_TEXT
};

struct orri_member {
    const char *name;
    enum orri_form form;
    const char *unit;        /* or NULL */
    const char *description; /* or NULL */
    const char *kind;        /* the language's type, or NULL: no attribute */
    uint32_t longest;        /* TEXT: bytes */
    uint64_t cut;            /* TEXT: how many were longer than ORRI_TEXT_MAX */
};

/* Where a row of an ordered table lies in the spool. */
struct orri_row_place {
    struct orr_row_key key;
    uint64_t at;
};

struct orr_runtable {
    struct orr_runtable *next; /* of the file */
    const char *name;
    const char *description;
    const char *directory; /* where the spool goes; borrowed */
    struct orr_table_column *columns;
    size_t n_columns;
    struct orri_member *members;
    size_t n_members, cap_members;
    uint64_t n_rows;
    struct orr_bytes spool; /* the newest rows; older ones are in the file */
    int spool_fd;           /* -1: all in memory */
    uint64_t spool_bytes;   /* in the file */
    bool ordered;
    struct orri_row_place *places; /* ordered: of each row, and the next one's key */
    size_t cap_places;
    struct orr_arena arena;
    struct orr_text scratch;
};

struct orr_runtable *orri_runtable_new(const char *directory, const char *name,
                                       const char *description,
                                       const struct orr_table_column *columns,
                                       size_t n);
void orri_runtable_free(struct orr_runtable *table);
/* Make the dataset; false with the reason on HDF5's error stack, or *bad set to errno.
 */
bool orri_runtable_write(struct orr_runtable *table, hid_t file, int *bad);

/* A file without a name in the directory: gone with the process; -1 with errno. */
int orri_open_spool(const char *directory);
/* unit.NAME and description.NAME, left out when NULL or "". */
bool orri_put_column_texts(hid_t dataset, const char *name, const char *unit,
                           const char *description);

#endif
