/* measure.h - decode what the encoder made and compare it with what it was given */
#ifndef ORR_MEDIA_MEASURE_H
#define ORR_MEDIA_MEASURE_H

#include "media/av.h"

#include <stdbool.h>

enum orri_metric { ORRI_PSNR = 1, ORRI_SSIM = 2, ORRI_VIF = 4 };

/* Scores of one frame; NAN where not measured. */
struct orri_frame_scores {
    double mse[3];  /* of the planes; NAN beyond the format's planes */
    double mse_all; /* planes weighted by their samples */
    double ssim;    /* the same */
    double vif;     /* luma */
};

struct orri_measure;

/* Compare `n` frames of encoder `context` (opened). `metrics` is a set of orri_metric.
 */
orr_status orri_measure_new(const AVCodecContext *context, unsigned metrics, uint32_t n,
                            struct orri_measure **out, struct orr_error *err);
/* Frame `number` (0 to n - 1) goes into the encoder: keep a reference to it. */
void orri_measure_given(struct orri_measure *measure, uint32_t number,
                        const AVFrame *frame);
/* A packet came out; its pts is the number of its frame. NULL: that was the last. */
orr_status orri_measure_packet(struct orri_measure *measure, const AVPacket *packet,
                               struct orr_error *err);
const struct orri_frame_scores *orri_measure_scores(const struct orri_measure *measure,
                                                    uint32_t number);
/* Mean scores of all frames: PSNR from the mean error, as libavfilter reports it. */
struct orri_means {
    double psnr, psnr_y, ssim, vif;
};
struct orri_means orri_measure_means(const struct orri_measure *measure);
/* The PSNR of a frame's plane, or of all (plane -1). */
double orri_measure_psnr(const struct orri_measure *measure, uint32_t number,
                         int plane);
void orri_measure_free(struct orri_measure *measure);

#endif
