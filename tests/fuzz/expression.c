/* expression.c - fuzz target: compile and evaluate an expression
 * The first byte says which type is wanted. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum orr_kind kinds[] = { ORR_KIND_BOOL,     ORR_KIND_INT,
                                           ORR_KIND_FLOAT,    ORR_KIND_STRING,
                                           ORR_KIND_DURATION, ORR_KIND_SIZE,
                                           ORR_KIND_PATH };
    enum { N = sizeof kinds / sizeof *kinds };
    struct fuzz_scope s;
    struct orr_diags diags = { 0 };
    if (size == 0)
        return 0;
    char *text = fuzz_copy(data + 1, size - 1);
    fuzz_scope_init(&s);
    unsigned want = data[0] % (N + 1);
    struct orr_span at = { "expression", 1, 1 };
    fuzz_evaluate(&s, orr_expr_compile(text, at, &s.scope,
                                       want < N ? orr_type_scalar(kinds[want]) : NULL,
                                       &s.arena, &diags));
    fuzz_scope_release(&s);
    free(text);
    fuzz_render(&diags, data, size);
    return 0;
}
