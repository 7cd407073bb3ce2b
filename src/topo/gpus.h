/* gpus.h - the GPUs of this node that attempts may use, and how programs are told which
 *
 * The allocation says it in variables of the environment: lists of numbers or names. A
 * GPU is a place in these lists, so that several of them (AMD's software reads more
 * than one) stay consistent. */
#ifndef ORR_TOPO_GPUS_H
#define ORR_TOPO_GPUS_H

#include "base/text.h"

#include <stdint.h>

enum { ORR_GPUS_MAX = 64 };

struct orr_gpus;

/* By CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES,
 * GPU_DEVICE_ORDINAL, SLURM_STEP_GPUS or SLURM_JOB_GPUS; where none of them is set, the
 * devices that the drivers show below `root` ("" but in tests). `forced` above 0: so
 * many, numbered from 0, whatever these say. */
struct orr_gpus *orr_gpus_new(uint32_t forced, const char *root);
void orr_gpus_free(struct orr_gpus *gpus); /* NULL is fine */

uint32_t orr_gpus_count(const struct orr_gpus *gpus); /* of NULL: 0 */
/* How programs know GPU `i`: "2", "GPU-8f..."; borrowed. */
const char *orr_gpus_name(const struct orr_gpus *gpus, uint32_t i);
/* Who said so: a variable, "the driver", "the option --gpus-per-node"; "" when there
 * are none. */
const char *orr_gpus_source(const struct orr_gpus *gpus);
/* Lines "NAME=value" that show a program these and no others; appended. Nothing for
 * n = 0. */
void orr_gpus_environment(const struct orr_gpus *gpus, const uint32_t *which,
                          uint32_t n, struct orr_text *out);

#endif
