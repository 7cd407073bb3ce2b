/* metric.h - how near an encoded picture is to the one given to the encoder
 *
 * All work on planes of 8-bit samples, or of 16-bit little-endian samples with `depth`
 * bits used; strides are in bytes. */
#ifndef ORR_MEDIA_METRIC_H
#define ORR_MEDIA_METRIC_H

#include <stddef.h>
#include <stdint.h>

struct orri_plane {
    const uint8_t *data;
    ptrdiff_t stride; /* bytes */
    int width, height;
    int depth; /* bits a sample: 8 means one byte each, more means two */
};

/* Mean squared error of samples. */
double orri_plane_mse(const struct orri_plane *a, const struct orri_plane *b);
/* PSNR in dB for samples with this greatest value. Identical pictures (infinite) and
 * everything above count as ORRI_PSNR_MAX. */
#define ORRI_PSNR_MAX 100.0
double orri_psnr(double mse, double peak);

/* Structural similarity of 8x8 windows four samples apart, as libavfilter's ssim. */
double orri_plane_ssim(const struct orri_plane *a, const struct orri_plane *b);

/* Visual information fidelity at scale 2 (a quarter of width and height): what
 * libavfilter's vif reports as scale 2. Samples deeper than 8 bits are brought to the
 * range of 8 bits first (as libvmaf does), so that one target serves all depths. */
struct orri_vif;
struct orri_vif *orri_vif_new(int width, int height);
double orri_vif_score(struct orri_vif *vif, const struct orri_plane *reference,
                      const struct orri_plane *distorted);
void orri_vif_free(struct orri_vif *vif);

#endif
