/* submit.h - HTCondor submit descriptions: what a node of a DAG runs */
#ifndef ORR_IMPORT_SUBMIT_H
#define ORR_IMPORT_SUBMIT_H

#include "import/internal.h"

struct orri_macro {
    const char *name;
    const char *value;
    struct orr_span at;
    bool said; /* a finding about it was made */
};

struct orri_macros {
    struct orri_macro *items;
    size_t n, cap;
};

/* A submit file, read once for all nodes that name it. */
struct orri_submit {
    const char *path;
    struct orri_macros macros;
    struct orri_submit *next;
};

/* What is known when the macros of a node are looked up, the first first. */
struct orri_node {
    const char *name;
    int64_t number;           /* $(Cluster); its $(Process) is 0 */
    struct orri_macros *vars; /* VARS of the DAG file, or NULL */
    struct orri_submit *submit;
    const char *directory; /* DIR of the DAG file, or NULL */
    struct orr_span at;
};

/* What it comes to; texts in the import's arena. */
struct orri_submitted {
    const char *command;
    const char *program; /* last part of the executable's name */
    uint32_t cores;
    int64_t memory;
};

void orri_macros_set(struct orri_macros *macros, const char *name, const char *value,
                     struct orr_span at);
void orri_macros_release(struct orri_macros *macros);
/* Read NAME = VALUE lines; NULL after a message. Free with orri_submit_free(). */
struct orri_submit *orri_submit_read(const char *path, const struct orr_text *text,
                                     struct orr_import *import,
                                     struct orr_diags *diags);
void orri_submit_free(struct orri_submit *submit);
/* False after a message. */
bool orri_submit_take(const struct orri_node *node, struct orr_import *import,
                      struct orr_diags *diags, struct orri_submitted *out);

#endif
