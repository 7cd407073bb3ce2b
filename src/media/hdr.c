/* hdr.c - static HDR metadata: mastering display and content light level
 * Owns: their form as text in chunks. */
#include "media/hdr.h"
#include "media/libav.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 10 };

static void to_numbers(const AVMasteringDisplayMetadata *m, AVRational out[NUMBERS])
{
    for (int i = 0; i < 3; i++) {
        out[2 * i] = m->display_primaries[i][0];
        out[2 * i + 1] = m->display_primaries[i][1];
    }
    out[6] = m->white_point[0];
    out[7] = m->white_point[1];
    out[8] = m->min_luminance;
    out[9] = m->max_luminance;
}

static bool from_text(const char *text, AVRational out[NUMBERS])
{
    for (int i = 0; i < NUMBERS; i++) {
        int used = 0;
        if (sscanf(text, "%d/%d%n", &out[i].num, &out[i].den, &used) != 2 ||
            out[i].den <= 0)
            return false;
        text += used;
        text += *text == ' ';
    }
    return true;
}

static const AVMasteringDisplayMetadata *find_mastering(const AVFrame *frame,
                                                        const AVStream *stream)
{
    const AVFrameSideData *side =
        av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const void *found =
        side ? side->data
             : av_stream_get_side_data(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                                       NULL);
    const AVMasteringDisplayMetadata *mastering = found;
    return mastering && mastering->has_primaries && mastering->has_luminance ? mastering
                                                                             : NULL;
}

struct orri_hdr orri_hdr_read(const AVFrame *frame, const AVStream *stream,
                              struct orr_arena *arena)
{
    struct orri_hdr hdr = { NULL, NULL };
    const AVMasteringDisplayMetadata *mastering = find_mastering(frame, stream);
    const AVFrameSideData *side =
        av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    const void *found =
        side ? side->data
             : av_stream_get_side_data(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, NULL);
    const AVContentLightMetadata *light = found;
    if (light)
        hdr.light = orr_arena_printf(arena, "%u %u", light->MaxCLL, light->MaxFALL);
    if (mastering) {
        AVRational n[NUMBERS];
        struct orr_text text = ORR_TEXT_INIT;
        to_numbers(mastering, n);
        for (int i = 0; i < NUMBERS; i++)
            orr_text_printf(&text, "%s%d/%d", i ? " " : "", n[i].num, n[i].den);
        hdr.mastering = orr_arena_strdup(arena, text.s);
        orr_text_release(&text);
    }
    return hdr;
}

static int in_units(AVRational value, int per_one)
{
    return (int)(av_q2d(value) * per_one + 0.5);
}

const char *orri_hdr_params(const struct orri_hdr *hdr, const char *library,
                            struct orr_arena *arena)
{
    bool x264 = strcmp(library, "libx264") == 0;
    const char *display = "";
    const char *light = "";
    unsigned most = 0;
    unsigned mean = 0;
    AVRational n[NUMBERS];
    int v[NUMBERS];
    if (!x264 && strcmp(library, "libx265") != 0)
        return "";
    if (hdr->mastering && from_text(hdr->mastering, n)) {
        for (int i = 0; i < NUMBERS; i++)
            v[i] = in_units(n[i], i < 8 ? 50000 : 10000);
        display =
            orr_arena_printf(arena, ":%s=G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)",
                             x264 ? "mastering-display" : "master-display", v[2], v[3],
                             v[4], v[5], v[0], v[1], v[6], v[7], v[9], v[8]);
    }
    if (hdr->light && sscanf(hdr->light, "%u %u", &most, &mean) == 2)
        light =
            orr_arena_printf(arena, ":%s=%u,%u", x264 ? "cll" : "max-cll", most, mean);
    return orr_arena_printf(arena, "%s%s", display, light);
}

static void attach(AVStream *stream, enum AVPacketSideDataType type, void *data,
                   size_t size)
{
    uint8_t *bytes = orri_need(av_stream_new_side_data(stream, type, size));
    memcpy(bytes, data, size);
    av_free(data);
}

void orri_hdr_attach(const struct orri_hdr *hdr, AVStream *stream)
{
    AVRational n[NUMBERS];
    unsigned most = 0;
    unsigned mean = 0;
    if (hdr->mastering && from_text(hdr->mastering, n)) {
        AVMasteringDisplayMetadata *m =
            orri_need(av_mastering_display_metadata_alloc());
        for (int i = 0; i < 3; i++) {
            m->display_primaries[i][0] = n[2 * i];
            m->display_primaries[i][1] = n[2 * i + 1];
        }
        m->white_point[0] = n[6];
        m->white_point[1] = n[7];
        m->min_luminance = n[8];
        m->max_luminance = n[9];
        m->has_primaries = m->has_luminance = 1;
        attach(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, m, sizeof *m);
    }
    if (hdr->light && sscanf(hdr->light, "%u %u", &most, &mean) == 2) {
        size_t size = 0;
        AVContentLightMetadata *light =
            orri_need(av_content_light_metadata_alloc(&size));
        light->MaxCLL = most;
        light->MaxFALL = mean;
        attach(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, light, size);
    }
}
