/* type.h - the types of the workflow language (LANGUAGE section 4) */
#ifndef ORR_LANG_TYPE_H
#define ORR_LANG_TYPE_H

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are written to the store and sent: never reused, never changed. */
#define ORR_KINDS(X)                                                                   \
    X(NULL, 0, "null")                                                                 \
    X(BOOL, 1, "bool")                                                                 \
    X(INT, 2, "int")           /* int64 */                                             \
    X(FLOAT, 3, "float")       /* IEEE double */                                       \
    X(STRING, 4, "string")     /* UTF-8 */                                             \
    X(DURATION, 5, "duration") /* int64 nanoseconds */                                 \
    X(SIZE, 6, "size")         /* int64 bytes */                                       \
    X(PATH, 7, "path")                                                                 \
    X(BLOB, 8, "blob") /* bytes in the store */                                        \
    X(LIST, 9, "list")                                                                 \
    X(RECORD, 10, "record")

#define X(id, number, text) ORR_KIND_##id = number,
enum orr_kind { ORR_KINDS(X) };
#undef X

struct orr_record_type;

/* Immutable; owned by the arena that made it. NULL kind is the type of `null`. */
struct orr_type {
    enum orr_kind kind;
    bool optional;                        /* written "T?" */
    const struct orr_type *element;       /* LIST; NULL for the empty list literal */
    const struct orr_record_type *record; /* RECORD */
};

struct orr_field {
    const char *name;
    const struct orr_type *type;
    const char *doc;  /* or NULL */
    const char *unit; /* or NULL */
};

/* A fact type, an anonymous record, a function's parameters or results. */
struct orr_record_type {
    const char *name; /* NULL: anonymous */
    uint32_t n_fields;
    const struct orr_field *fields;
};

/* The one not-optional type of a scalar kind (static). */
const struct orr_type *orr_type_scalar(enum orr_kind kind);
/* Index of a field by name, or -1. */
int orr_record_field(const struct orr_record_type *record, const char *name);
/* "list<{index: int, first: int}>?"; appended. */
void orr_type_print(const struct orr_type *type, struct orr_text *out);
/* May a value of type `from` be given where `to` is wanted? int to float is the
 * only conversion of values; T to T?; a record fits structurally: every field of
 * `to` is in `from` with a type that fits, or is optional. */
bool orr_type_fits(const struct orr_type *to, const struct orr_type *from);

/* Named record types that a type text may use (fact types); find returns NULL
 * when there is none. */
struct orr_type_names {
    const struct orr_record_type *(*find)(void *context, const char *name);
    void *context;
};

/* Parse "int", "list<T>", "{a: int, b: string?}", a name, each with "?".
 * NULL with *err filled (err->at is `at` moved to the column inside the text). */
const struct orr_type *orr_type_parse(const char *text, struct orr_span at,
                                      const struct orr_type_names *names,
                                      struct orr_arena *arena, struct orr_error *err);

#endif
