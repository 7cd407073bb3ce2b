/* template.c - fuzz target: texts with {expressions}, and scripts
 * The first byte says which. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_scope s;
    struct orr_diags diags = { 0 };
    struct orr_span at = { "template", 1, 1 };
    if (size == 0)
        return 0;
    char *text = fuzz_copy(data + 1, size - 1);
    fuzz_scope_init(&s);
    if (data[0] % 2)
        fuzz_evaluate(&s,
                      orr_expr_compile_script(text, at, &s.scope, &s.arena, &diags));
    else
        fuzz_evaluate(&s, orr_expr_compile_template(
                              text, at, &s.scope,
                              data[0] & 2 ? orr_type_scalar(ORR_KIND_STRING) : NULL,
                              &s.arena, &diags));
    fuzz_scope_release(&s);
    free(text);
    fuzz_render(&diags, data, size);
    return 0;
}
