/* topo.c - cores and pinning by hwloc, the only code that uses it
 * Owns: the topology. */
#include "topo/topo.h"

#include "base/memory.h"
#include "topo/limits.h"

#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>
#include <unistd.h>

struct orr_topo {
    hwloc_topology_t hwloc;
    uint32_t cores;
    bool is_this_machine;
    enum orr_bind bind;
};

static orr_status load(struct orr_topo *topo, const char *xml, const char *synthetic,
                       struct orr_error *err)
{
    unsigned long flags = 0;
    if (xml && hwloc_topology_set_xml(topo->hwloc, xml) != 0)
        return orr_error_errno(err, ORR_ERR_INPUT, errno, "cannot read the topology %s",
                               xml);
    if (synthetic && hwloc_topology_set_synthetic(topo->hwloc, synthetic) != 0)
        return orr_error_set(
            err, ORR_ERR_INPUT, ORR_NO_SPAN,
            "'%s' is no synthetic topology such as \"pack:2 core:8 pu:2\"", synthetic);
    if (xml) /* on this machine, devices take their time to be found */
        (void)hwloc_topology_set_io_types_filter(topo->hwloc,
                                                 HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    /* A mask from taskset or Slurm's task/affinity is ours to keep, like a cpuset. */
    if (!xml && !synthetic)
        flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING;
    if (hwloc_topology_set_flags(topo->hwloc, flags) != 0 ||
        hwloc_topology_load(topo->hwloc) != 0)
        return orr_error_errno(err, ORR_ERR_MACHINE, errno,
                               "hwloc cannot read this machine's topology");
    topo->is_this_machine = !xml && !synthetic;
    int n = hwloc_get_nbobjs_by_type(topo->hwloc, HWLOC_OBJ_CORE);
    topo->cores = n > 0 ? (uint32_t)n : orr_topo_threads(topo);
    return ORR_OK;
}

orr_status orr_topo_load(const char *xml, const char *synthetic, struct orr_topo **out,
                         struct orr_error *err)
{
    struct orr_topo *topo = orr_alloc(1, sizeof *topo);
    orr_status status = ORR_OK;
    if (hwloc_topology_init(&topo->hwloc) != 0)
        status =
            orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN, "hwloc does not start");
    if (status == ORR_OK)
        status = load(topo, xml, synthetic, err);
    if (status != ORR_OK) {
        orr_topo_free(topo);
        return status;
    }
    *out = topo;
    return ORR_OK;
}

void orr_topo_free(struct orr_topo *topo)
{
    if (topo && topo->hwloc)
        hwloc_topology_destroy(topo->hwloc);
    free(topo);
}

static uint32_t count(const struct orr_topo *topo, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type(topo->hwloc, type);
    return n > 0 ? (uint32_t)n : 0;
}

uint32_t orr_topo_cores(const struct orr_topo *topo) { return topo->cores; }
uint32_t orr_topo_threads(const struct orr_topo *topo)
{
    return count(topo, HWLOC_OBJ_PU);
}
uint32_t orr_topo_numas(const struct orr_topo *topo)
{
    return count(topo, HWLOC_OBJ_NUMANODE);
}

uint64_t orr_topo_memory(const struct orr_topo *topo)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    /* Virtual machines that grow tell hwloc what their NUMA node began with. */
    if (topo->is_this_machine && pages > 0 && page > 0)
        return orr_memory_limit((uint64_t)pages * (uint64_t)page, "");
    return hwloc_get_root_obj(topo->hwloc)->total_memory;
}

/* A machine whose cores are unknown (some containers): its threads stand for them. */
static hwloc_obj_t core_object(const struct orr_topo *topo, uint32_t core)
{
    hwloc_obj_t object =
        hwloc_get_obj_by_type(topo->hwloc, HWLOC_OBJ_CORE, core % topo->cores);
    return object
               ? object
               : hwloc_get_obj_by_type(topo->hwloc, HWLOC_OBJ_PU, core % topo->cores);
}

uint32_t orr_topo_numa_of(const struct orr_topo *topo, uint32_t core)
{
    hwloc_obj_t object = core_object(topo, core);
    for (uint32_t i = 0; i < orr_topo_numas(topo); i++) {
        hwloc_obj_t numa = hwloc_get_obj_by_type(topo->hwloc, HWLOC_OBJ_NUMANODE, i);
        if (hwloc_bitmap_isincluded(object->cpuset, numa->cpuset))
            return i;
    }
    return 0;
}

static hwloc_const_cpuset_t numa_set(const struct orr_topo *topo, uint32_t core)
{
    hwloc_obj_t numa = hwloc_get_obj_by_type(topo->hwloc, HWLOC_OBJ_NUMANODE,
                                             orr_topo_numa_of(topo, core));
    return numa ? numa->cpuset : core_object(topo, core)->cpuset;
}

static hwloc_bitmap_t cores_set(const struct orr_topo *topo, const uint32_t *cores,
                                uint32_t n)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    for (uint32_t i = 0; i < n; i++)
        (void)hwloc_bitmap_or(set, set,
                              topo->bind == ORR_BIND_NUMA
                                  ? numa_set(topo, cores[i])
                                  : core_object(topo, cores[i])->cpuset);
    return set;
}

enum orr_bind orr_topo_bind_for(const struct orr_topo *topo, enum orr_bind asked,
                                uint32_t used)
{
    if (asked != ORR_BIND_AUTO)
        return asked;
    return used < orr_topo_cores(topo) ? ORR_BIND_NONE : ORR_BIND_CORE;
}

void orr_topo_set_bind(struct orr_topo *topo, enum orr_bind bind) { topo->bind = bind; }

static void print_set(hwloc_const_bitmap_t set, struct orr_text *out)
{
    char *text = NULL;
    if (hwloc_bitmap_list_asprintf(&text, set) >= 0)
        orr_text_puts(out, text);
    free(text);
}

void orr_topo_cpus(const struct orr_topo *topo, const uint32_t *cores, uint32_t n,
                   struct orr_text *out)
{
    hwloc_bitmap_t set = cores_set(topo, cores, n);
    print_set(set, out);
    hwloc_bitmap_free(set);
}

orr_status orr_topo_bind(const struct orr_topo *topo, pid_t pid, const uint32_t *cores,
                         uint32_t n, struct orr_error *err)
{
    orr_status status = ORR_OK;
    hwloc_bitmap_t want = cores_set(topo, cores, n);
    hwloc_bitmap_t have = hwloc_bitmap_alloc();
    if (hwloc_set_proc_cpubind(topo->hwloc, pid, want, HWLOC_CPUBIND_STRICT) != 0 ||
        hwloc_get_proc_cpubind(topo->hwloc, pid, have, 0) != 0)
        status = orr_error_errno(err, ORR_ERR_MACHINE, errno,
                                 "cannot pin process %ld to its cores", (long)pid);
    else if (!hwloc_bitmap_isequal(want, have))
        status = orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                               "process %ld was pinned but reads back another mask",
                               (long)pid);
    hwloc_bitmap_free(want);
    hwloc_bitmap_free(have);
    return status;
}

/* ---- GPUs ---- */

/* Each device once, though libraries may know it by several names. */
static bool is_gpu(hwloc_obj_t device)
{
    hwloc_obj_osdev_type_t type = device->attr->osdev.type;
    if (type != HWLOC_OBJ_OSDEV_GPU && type != HWLOC_OBJ_OSDEV_COPROC)
        return false;
    for (hwloc_obj_t other = device->parent->io_first_child; other && other != device;
         other = other->next_sibling)
        if (other->type == HWLOC_OBJ_OS_DEVICE &&
            (other->attr->osdev.type == HWLOC_OBJ_OSDEV_GPU ||
             other->attr->osdev.type == HWLOC_OBJ_OSDEV_COPROC))
            return false;
    return true;
}

static hwloc_obj_t next_gpu(const struct orr_topo *topo, hwloc_obj_t before)
{
    hwloc_obj_t device = hwloc_get_next_osdev(topo->hwloc, before);
    while (device && !is_gpu(device))
        device = hwloc_get_next_osdev(topo->hwloc, device);
    return device;
}

static hwloc_obj_t gpu_object(const struct orr_topo *topo, uint32_t gpu)
{
    hwloc_obj_t device = next_gpu(topo, NULL);
    for (uint32_t i = 0; device && i < gpu; i++)
        device = next_gpu(topo, device);
    return device;
}

uint32_t orr_topo_gpus(const struct orr_topo *topo)
{
    uint32_t n = 0;
    for (hwloc_obj_t device = next_gpu(topo, NULL); device;
         device = next_gpu(topo, device))
        n++;
    return n;
}

const char *orr_topo_gpu_name(const struct orr_topo *topo, uint32_t gpu)
{
    return gpu_object(topo, gpu)->name;
}

uint32_t orr_topo_gpu_numa(const struct orr_topo *topo, uint32_t gpu)
{
    hwloc_obj_t near =
        hwloc_get_non_io_ancestor_obj(topo->hwloc, gpu_object(topo, gpu));
    for (uint32_t i = 0; i < orr_topo_numas(topo); i++) {
        hwloc_obj_t numa = hwloc_get_obj_by_type(topo->hwloc, HWLOC_OBJ_NUMANODE, i);
        if (hwloc_bitmap_isincluded(near->cpuset, numa->cpuset))
            return i;
    }
    return 0;
}
