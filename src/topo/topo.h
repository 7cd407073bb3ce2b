/* topo.h - the machine: which cores attempts may use, and pinning
 *
 * Respects the cpuset and the affinity mask that Slurm, taskset or a container gave. */
#ifndef ORR_TOPO_TOPO_H
#define ORR_TOPO_TOPO_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct orr_topo;

/* This machine (NULL, NULL), a recorded one (hwloc XML file), or a synthetic one
 * ("pack:2 numa:4 core:8 pu:2"). Binding works on this machine only. */
orr_status orr_topo_load(const char *xml, const char *synthetic, struct orr_topo **out,
                         struct orr_error *err);
void orr_topo_free(struct orr_topo *topo);

uint32_t orr_topo_cores(const struct orr_topo *topo);   /* physical cores we may use */
uint32_t orr_topo_threads(const struct orr_topo *topo); /* hardware threads of them */
uint32_t orr_topo_numas(const struct orr_topo *topo);
/* Bytes of the node that are ours (limits.h). */
uint64_t orr_topo_memory(const struct orr_topo *topo);
/* NUMA domain of a core (0-based). */
uint32_t orr_topo_numa_of(const struct orr_topo *topo, uint32_t core);
/* Operating system numbers of the hardware threads of these cores: "0-1,4"; appended.
 * Core numbers count modulo the number of cores. */
void orr_topo_cpus(const struct orr_topo *topo, const uint32_t *cores, uint32_t n,
                   struct orr_text *out);

/* Where attempts on some cores are bound: nowhere, to these, or to all that may be used
 * of their NUMA domains. AUTO, the default: to these, where a run uses all cores that
 * it may; on others there may be other runs, which would all choose the first ones. */
enum orr_bind { ORR_BIND_NONE, ORR_BIND_CORE, ORR_BIND_NUMA, ORR_BIND_AUTO };
/* What `asked` means for a run that uses so many cores of the machine. */
enum orr_bind orr_topo_bind_for(const struct orr_topo *topo, enum orr_bind asked,
                                uint32_t used);
void orr_topo_set_bind(struct orr_topo *topo, enum orr_bind bind); /* not AUTO */

/* Bind a process to these cores and read the mask back. ORR_ERR_MACHINE when the system
 * refuses or the mask differs. */
orr_status orr_topo_bind(const struct orr_topo *topo, pid_t pid, const uint32_t *cores,
                         uint32_t n, struct orr_error *err);

/* GPUs that hwloc sees: in a recorded machine; on this one gpus.h says what may be
 * used. Names such as "cuda0", and the domain that they are near to. */
uint32_t orr_topo_gpus(const struct orr_topo *topo);
const char *orr_topo_gpu_name(const struct orr_topo *topo, uint32_t gpu);
uint32_t orr_topo_gpu_numa(const struct orr_topo *topo, uint32_t gpu);

#endif
