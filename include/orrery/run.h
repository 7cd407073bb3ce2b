/* run.h - reading the results of a run, from C; link with -lorrery
 *
 * A run is read from its run file: RUN/run.h5, which a run leaves at its end and
 * `orrery export RUN` makes at any time, or a file that `orrery export --to` made. What
 * tables there are, and their columns, is in orrery-run-file(5).
 *
 *     struct orr_read *run = NULL;
 *     struct orr_read_table *tasks = NULL;
 *     struct orr_read_error err;
 *     if (orr_read_open("RUN", &run, &err) != ORR_READ_OK ||
 *         orr_read_table_open(run, "tasks", &tasks, &err) != ORR_READ_OK)
 *         ... err.text says what is wrong
 *     int seconds = orr_read_find_column(tasks, "seconds");
 *     while (orr_read_next(tasks, &err) == ORR_READ_OK)
 *         sum += orr_read_float(tasks, seconds);
 *     orr_read_table_close(tasks);
 *     orr_read_close(run);
 *
 * Order: open a run, open tables of it, close the tables, close the run. Rows come in
 * blocks, so a table of any length needs little memory. Texts in UTF-8, ended by NUL.
 *
 * Threads: an object is for one thread at a time; different runs may be read in
 * different threads. HDF5's own messages are switched off in a thread that calls
 * orr_read_open(). Where memory runs out the process ends with exit code 3. */
#ifndef ORRERY_RUN_H
#define ORRERY_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum orr_read_status {
    ORR_READ_OK = 0,
    ORR_READ_END = 1,   /* there is no other row */
    ORR_READ_INPUT = 2, /* no such run, table or blob */
    ORR_READ_STORE = 3, /* it cannot be read */
    ORR_READ_DATA = 4   /* it is damaged */
};

/* Filled by a call that returns neither OK nor END; may be NULL everywhere. */
struct orr_read_error {
    enum orr_read_status code;
    char text[1000];
};

struct orr_read;       /* a run that is open */
struct orr_read_table; /* a table of it, and the row at hand */

/* `path`: a run directory that has run.h5, or a run file. *out is to be closed with
 * orr_read_close(); after a failure it is left alone. */
enum orr_read_status orr_read_open(const char *path, struct orr_read **out,
                                   struct orr_read_error *err);
/* NULL is fine. The tables of the run must be closed before. */
void orr_read_close(struct orr_read *run);

/* "run_id", "job", "workflow", "workflow_digest", "state", "made_by"; "" when there is
 * none. Good until the run is closed. */
const char *orr_read_attribute(struct orr_read *run, const char *name);

/* The names of all tables, in order: "attempts", "facts/shot", ... NULL: there is no
 * table number `i`. Good until the run is closed. */
const char *orr_read_table_name(const struct orr_read *run, size_t i);

/* Open the table `name`, before its first row. ORR_READ_INPUT when there is none.
 * *out is to be closed with orr_read_table_close(). */
enum orr_read_status orr_read_table_open(struct orr_read *run, const char *name,
                                         struct orr_read_table **out,
                                         struct orr_read_error *err);
void orr_read_table_close(struct orr_read_table *table); /* NULL is fine */
uint64_t orr_read_rows(const struct orr_read_table *table);
/* What the table holds, in words; "" without. Good until the table is closed. */
const char *orr_read_description(const struct orr_read_table *table);

enum orr_read_type {
    ORR_READ_BOOL,
    ORR_READ_INT,
    ORR_READ_FLOAT,
    ORR_READ_TEXT,
    ORR_READ_JSON /* a list or a record, as JSON text */
};

/* All of it is good until the table is closed. */
struct orr_read_column {
    const char
        *name; /* of a blob NAME: NAME.bytes, NAME.hash, NAME.shard, NAME.offset */
    enum orr_read_type type;
    const char *unit;        /* "s", "bytes", "dB"; "" without */
    const char *description; /* "" without */
};
/* NULL: there is no column number `i`. */
const struct orr_read_column *orr_read_column(const struct orr_read_table *table,
                                              size_t i);
/* The number of the column of that name; -1 when there is none. */
int orr_read_find_column(const struct orr_read_table *table, const char *name);

/* Go to the next row, the first one after opening. ORR_READ_END after the last. */
enum orr_read_status orr_read_next(struct orr_read_table *table,
                                   struct orr_read_error *err);
/* Back to before the first row. */
void orr_read_rewind(struct orr_read_table *table);

/* Cells of the row at hand. Call after orr_read_next() returned ORR_READ_OK, with the
 * number of a column; anything else is a cell without a value. A cell without one is
 * null; as a number it is 0, as a float NaN, as a text "". Bools are the ints 0 and 1;
 * a number is a float too, and each cell has a text: good until the next call for the
 * same table. */
bool orr_read_null(const struct orr_read_table *table, int column);
int64_t orr_read_int(const struct orr_read_table *table, int column);
double orr_read_float(const struct orr_read_table *table, int column);
const char *orr_read_text(struct orr_read_table *table, int column);

/* The bytes of the blob with that hash (a cell NAME.hash, 32 digits), checked against
 * it; free() them. One NUL byte follows the last. ORR_READ_INPUT when the run has no
 * such blob, ORR_READ_DATA when its bytes are damaged. */
enum orr_read_status orr_read_blob(struct orr_read *run, const char *hash, void **bytes,
                                   size_t *length, struct orr_read_error *err);

#ifdef __cplusplus
}
#endif

#endif
