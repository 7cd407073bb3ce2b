/* ends.h - what a program printed to standard error: how it begins and how it ends */
#ifndef ORR_EXEC_ENDS_H
#define ORR_EXEC_ENDS_H

#include "base/memory.h"
#include "base/text.h"

#include <stddef.h>

/* Zeroed: nothing was printed. */
struct orri_ends {
    struct orr_text first; /* ORR_STDERR_KEPT bytes */
    char *ring;            /* as many, the last ones */
    size_t total_after;    /* bytes that went past `first` */
};

void orri_ends_add(struct orri_ends *ends, const char *data, size_t length);
/* A copy of what was kept, as a text without zero bytes. */
const char *orri_ends_text(const struct orri_ends *ends, struct orr_arena *arena,
                           size_t *length);
void orri_ends_release(struct orri_ends *ends);

/* `message` and the last line of the text, which says most; or `message` alone. */
const char *orri_quote_last_line(const char *message, const char *text, size_t length,
                                 struct orr_arena *arena);

#endif
