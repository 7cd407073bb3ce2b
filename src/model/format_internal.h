/* format_internal.h - between the files of the formatter */
#ifndef ORR_MODEL_FORMAT_INTERNAL_H
#define ORR_MODEL_FORMAT_INTERNAL_H

#include "base/map.h"
#include "model/internal.h"

enum { ORRI_COLUMNS = 96, ORRI_STEP = 2 };

/* A key with its value, or an item of a list. */
struct orri_entry {
    orr_model_leaf parent;
    size_t start; /* of the key or item */
    uint32_t line, column;
    size_t *above; /* comments before it */
    size_t n_above;
    size_t *below; /* comments after it, not less indented than it */
    size_t n_below;
    size_t behind; /* comment on its first line + 1 */
    bool blank;    /* a blank line before it and its comments */
    bool gap;      /* and one between them */
};

struct orri_line {
    char *text;
    const char *comment; /* behind it, or NULL */
    size_t comment_length;
};

struct orri_formatter {
    struct orr_yaml_document *document;
    struct orr_yaml_comment *comments;
    size_t n_comments;
    struct orri_entry *entries;
    size_t n_entries, cap_entries;
    struct orr_map by_node; /* key or item -> entry + 1 */
    struct orri_line *lines;
    size_t n_lines, cap_lines;
    struct orr_text line; /* being written */
    size_t behind;        /* its comment + 1 */
    bool tight;           /* an empty line here would belong to the text before it */
    size_t *head, n_head; /* comments of the file: before its first key, */
    size_t *foot, n_foot; /* and at its end */
    struct orr_arena *arena;
};

/* ---- entries and their comments (format_comments.c) ---- */

/* All keys and items below a node; then the comments, each to one of them. */
void orri_add_entries(struct orri_formatter *f, orr_model_leaf node);
void orri_attach_comments(struct orri_formatter *f);
/* Of a key, or of an item; NULL for an alias. */
struct orri_entry *orri_entry_of(const struct orri_formatter *f, orr_model_leaf node);
bool orri_has_comment(const struct orri_formatter *f, orr_model_leaf node);
/* Does it stay in one line with what is around it? */
bool orri_stays_flow(const struct orri_formatter *f, orr_model_leaf node);
/* Is this line of the source blank? Lines count from 1. */
bool orri_blank_line(const struct orri_formatter *f, uint32_t line);

/* ---- lines and scalars (format_lines.c) ---- */

void orri_trim(struct orr_text *text);
void orri_end_line(struct orri_formatter *f);
void orri_indent_to(struct orri_formatter *f, int indent);
/* An empty line, unless there is one already or nothing before it. */
void orri_put_blank(struct orri_formatter *f);
void orri_put_comments(struct orri_formatter *f, const size_t *list, size_t n,
                       int indent);
void orri_put_anchor(struct orr_text *out, orr_model_leaf node);
/* A scalar as one line, as it was written or folded; false: it needs more. */
bool orri_flat_scalar(const struct orri_formatter *f, orr_model_leaf node,
                      struct orr_text *out);
/* A scalar that needs lines of its own, behind what the line holds already. */
void orri_put_lines(struct orri_formatter *f, orr_model_leaf node, int indent);
size_t orri_characters(const char *s);

/* ---- [] and {} (format_flow.c) ---- */

void orri_key_text(const struct orri_formatter *f, orr_model_leaf key,
                   struct orr_text *out);
/* The order in which the keys of a mapping stand; in the arena. */
uint32_t *orri_order_of(struct orr_arena *arena, const struct orri_block *block,
                        orr_model_leaf mapping);
const struct orri_key *orri_schema_key(const struct orri_block *block,
                                       orr_model_leaf key);
/* The schema of what stands under a key; NULL: the author's own. */
const struct orri_block *orri_block_below(const struct orri_key *key,
                                          orr_model_leaf node);
/* Is the value a mapping from names of the author's own to blocks? */
bool orri_is_named(const struct orri_key *key);
/* As one line; false: it cannot be. `named`: the keys are names of the author's. */
bool orri_flat_mapping(const struct orri_formatter *f, const struct orri_block *block,
                       bool named, orr_model_leaf node, struct orr_text *out);
bool orri_flat(const struct orri_formatter *f, const struct orri_block *block,
               orr_model_leaf node, struct orr_text *out);
/* Over a few lines, which it ends; false: nothing was put. */
bool orri_put_wrapped(struct orri_formatter *f, const struct orri_block *block,
                      bool named, orr_model_leaf node);

#endif
