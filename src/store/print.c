/* print.c - tables for people and programs: aligned, CSV, JSON
 * Owns: the three layouts. Hands on: reading (tableread.c). */
#include "store/runfile.h"

#include "base/memory.h"
#include "store/tableread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_COLUMNS_MAX = 60 };

struct printer {
    FILE *out;
    const struct orri_table *table;
    struct orr_text cell;
    struct orr_text line;
    size_t *widths; /* of the aligned layout */
    bool first;
};

static bool emit(struct printer *p)
{
    (void)fwrite(p->line.s, 1, p->line.length, p->out);
    orr_text_clear(&p->line);
    return !ferror(p->out);
}

/* --- aligned ---------------------------------------------------------------- */

static size_t count_chars(const char *s, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

/* One line, not too wide, nothing that moves the cursor. */
static void tame(struct orr_text *cell)
{
    size_t chars = 0;
    for (size_t i = 0; i < cell->length; i++) {
        unsigned char c = (unsigned char)cell->s[i];
        if (c < 0x20 || c == 0x7f)
            cell->s[i] = ' ';
        if ((c & 0xc0) != 0x80 && ++chars > CELL_COLUMNS_MAX) {
            cell->length = i;
            cell->s[i] = '\0';
            orr_text_puts(cell, "...");
            return;
        }
    }
}

static void format_cell(struct printer *p, size_t column, const unsigned char *row)
{
    orr_text_clear(&p->cell);
    if (!orri_cell_text(&p->table->columns[column], row, &p->cell)) {
        orr_text_clear(&p->cell);
        orr_text_puts(&p->cell, "-");
    }
    tame(&p->cell);
}

static bool measure_row(void *context, const unsigned char *row)
{
    struct printer *p = context;
    for (size_t i = 0; i < p->table->n; i++) {
        format_cell(p, i, row);
        size_t width = count_chars(p->cell.s, p->cell.length);
        if (width > p->widths[i])
            p->widths[i] = width;
    }
    return true;
}

static void pad(struct orr_text *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        orr_text_append(out, " ", 1);
}

static void put_aligned(struct printer *p, size_t column, const char *s, size_t length)
{
    const struct orri_read_column *c = &p->table->columns[column];
    size_t chars = count_chars(s, length);
    size_t space = p->widths[column] > chars ? p->widths[column] - chars : 0;
    bool right = c->cell == ORRI_CELL_INT || c->cell == ORRI_CELL_UINT ||
                 c->cell == ORRI_CELL_FLOAT;
    bool last = column + 1 == p->table->n;
    if (right)
        pad(&p->line, space);
    orr_text_append(&p->line, s, length);
    if (!right && !last)
        pad(&p->line, space);
    orr_text_puts(&p->line, last ? "\n" : "  ");
}

static bool print_aligned_row(void *context, const unsigned char *row)
{
    struct printer *p = context;
    for (size_t i = 0; i < p->table->n; i++) {
        format_cell(p, i, row);
        put_aligned(p, i, p->cell.s, p->cell.length);
    }
    return emit(p);
}

static orr_status print_aligned(struct printer *p, struct orri_table *table,
                                struct orr_error *err)
{
    p->widths = orr_alloc(table->n + 1, sizeof *p->widths);
    for (size_t i = 0; i < table->n; i++)
        p->widths[i] = strlen(table->columns[i].name);
    orr_status status = orri_table_rows(table, measure_row, p, err);
    for (size_t i = 0; i < table->n; i++)
        put_aligned(p, i, table->columns[i].name, strlen(table->columns[i].name));
    if (status == ORR_OK && table->n && emit(p))
        status = orri_table_rows(table, print_aligned_row, p, err);
    free(p->widths);
    return status;
}

/* --- CSV -------------------------------------------------------------------- */

static void put_csv(struct orr_text *out, const char *s, size_t length)
{
    bool quote = false;
    for (size_t i = 0; i < length && !quote; i++)
        quote = strchr(",\"\r\n", s[i]) != NULL;
    if (!quote) {
        orr_text_append(out, s, length);
        return;
    }
    orr_text_append(out, "\"", 1);
    for (size_t i = 0; i < length; i++)
        orr_text_append(out, s[i] == '"' ? "\"\"" : &s[i], s[i] == '"' ? 2 : 1);
    orr_text_append(out, "\"", 1);
}

static bool print_csv_row(void *context, const unsigned char *row)
{
    struct printer *p = context;
    for (size_t i = 0; i < p->table->n; i++) {
        orr_text_clear(&p->cell);
        if (i)
            orr_text_puts(&p->line, ",");
        if (orri_cell_text(&p->table->columns[i], row, &p->cell) && p->cell.length)
            put_csv(&p->line, p->cell.s, p->cell.length);
    }
    orr_text_puts(&p->line, "\r\n");
    return emit(p);
}

static orr_status print_csv(struct printer *p, struct orri_table *table,
                            struct orr_error *err)
{
    for (size_t i = 0; i < table->n; i++) {
        if (i)
            orr_text_puts(&p->line, ",");
        put_csv(&p->line, table->columns[i].name, strlen(table->columns[i].name));
    }
    orr_text_puts(&p->line, "\r\n");
    return emit(p) ? orri_table_rows(table, print_csv_row, p, err) : ORR_OK;
}

/* --- JSON ------------------------------------------------------------------- */

static void put_json_cell(struct printer *p, const struct orri_read_column *column,
                          const unsigned char *row)
{
    orr_text_clear(&p->cell);
    bool there = orri_cell_text(column, row, &p->cell);
    if (there && column->cell == ORRI_CELL_FLOAT && strpbrk(p->cell.s, "in"))
        there = false; /* JSON has no infinity */
    if (!there)
        orr_text_puts(&p->line, "null");
    else if (orri_cell_is_bare(column, &p->cell))
        orr_text_append(&p->line, p->cell.s, p->cell.length);
    else
        orr_text_json(&p->line, p->cell.s, p->cell.length);
}

static bool print_json_row(void *context, const unsigned char *row)
{
    struct printer *p = context;
    orr_text_puts(&p->line, p->first ? "\n  {" : ",\n  {");
    p->first = false;
    for (size_t i = 0; i < p->table->n; i++) {
        const struct orri_read_column *column = &p->table->columns[i];
        if (i)
            orr_text_puts(&p->line, ", ");
        orr_text_json(&p->line, column->name, strlen(column->name));
        orr_text_puts(&p->line, ": ");
        put_json_cell(p, column, row);
    }
    orr_text_puts(&p->line, "}");
    return emit(p);
}

static orr_status print_json(struct printer *p, struct orri_table *table,
                             struct orr_error *err)
{
    p->first = true;
    orr_text_puts(&p->line, "[");
    orr_status status =
        emit(p) ? orri_table_rows(table, print_json_row, p, err) : ORR_OK;
    orr_text_puts(&p->line, p->first ? "]\n" : "\n]\n");
    (void)emit(p);
    return status;
}

/* --- the call --------------------------------------------------------------- */

orr_status orr_table_print(const char *path, const char *name,
                           enum orr_print_format format, FILE *out,
                           struct orr_error *err)
{
    struct orri_table table;
    orr_status status = orri_table_open(&table, path, name, err);
    if (status != ORR_OK)
        return status;
    struct printer p = { .out = out, .table = &table };
    switch (format) {
    case ORR_PRINT_CSV: status = print_csv(&p, &table, err); break;
    case ORR_PRINT_JSON: status = print_json(&p, &table, err); break;
    default: status = print_aligned(&p, &table, err);
    }
    if (status == ORR_OK && (fflush(out) != 0 || ferror(out)))
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot write the table %s",
                                 name);
    orr_text_release(&p.cell);
    orr_text_release(&p.line);
    orri_table_close(&table);
    return status;
}
