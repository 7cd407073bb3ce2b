/* internal.h - between the files of src/model */
#ifndef ORR_MODEL_INTERNAL_H
#define ORR_MODEL_INTERNAL_H

#include "model/model.h"

enum orri_shape {
    ORRI_SCALAR,   /* one value */
    ORRI_ANY,      /* a value, list or mapping */
    ORRI_SEQUENCE, /* a list of values */
    ORRI_SCALARS,  /* one value, or a list of values */
    ORRI_MAPPING,  /* names of the author's own choice */
    ORRI_MAPPINGS, /* a list of such */
    ORRI_BLOCK,    /* a mapping with a schema of its own */
    ORRI_BLOCKS,   /* a list of these */
    ORRI_NAMED,    /* a mapping from the author's names to these */
    ORRI_LISTED    /* the same, but a name may have a list of them: one block each */
};

struct orri_block;

struct orri_key {
    const char *name;
    enum orri_shape shape;
    bool required;
    size_t offset; /* of a leaf, a pointer to a block (BLOCK) or orr_model_blocks */
    const struct orri_block *block;
};

struct orri_block {
    const char *what; /* "an input" */
    size_t size;
    const struct orri_key *keys; /* ends with name NULL */
    const char *shorthand; /* a value instead of the mapping is this key; or NULL */
    const char *list_key;  /* a list instead of the mapping is this key; or NULL */
    size_t free_key, free_value; /* leaves for one key of any name; 0: none */
    const char *free_what;       /* "VARIABLE: FACT" */
};

extern const struct orri_block orri_workflow_block;
extern const struct orri_block orri_job_block;

/* Fill the struct at `out` from `node`, reporting what does not fit. */
void orri_load(const struct orri_block *block, orr_model_leaf key, orr_model_leaf node,
               struct orr_arena *arena, struct orr_diags *diags, void *out);

#endif
