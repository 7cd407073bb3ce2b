/* read_run.c - the results of a run, from C
 *
 *     cc read_run.c $(pkg-config --cflags --libs orrery) -o read_run
 *     ./read_run RUN
 *
 * Prints what the run is, its tables with the units of their columns, the processor
 * time of its tasks, and the length of the first blob. */
#include <orrery/run.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(const struct orr_read_error *err)
{
    (void)fprintf(stderr, "read_run: %s\n", err->text);
    return EXIT_FAILURE;
}

static int list_tables(struct orr_read *run)
{
    struct orr_read_error err;
    const char *name = NULL;
    for (size_t i = 0; (name = orr_read_table_name(run, i)) != NULL; i++) {
        struct orr_read_table *table = NULL;
        if (orr_read_table_open(run, name, &table, &err) != ORR_READ_OK)
            return complain(&err);
        printf("%s: %" PRIu64 " rows:", name, orr_read_rows(table));
        const struct orr_read_column *column = NULL;
        for (size_t c = 0; (column = orr_read_column(table, c)) != NULL; c++)
            printf(" %s%s%s%s", column->name, *column->unit ? " [" : "", column->unit,
                   *column->unit ? "]" : "");
        printf("\n");
        orr_read_table_close(table);
    }
    return EXIT_SUCCESS;
}

static int add_up(struct orr_read *run)
{
    struct orr_read_error err;
    struct orr_read_table *tasks = NULL;
    enum orr_read_status status = orr_read_table_open(run, "tasks", &tasks, &err);
    if (status != ORR_READ_OK)
        return complain(&err);
    int cpu = orr_read_find_column(tasks, "cpu");
    double sum = 0;
    while ((status = orr_read_next(tasks, &err)) == ORR_READ_OK)
        sum += orr_read_float(tasks, cpu);
    orr_read_table_close(tasks);
    if (status != ORR_READ_END)
        return complain(&err);
    printf("processor time of all tasks: %.3f s\n", sum);
    return EXIT_SUCCESS;
}

static int show_blob(struct orr_read *run)
{
    struct orr_read_error err;
    struct orr_read_table *blobs = NULL;
    void *bytes = NULL;
    size_t length = 0;
    enum orr_read_status status = orr_read_table_open(run, "blobs", &blobs, &err);
    if (status != ORR_READ_OK)
        return complain(&err);
    status = orr_read_next(blobs, &err);
    if (status == ORR_READ_OK) {
        const char *hash = orr_read_text(blobs, orr_read_find_column(blobs, "hash"));
        status = orr_read_blob(run, hash, &bytes, &length, &err);
        if (status == ORR_READ_OK)
            printf("the first blob has %zu bytes\n", length);
        free(bytes);
    }
    orr_read_table_close(blobs);
    return status == ORR_READ_OK || status == ORR_READ_END ? EXIT_SUCCESS
                                                           : complain(&err);
}

int main(int argc, char **argv)
{
    struct orr_read *run = NULL;
    struct orr_read_error err;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: read_run RUN\n");
        return 2;
    }
    if (orr_read_open(argv[1], &run, &err) != ORR_READ_OK)
        return complain(&err);
    printf("%s: %s\n", orr_read_attribute(run, "job"),
           orr_read_attribute(run, "state"));
    int code = list_tables(run);
    if (code == EXIT_SUCCESS)
        code = add_up(run);
    if (code == EXIT_SUCCESS)
        code = show_blob(run);
    orr_read_close(run);
    return code;
}
