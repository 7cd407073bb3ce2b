/* registry.c - the functions that workflows may use; owns the list */
#include "cli/command.h"
#include "exec/core.h"
#include "media/media.h"

static const struct orr_function *const functions[] = {
    &orr_core_noop,   &orr_core_sleep,   &orr_core_busy,           &orr_media_probe,
    &orr_media_split, &orr_media_encode, &orr_media_encode_ladder, &orr_media_mux,
};

const struct orr_registry *orri_registry(void)
{
    static const struct orr_registry registry = { functions, sizeof functions /
                                                                 sizeof *functions };
    return &registry;
}
