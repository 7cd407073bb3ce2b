/* indexfile.c - the index of a video as a small file in the run's cache
 * Owns: the format. A file that does not check out is ignored and made again.
 *
 * "ORRINDEX", version, the source's path, size and time, the fields, then the arrays;
 * CRC32C of everything before it at the end. Little-endian (base/bytes.h). */
#include "base/bytes.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "media/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 2, BYTES_MAX = 1 << 30 };
static const char magic[8] = { 'O', 'R', 'R', 'I', 'N', 'D', 'E', 'X' };

static char *cache_path(const char *cache, const char *path,
                        struct orri_identity identity)
{
    struct orr_bytes name = ORR_BYTES_INIT;
    char id[ORR_ID_TEXT];
    char file[ORR_ID_TEXT + 16];
    orr_put_string(&name, path, strlen(path));
    orr_put_u64(&name, identity.size);
    orr_put_i64(&name, identity.mtime);
    orr_id_text(orr_hash(name.data, name.length), id);
    orr_bytes_release(&name);
    (void)snprintf(file, sizeof file, "media-%s.index", id);
    return orr_path_join(cache, file);
}

static void put_head(struct orr_bytes *out, const struct orri_index *index)
{
    orr_put_raw(out, magic, sizeof magic);
    orr_put_u32(out, VERSION);
    orr_put_u32(out, avcodec_version()); /* another libav may decode otherwise */
    orr_put_string(out, index->path, strlen(index->path));
    orr_put_u64(out, index->identity.size);
    orr_put_i64(out, index->identity.mtime);
    orr_put_u32(out, index->n_frames);
    orr_put_u32(out, index->n_safe);
    orr_put_u8(out, (uint8_t)index->depth);
    orr_put_u8(out, (uint8_t)index->key_kind);
    orr_put_u8(out, index->vfr);
    orr_put_u8(out, index->invented);
    orr_put_u8(out, index->interlaced);
    orr_put_u8(out, index->changes);
    const int32_t numbers[] = { index->time_base.num, index->time_base.den,
                                index->rate.num,      index->rate.den,
                                index->width,         index->height,
                                index->format };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        orr_put_u32(out, (uint32_t)numbers[i]);
    orr_put_u32(out, index->n_packets);
    orr_put_u32(out, index->damage.count);
    orr_put_u32(out, index->damage.frame);
    orr_put_string(out, index->damage.text, strlen(index->damage.text));
}

void orri_index_save(const char *cache, const struct orri_index *index)
{
    struct orr_bytes out = ORR_BYTES_INIT;
    put_head(&out, index);
    for (uint32_t i = 0; i <= index->n_frames; i++)
        orr_put_i64(&out, index->pts[i]);
    for (uint32_t i = 0; i < index->n_frames; i++)
        orr_put_i64(&out, index->key[i]);
    for (uint32_t i = 0; i < index->n_safe; i++)
        orr_put_u32(&out, index->safe[i]);
    for (uint32_t i = 0; index->score && i < index->n_frames; i++)
        orr_put_f64(&out, index->score[i]);
    orr_put_u32(&out, orr_crc32c(0, out.data, out.length));
    char *path = cache_path(cache, index->path, index->identity);
    (void)orr_file_write(path, out.data, out.length, false, NULL);
    free(path);
    orr_bytes_release(&out);
}

/* Everything up to the arrays; false when it is not the index of this file. */
static bool get_head(struct orr_reader *in, struct orri_index *index, const char *path,
                     struct orri_identity identity)
{
    size_t length = 0;
    const void *start = orr_get_raw(in, sizeof magic);
    if (!start || memcmp(start, magic, sizeof magic) != 0 ||
        orr_get_u32(in) != VERSION || orr_get_u32(in) != avcodec_version())
        return false;
    const char *name = orr_get_string(in, &length);
    if (!name || length != strlen(path) || memcmp(name, path, length) != 0)
        return false;
    index->identity.size = orr_get_u64(in);
    index->identity.mtime = orr_get_i64(in);
    index->n_frames = orr_get_u32(in);
    index->n_safe = orr_get_u32(in);
    index->depth = orr_get_u8(in);
    index->key_kind = orr_get_u8(in);
    index->vfr = orr_get_u8(in) != 0;
    index->invented = orr_get_u8(in) != 0;
    index->interlaced = orr_get_u8(in) != 0;
    index->changes = orr_get_u8(in) != 0;
    int *const numbers[] = { &index->time_base.num, &index->time_base.den,
                             &index->rate.num,      &index->rate.den,
                             &index->width,         &index->height,
                             &index->format };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = (int)orr_get_u32(in);
    index->n_packets = orr_get_u32(in);
    index->damage.count = orr_get_u32(in);
    index->damage.frame = orr_get_u32(in);
    const char *text = orr_get_string(in, &length);
    if (text)
        (void)snprintf(index->damage.text, sizeof index->damage.text, "%.*s",
                       (int)length, text);
    return !in->bad && index->identity.size == identity.size &&
           index->identity.mtime == identity.mtime && index->n_frames > 0 &&
           index->n_safe > 0 && index->n_safe <= index->n_frames;
}

static bool get_arrays(struct orr_reader *in, struct orri_index *index)
{
    bool scores = index->depth == ORRI_SCORED;
    uint64_t n = index->n_frames;
    uint64_t bytes =
        (n + 1) * 8 + n * 8 + (uint64_t)index->n_safe * 4 + (scores ? n * 8 : 0);
    if (orr_reader_left(in) != bytes)
        return false;
    index->pts = orr_alloc(n + 1, sizeof *index->pts);
    index->key = orr_alloc(n, sizeof *index->key);
    index->safe = orr_alloc(index->n_safe, sizeof *index->safe);
    for (uint64_t i = 0; i <= n; i++)
        index->pts[i] = orr_get_i64(in);
    for (uint64_t i = 0; i < n; i++)
        index->key[i] = orr_get_i64(in);
    for (uint32_t i = 0; i < index->n_safe; i++)
        index->safe[i] = orr_get_u32(in);
    if (scores)
        index->score = orr_alloc(n, sizeof *index->score);
    for (uint64_t i = 0; scores && i < n; i++)
        index->score[i] = (float)orr_get_f64(in);
    return !in->bad;
}

static bool checks_out(const struct orr_text *text)
{
    if (text->length < sizeof magic + 4)
        return false;
    size_t body = text->length - 4;
    struct orr_reader tail = orr_reader_of(text->s + body, 4);
    return orr_get_u32(&tail) == orr_crc32c(0, text->s, body);
}

struct orri_index *orri_index_load(const char *cache, const char *path,
                                   struct orri_identity identity)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *file = cache_path(cache, path, identity);
    orr_status status = orr_file_read(file, BYTES_MAX, &text, NULL);
    struct orri_index *index = orr_alloc(1, sizeof *index);
    bool good = status == ORR_OK && checks_out(&text);
    if (good) {
        struct orr_reader in = orr_reader_of(text.s, text.length - 4);
        good = get_head(&in, index, path, identity) && get_arrays(&in, index);
    }
    free(file);
    orr_text_release(&text);
    if (!good) {
        orri_index_free(index);
        return NULL;
    }
    index->path = orr_strdup(path);
    orri_index_finish(index);
    return index;
}
