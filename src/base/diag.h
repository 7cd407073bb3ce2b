/* diag.h - the compiler's findings: all of them, in one pass
 *
 * Each is FILE:LINE:COLUMN: error|warning: MESSAGE [ID], with the offending line
 * and a caret when the file can be read. */
#ifndef ORR_BASE_DIAG_H
#define ORR_BASE_DIAG_H

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

struct orr_diag {
    bool warning;
    struct orr_span at;
    const char *id;      /* stable, "E0123"; static storage; NULL: it has no number */
    const char *message; /* one line, no final full stop */
    const char *hint;    /* "did you mean 'x'?" or NULL */
};

/* Owns its texts in `arena`. Zeroed struct is empty. At most ORR_DIAG_MAX kept. */
struct orr_diags {
    struct orr_diag *items;
    size_t n;
    size_t cap;
    size_t errors;
    size_t warnings;
    struct orr_arena arena;
};

#define ORR_DIAG_MAX 1000
__attribute__((format(printf, 4, 5))) void orr_diag_error(struct orr_diags *diags,
                                                          struct orr_span at,
                                                          const char *id,
                                                          const char *format, ...);
__attribute__((format(printf, 4, 5))) void orr_diag_warning(struct orr_diags *diags,
                                                            struct orr_span at,
                                                            const char *id,
                                                            const char *format, ...);
/* Hang a hint on the newest finding. */
__attribute__((format(printf, 2, 3))) void orr_diag_hint(struct orr_diags *diags,
                                                         const char *format, ...);
/* Sort by file, line, column; append all as text. `source` returns the text of a
 * file (NUL-terminated) or NULL; may itself be NULL. */
void orr_diags_render(struct orr_diags *diags,
                      const char *(*source)(void *context, const char *file),
                      void *context, struct orr_text *out);
void orr_diags_release(struct orr_diags *diags);

#endif
