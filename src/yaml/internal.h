/* internal.h - between the files of src/yaml */
#ifndef ORR_YAML_INTERNAL_H
#define ORR_YAML_INTERNAL_H

#include "yaml/node.h"

/* Nodes in the order they were read; a mapping's keys and values by turns. */
struct orri_yaml_list {
    const struct orr_yaml_node **nodes;
    uint32_t n;
    uint32_t cap;
};

void orri_yaml_list_add(struct orri_yaml_list *list, const struct orr_yaml_node *node,
                        struct orr_arena *arena);
/* check.c: copy the text into the document; false when it is too large or no UTF-8. */
bool orri_yaml_take(struct orr_yaml_document *document, const char *text, size_t length,
                    struct orr_diags *diags);
/* What commonly lies behind a syntax error at byte `offset`. */
void orri_yaml_syntax_hint(const struct orr_yaml_document *document, size_t offset,
                           struct orr_diags *diags);
/* place.c: bytes of the source against lines and columns (characters). */
size_t orri_yaml_offset(struct orr_yaml_document *document, uint32_t line,
                        uint32_t column);
struct orr_span orri_yaml_span_at(const struct orr_yaml_document *document,
                                  size_t offset);
void orri_yaml_index_lines(struct orr_yaml_document *document);
/* tidy.c: give the children to a finished collection; reports keys that stand twice and
 * keys that are not scalars; false after the latter. */
bool orri_yaml_close(struct orr_yaml_document *document, struct orr_yaml_node *node,
                     struct orri_yaml_list *list, struct orr_diags *diags);

#endif
