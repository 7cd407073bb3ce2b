/* resources.c - cores, GPUs and memory: do they fit, who may go first; owns nothing */
#include "base/resources.h"

#include "base/error.h"

#include <inttypes.h>

bool orr_resources_equal(const struct orr_resources *a, const struct orr_resources *b)
{
    return a->cores == b->cores && a->gpus == b->gpus && a->memory == b->memory;
}

bool orr_resources_fit(const struct orr_resources *have,
                       const struct orr_resources *want)
{
    return want->cores <= have->cores && want->gpus <= have->gpus &&
           want->memory <= have->memory;
}

void orr_resources_add(struct orr_resources *to, const struct orr_resources *what)
{
    to->cores += what->cores;
    to->gpus += what->gpus;
    to->memory += what->memory;
}

void orr_resources_take(struct orr_resources *from, const struct orr_resources *what)
{
    if (!orr_resources_fit(from, what))
        ORR_BUG("a ledger gives more than it has: %" PRIu32 " cores, %" PRIu32
                " GPUs, %" PRIu64 " bytes of %" PRIu32 ", %" PRIu32 ", %" PRIu64,
                what->cores, what->gpus, what->memory, from->cores, from->gpus,
                from->memory);
    from->cores -= what->cores;
    from->gpus -= what->gpus;
    from->memory -= what->memory;
}

bool orr_fits_beside(const struct orr_resources *free, const struct orr_resources *want,
                     const struct orr_resources *waits)
{
    return (!want->cores || (uint64_t)want->cores + waits->cores <= free->cores) &&
           (!want->gpus || (uint64_t)want->gpus + waits->gpus <= free->gpus) &&
           (!want->memory || want->memory + waits->memory <= free->memory);
}

bool orr_may_overtake(const struct orr_resources *free,
                      const struct orr_resources *want,
                      const struct orr_resources *waits, uint64_t overtaken,
                      uint64_t bound)
{
    return orr_resources_fit(free, want) &&
           (overtaken < bound || orr_fits_beside(free, want, waits));
}

bool orr_goes_first(const struct orr_resources *node, const struct orr_resources *call)
{
    double cores = (double)call->cores / (double)node->cores;
    return (call->gpus && (double)call->gpus / (double)node->gpus > cores) ||
           (call->memory && (double)call->memory / (double)node->memory > cores);
}

void orr_size_print(struct orr_text *out, uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double amount = (double)bytes;
    size_t unit = 0;
    while (unit < 4 && amount >= 1024) {
        amount /= 1024;
        unit++;
    }
    orr_text_printf(out, amount < 1000 ? "%.3g %s" : "%.4g %s", amount, units[unit]);
}

void orr_resources_print(const struct orr_resources *what, struct orr_text *out)
{
    orr_text_printf(out, "%" PRIu32 " core%s", what->cores,
                    what->cores == 1 ? "" : "s");
    if (what->memory) {
        orr_text_puts(out, ", ");
        orr_size_print(out, what->memory);
        orr_text_puts(out, " of memory");
    }
    if (what->gpus)
        orr_text_printf(out, ", %" PRIu32 " GPU%s", what->gpus,
                        what->gpus == 1 ? "" : "s");
}
