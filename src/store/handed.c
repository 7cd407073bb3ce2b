/* handed.c - blobs that results hand through; owns nothing */
#include "store/handed.h"

#include "base/memory.h"
#include "lang/value.h"

#include <stdlib.h>
#include <string.h>

struct handed {
    struct orr_blob_reader *blobs;
    const struct orr_place *place;
    struct orr_error *why;
    bool bad;
};

static void check_blob(void *context, unsigned char *at)
{
    struct handed *h = context;
    const struct orr_place *place = h->place;
    struct orr_blob blob;
    void *bytes = NULL;
    orr_blob_decode(at, &blob);
    bool own = blob.writer == place->writer && blob.epoch == place->epoch &&
               blob.segment == place->segment && blob.offset >= place->blob &&
               blob.offset - place->blob <= place->blob_bytes;
    if (own || h->bad)
        return;
    h->bad = orr_blob_load(h->blobs, &blob, &bytes, h->why) != ORR_OK;
    free(bytes);
}

bool orri_handed_whole(struct orr_blob_reader *blobs, const void *results,
                       uint32_t length, const struct orr_place *place,
                       struct orr_error *why)
{
    struct handed handed = { blobs, place, why, false };
    unsigned char *copy = orr_alloc((size_t)length + 1, 1); /* visits may write */
    if (length)
        memcpy(copy, results, length);
    struct orr_reader in = orr_reader_of(copy, length);
    (void)orr_value_visit_blobs(&in, check_blob, &handed);
    free(copy);
    return !handed.bad;
}
