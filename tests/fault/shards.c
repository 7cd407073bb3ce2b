/* shards.c - lists the attempts in the shards of a run, whether it is on, dead or done
 *
 *     shards RUN [--blobs | FOLDER]
 *
 * A line for each: identity, session, where it lies, failure (0: none). `--blobs`
 * reads all blobs, too, each of which must be whole. FOLDER: on the disk of the node,
 * whose logs are read first, as far as they stay while they are read. */
#include "lang/value.h"
#include "store/rundir.h"
#include "store/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    struct orr_blob_reader *blobs; /* NULL: not read */
    uint64_t damaged;
};

static void read_blob(void *context, unsigned char *at)
{
    struct listing *listing = context;
    struct orr_error err = { .code = ORR_OK };
    struct orr_blob blob;
    void *bytes = NULL;
    orr_blob_decode(at, &blob);
    if (orr_blob_load(listing->blobs, &blob, &bytes, &err) == ORR_OK) {
        free(bytes);
        return;
    }
    (void)fprintf(stderr, "%s\n", err.text);
    listing->damaged++;
}

static orr_status list(void *context, const struct orr_stored *stored,
                       const struct orr_place *place, struct orr_error *err)
{
    struct listing *listing = context;
    char id[ORR_ID_TEXT];
    orr_id_text(stored->id, id);
    (void)printf("%s %" PRIu32 " %" PRIu32 "/%" PRIu32 "/%" PRIu64 " %d\n", id,
                 place->epoch, place->writer, place->segment, place->entry,
                 (int)stored->failure);
    if (!listing->blobs || !stored->results_bytes)
        return ORR_OK;
    unsigned char *copy = malloc(stored->results_bytes);
    if (!copy)
        abort();
    memcpy(copy, stored->results, stored->results_bytes);
    struct orr_reader in = orr_reader_of(copy, stored->results_bytes);
    orr_status status = orr_value_visit_blobs(&in, read_blob, listing);
    free(copy);
    return status == ORR_OK
               ? ORR_OK
               : orr_error_set(err, status, ORR_NO_SPAN, "%s: bad results", id);
}

int main(int argc, char **argv)
{
    struct orr_run_info info;
    struct orr_error err = { .code = ORR_OK };
    struct listing listing = { NULL, 0 };
    if (argc < 2)
        return 2;
    bool blobs = argc > 2 && strcmp(argv[2], "--blobs") == 0;
    if (blobs)
        listing.blobs = orr_blob_reader_new(argv[1]);
    struct orr_scan_options options = { .verify_blobs = blobs };
    orr_status status = orr_run_info_read(argv[1], &info, &err);
    options.run_id = info.id;
    if (status == ORR_OK && argc > 2 && !blobs) /* what goes meanwhile is copied */
        (void)orr_shards_scan(argv[2], &options, list, &listing, NULL, NULL);
    if (status == ORR_OK)
        status = orr_shards_scan(argv[1], &options, list, &listing, NULL, &err);
    if (status != ORR_OK)
        (void)fprintf(stderr, "%s\n", err.text);
    orr_blob_reader_free(listing.blobs);
    return status != ORR_OK || listing.damaged ? 1 : 0;
}
