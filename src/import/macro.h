/* macro.h - values of submit descriptions with their macros replaced */
#ifndef ORR_IMPORT_MACRO_H
#define ORR_IMPORT_MACRO_H

#include "import/submit.h"

struct orri_expansion {
    const struct orri_node *node;
    struct orri_macro *macro; /* whose value it is: the place of findings */
    struct orr_text *out;
    struct orr_diags *diags;
    int depth;
};

/* Names are the same in any case. NULL: there is none. */
struct orri_macro *orri_macros_find(const struct orri_macros *macros, const char *name,
                                    size_t length);
struct orri_macro *orri_node_find(const struct orri_node *node, const char *name,
                                  size_t length);
/* Append n bytes with their macros replaced; false after a message. */
bool orri_expand(struct orri_expansion *x, const char *s, size_t n);

#endif
