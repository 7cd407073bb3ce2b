/* cat.c - orrery cat: the bytes of one blob
 * Owns: nothing. Hands on: where it lies (tables/tableblob.c), its bytes
 * (store/blob.c).
 */
#include "base/file.h"
#include "cli/tables.h"
#include "store/scan.h"
#include "tables/runfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static orr_status write_inside(const struct orri_tables *tables,
                               const struct orr_blob *blob, struct orr_error *err)
{
    void *bytes = NULL;
    orr_status status = orr_tables_load_blob(tables->path, blob, &bytes, err);
    if (status == ORR_OK &&
        orr_write_all(STDOUT_FILENO, bytes, (size_t)blob->length) != 0)
        status = orr_error_errno(err, ORR_ERR_STORE, errno,
                                 "cannot write to standard output");
    free(bytes);
    return status;
}

static orr_status write_blob(const struct orri_tables *tables,
                             const struct orr_blob *blob, struct orr_error *err)
{
    if (!tables->run_dir)
        return write_inside(tables, blob, err);
    struct orr_blob_reader *reader = orr_blob_reader_new(tables->run_dir);
    orr_status status = orr_blob_copy(reader, blob, STDOUT_FILENO, err);
    orr_blob_reader_free(reader);
    return status;
}

static int cat_main(const struct orr_line *line)
{
    struct orri_tables tables;
    struct orr_error err = { 0 };
    struct orr_blob blob;
    if (isatty(STDOUT_FILENO) && !orri_has(line, "force")) {
        (void)fputs("orrery cat: standard output is a terminal, and a blob may be any "
                    "bytes: send them to a file or a program, or say --force\n",
                    stderr);
        return ORR_EXIT_INPUT;
    }
    int code = orri_tables_open("cat", line->args[0], &tables);
    if (code == ORR_EXIT_OK &&
        (orr_tables_find_blob(tables.path, line->args[1], &blob, &err) != ORR_OK ||
         write_blob(&tables, &blob, &err) != ORR_OK))
        code = orri_complain(&err);
    orri_tables_release(&tables);
    return code;
}

static const struct orr_option cat_options[] = {
    { "force", 0, NULL, "also to a terminal", false },
    { 0 },
};

const struct orr_command_entry orri_cat = {
    .name = "cat",
    .arguments = "RUN BLOB",
    .summary = "write the bytes of a blob to standard output",
    .details =
        "BLOB is the beginning of its hash, 6 digits or more (`orrery ls RUN blobs` "
        "lists "
        "them), or a\ncell of a table: facts/shot[3].pixels, "
        "results/encode[12].packets. "
        "The bytes are checked as\nthey pass; exit code 3 when they are damaged.",
    .options = cat_options,
    .least = 2,
    .most = 2,
    .run = cat_main,
};
