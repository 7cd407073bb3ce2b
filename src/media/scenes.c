/* scenes.c - how much a frame differs from the one before: shot change scores
 * Owns: the previous frame's luma.
 *
 * The measure of libavfilter's scdet: the mean absolute difference of luma in percent,
 * and the score is the smaller of it and of its change since the last frame, so that
 * steady motion scores low. Every second row is compared. */
#include "media/index.h"

#include "base/memory.h"
#include "media/libav.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct orri_scenes {
    uint8_t *luma; /* 8 bits, rows of the previous frame */
    size_t bytes;
    int width, rows;
    double difference;
};

enum { ROW_STEP = 2 };

struct orri_scenes *orri_scenes_new(void)
{
    return orr_alloc(1, sizeof(struct orri_scenes));
}

void orri_scenes_free(struct orri_scenes *scenes)
{
    if (scenes)
        free(scenes->luma);
    free(scenes);
}

/* Compare a row with the kept one and keep it instead. */
static uint64_t swap_row8(uint8_t *restrict kept, const uint8_t *restrict row,
                          int width)
{
    uint32_t sum = 0;
    for (int x = 0; x < width; x++) {
        int d = row[x] - kept[x];
        sum += (uint32_t)(d < 0 ? -d : d);
    }
    memcpy(kept, row, (size_t)width);
    return sum;
}

static uint64_t swap_row16(uint8_t *kept, const uint16_t *row, int width, int shift)
{
    uint64_t sum = 0;
    for (int x = 0; x < width; x++) {
        int now = row[x] >> shift;
        sum += (uint64_t)abs(now - kept[x]);
        kept[x] = (uint8_t)now;
    }
    return sum;
}

static uint64_t swap_frame(struct orri_scenes *scenes, const AVFrame *frame, int depth)
{
    uint64_t sum = 0;
    for (int y = 0; y < scenes->rows; y++) {
        uint8_t *kept = scenes->luma + (size_t)y * (size_t)scenes->width;
        const uint8_t *row =
            frame->data[0] + (ptrdiff_t)y * ROW_STEP * frame->linesize[0];
        sum += depth > 8 ? swap_row16(kept, (const uint16_t *)(const void *)row,
                                      scenes->width, depth - 8)
                         : swap_row8(kept, row, scenes->width);
    }
    return sum;
}

float orri_scenes_score(struct orri_scenes *scenes, const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    int rows = (frame->height + ROW_STEP - 1) / ROW_STEP;
    bool first = !scenes->luma || scenes->width != frame->width || scenes->rows != rows;
    bool plain =
        desc && !(desc->flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_BITSTREAM |
                                 AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_FLOAT));
    if (!plain)
        return 0;
    if (first) {
        free(scenes->luma);
        scenes->width = frame->width;
        scenes->rows = rows;
        scenes->luma = orr_alloc((size_t)frame->width * (size_t)rows, 1);
    }
    uint64_t sum = swap_frame(scenes, frame, desc->comp[0].depth);
    double pixels = (double)scenes->width * scenes->rows;
    double difference = first ? 0 : (double)sum * 100.0 / (pixels * 255.0);
    double change = fabs(difference - scenes->difference);
    scenes->difference = difference;
    return (float)fmin(difference, change);
}
