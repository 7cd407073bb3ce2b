/* node.h - a YAML document as nodes that know their place
 *
 * One document a file, UTF-8, at most ORR_YAML_BYTES. Mappings keep the order of
 * the file. An alias is its anchor's node again, so nodes are shared and never
 * changed; what a document may grow to by aliases is limited (ORR_YAML_NODES).
 *
 * Two things differ from plain YAML, both for the sake of expressions. Words such as
 * `no` and `on` are strings: what a scalar means is decided by who reads it. And a
 * comma inside parentheses does not end a plain scalar of a flow collection:
 * `{x: max(a, b), y: 1}` has the keys x and y. */
#ifndef ORR_YAML_NODE_H
#define ORR_YAML_NODE_H

#include "base/diag.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ORR_YAML_BYTES = 16 * 1024 * 1024,
    ORR_YAML_DEPTH = 64,
    ORR_YAML_NODES = 2 * 1000 * 1000
};

enum orr_yaml_kind { ORR_YAML_SCALAR, ORR_YAML_SEQUENCE, ORR_YAML_MAPPING };
enum orr_yaml_style {
    ORR_YAML_PLAIN,
    ORR_YAML_SINGLE,
    ORR_YAML_DOUBLE,
    ORR_YAML_BLOCK
};

struct orr_yaml_node {
    enum orr_yaml_kind kind;
    struct orr_span at; /* of the first character, quotes and brackets included */
    enum orr_yaml_style style; /* SCALAR */
    bool flow;                 /* SEQUENCE, MAPPING: written with [] or {} */
    const char *text;          /* SCALAR; NUL-terminated, holds no NUL */
    size_t length;
    size_t start, end; /* bytes of the document's source */
    uint32_t n;
    const struct orr_yaml_node *const *keys;  /* MAPPING: n scalars, all different */
    const struct orr_yaml_node *const *items; /* SEQUENCE, MAPPING: n nodes */
    uint32_t weight;    /* nodes below and with this one, aliases counted again */
    const char *anchor; /* its name, or NULL */
    const char *alias;  /* it stands for a node with this anchor, of which it is a copy;
                           or NULL */
};

struct orr_yaml_document {
    const char *file;
    const char *source; /* NUL-terminated copy of the text, without a byte order mark */
    size_t length;
    const struct orr_yaml_node *root; /* never NULL after success */
    const size_t *lines;              /* byte where each line starts */
    size_t n_lines;
    size_t near_offset; /* the place asked for last: lines may be long */
    uint32_t near_line, near_column;
    struct orr_arena arena; /* owns all of the above */
};

/* Parse `text`. Every finding goes to `diags`, with `file` as the place: that string
 * must outlive them. NULL after a mistake that leaves nothing to read; of a key that
 * stands twice the first is kept. Free with orr_yaml_free(). */
struct orr_yaml_document *orr_yaml_parse(const char *file, const char *text,
                                         size_t length, struct orr_diags *diags);
void orr_yaml_free(struct orr_yaml_document *document);

/* A comment, from its # to the end of the line. */
struct orr_yaml_comment {
    size_t start, end; /* bytes of the source */
    uint32_t line;     /* from 1 */
    uint32_t column;   /* bytes before it in its line */
    bool alone;        /* nothing but blanks before it */
};
/* All comments in the order of the file, in the document's arena. */
struct orr_yaml_comment *orr_yaml_comments(struct orr_yaml_document *document,
                                           size_t *n);

/* The value of a key, or NULL. */
const struct orr_yaml_node *orr_yaml_find(const struct orr_yaml_node *mapping,
                                          const char *key);
/* The place in the file of character `index` of a scalar's text: folding, escapes,
 * indentation and quotes are followed. */
struct orr_span orr_yaml_place(const struct orr_yaml_document *document,
                               const struct orr_yaml_node *scalar, size_t index);

#endif
