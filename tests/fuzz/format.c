/* format.c - fuzz target: what orrery fmt prints is its own canonical form */
#include "fuzz.h"

#include "model/format.h"

static bool format(const char *text, size_t length, struct orr_text *out)
{
    struct orr_diags diags = { 0 };
    struct orr_error err = { 0 };
    bool good =
        orr_model_format("/d/w.yaml", text, length, out, &diags, &err) == ORR_OK;
    orr_diags_release(&diags);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct orr_text once = ORR_TEXT_INIT;
    struct orr_text twice = ORR_TEXT_INIT;
    if (format((const char *)data, size, &once)) {
        if (!format(once.s, once.length, &twice))
            ORR_BUG("what was formatted cannot be formatted");
        if (strcmp(once.s, twice.s) != 0)
            ORR_BUG("formatting it again gives another text");
    }
    orr_text_release(&once);
    orr_text_release(&twice);
    return 0;
}
