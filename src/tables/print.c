/* print.c - tables for people and programs: aligned, CSV, JSON
 * Owns: the three layouts, which columns and how many rows. Hands on: reading
 * (tableread.c), which rows (tablewhere.c). */
#include "tables/runfile.h"

#include "base/memory.h"
#include "tables/tableread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_COLUMNS_MAX = 60 };

typedef bool row_visit(void *context, const unsigned char *row);

struct printer {
    FILE *out;
    struct orri_table *table;
    const struct orr_print *how;
    struct orri_where *where;                /* or NULL */
    const struct orri_read_column **columns; /* that are shown */
    size_t n;
    row_visit *visit;
    uint64_t shown; /* rows of this pass */
    orr_status status;
    struct orr_error *err;
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

/* --- rows ------------------------------------------------------------------- */

static bool visit_if(void *context, const unsigned char *row)
{
    struct printer *p = context;
    bool holds = true;
    if (p->where)
        p->status = orri_where_holds(p->where, row, &holds, p->err);
    if (p->status != ORR_OK)
        return false;
    if (!holds)
        return true;
    return p->visit(p, row) && (!p->how->limit || ++p->shown < p->how->limit);
}

/* One pass over the rows that are meant. */
static orr_status each_row(struct printer *p, row_visit *visit)
{
    p->visit = visit;
    p->shown = 0;
    orr_status status = orri_table_rows(p->table, visit_if, p, p->err);
    return status == ORR_OK ? p->status : status;
}

/* --- columns ---------------------------------------------------------------- */

static orr_status no_such_column(const struct printer *p, const char *name)
{
    const char **names = orr_alloc(p->table->n + 1, sizeof *names);
    struct orr_text all = ORR_TEXT_INIT;
    for (size_t i = 0; i < p->table->n; i++) {
        names[i] = p->table->columns[i].name;
        orr_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = orr_text_nearest(name, names, p->table->n);
    orr_status status =
        orr_error_set(p->err, ORR_ERR_INPUT, ORR_NO_SPAN,
                      "the table %s has no column '%s'%s%s%s it has %s", p->table->name,
                      name, near ? "; did you mean '" : "", near ? near : "",
                      near ? "'?" : ";", all.s ? all.s : "none");
    orr_text_release(&all);
    free(names);
    return status;
}

/* NAME stands for NAME.bytes, NAME.hash and so on, too. */
static orr_status add_columns(struct printer *p, const char *name, size_t *cap)
{
    size_t length = strlen(name);
    size_t before = p->n;
    for (size_t i = 0; i < p->table->n; i++) {
        const char *has = p->table->columns[i].name;
        if (strncmp(has, name, length) != 0 || (has[length] && has[length] != '.'))
            continue;
        p->columns = orr_grow(p->columns, p->n, cap, sizeof *p->columns);
        p->columns[p->n++] = &p->table->columns[i];
    }
    return p->n > before ? ORR_OK : no_such_column(p, name);
}

static orr_status choose_columns(struct printer *p)
{
    size_t cap = 0;
    orr_status status = ORR_OK;
    if (!p->how->columns) {
        p->columns = orr_alloc(p->table->n + 1, sizeof *p->columns);
        for (; p->n < p->table->n; p->n++)
            p->columns[p->n] = &p->table->columns[p->n];
        return ORR_OK;
    }
    char *names = orr_strdup(p->how->columns);
    char *rest = names;
    for (char *name = NULL; status == ORR_OK && (name = strsep(&rest, ",")) != NULL;)
        status = add_columns(p, name, &cap);
    free(names);
    return status;
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
    if (!orri_cell_text(p->columns[column], row, &p->cell)) {
        orr_text_clear(&p->cell);
        orr_text_puts(&p->cell, "-");
    }
    tame(&p->cell);
}

static bool measure_row(void *context, const unsigned char *row)
{
    struct printer *p = context;
    for (size_t i = 0; i < p->n; i++) {
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
    const struct orri_read_column *c = p->columns[column];
    size_t chars = count_chars(s, length);
    size_t space = p->widths[column] > chars ? p->widths[column] - chars : 0;
    bool right = c->cell == ORRI_CELL_INT || c->cell == ORRI_CELL_UINT ||
                 c->cell == ORRI_CELL_FLOAT;
    bool last = column + 1 == p->n;
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
    for (size_t i = 0; i < p->n; i++) {
        format_cell(p, i, row);
        put_aligned(p, i, p->cell.s, p->cell.length);
    }
    return emit(p);
}

static orr_status print_aligned(struct printer *p)
{
    p->widths = orr_alloc(p->n + 1, sizeof *p->widths);
    for (size_t i = 0; i < p->n; i++)
        p->widths[i] = strlen(p->columns[i]->name);
    orr_status status = each_row(p, measure_row);
    for (size_t i = 0; i < p->n; i++)
        put_aligned(p, i, p->columns[i]->name, strlen(p->columns[i]->name));
    if (status == ORR_OK && p->n && emit(p))
        status = each_row(p, print_aligned_row);
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
    for (size_t i = 0; i < p->n; i++) {
        orr_text_clear(&p->cell);
        if (i)
            orr_text_puts(&p->line, ",");
        if (orri_cell_text(p->columns[i], row, &p->cell) && p->cell.length)
            put_csv(&p->line, p->cell.s, p->cell.length);
    }
    orr_text_puts(&p->line, "\r\n");
    return emit(p);
}

static orr_status print_csv(struct printer *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            orr_text_puts(&p->line, ",");
        put_csv(&p->line, p->columns[i]->name, strlen(p->columns[i]->name));
    }
    orr_text_puts(&p->line, "\r\n");
    return emit(p) ? each_row(p, print_csv_row) : ORR_OK;
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
    for (size_t i = 0; i < p->n; i++) {
        const struct orri_read_column *column = p->columns[i];
        if (i)
            orr_text_puts(&p->line, ", ");
        orr_text_json(&p->line, column->name, strlen(column->name));
        orr_text_puts(&p->line, ": ");
        put_json_cell(p, column, row);
    }
    orr_text_puts(&p->line, "}");
    return emit(p);
}

static orr_status print_json(struct printer *p)
{
    p->first = true;
    orr_text_puts(&p->line, "[");
    orr_status status = emit(p) ? each_row(p, print_json_row) : ORR_OK;
    orr_text_puts(&p->line, p->first ? "]\n" : "\n]\n");
    (void)emit(p);
    return status;
}

/* --- the call --------------------------------------------------------------- */

static orr_status print_all(struct printer *p)
{
    orr_status status = choose_columns(p);
    if (status == ORR_OK && p->how->where)
        status = orri_where_new(p->table, p->how->where, &p->where, p->err);
    if (status != ORR_OK)
        return status;
    switch (p->how->format) {
    case ORR_PRINT_CSV: return print_csv(p);
    case ORR_PRINT_JSON: return print_json(p);
    default: return print_aligned(p);
    }
}

orr_status orr_table_print(const char *path, const char *name,
                           const struct orr_print *how, FILE *out,
                           struct orr_error *err)
{
    struct orri_table table;
    orr_status status = orri_table_open(&table, path, name, err);
    if (status != ORR_OK)
        return status;
    struct printer p = { .out = out, .table = &table, .how = how, .err = err };
    status = print_all(&p);
    if (status == ORR_OK && (fflush(out) != 0 || ferror(out)))
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot write the table %s",
                                 name);
    orri_where_free(p.where);
    free(p.columns);
    orr_text_release(&p.cell);
    orr_text_release(&p.line);
    orri_table_close(&table);
    return status;
}
