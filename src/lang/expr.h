/* expr.h - expressions: parse and check once, evaluate many times
 *
 * Typed at compile time, no side effects, always end (LANGUAGE section 4). An
 * expression sees variables by slot number; the caller binds slots at evaluation. */
#ifndef ORR_LANG_EXPR_H
#define ORR_LANG_EXPR_H

#include "base/diag.h"
#include "base/memory.h"
#include "lang/type.h"
#include "lang/value.h"

#include <stdbool.h>
#include <stdint.h>

enum { ORR_SLOTS_MAX = 32 };

/* The variables in sight: name -> slot and type. List comprehensions push more. */
struct orr_scope {
    struct {
        const char *name;
        const struct orr_type *type;
        bool used;          /* set by compilation: for "unused" warnings */
    } slots[ORR_SLOTS_MAX]; /* name NULL: slot not in sight; type NULL: it was refused,
                               and what uses it is refused without a word */
    struct {
        const char *name; /* stands for a field of the record in a slot; or NULL */
        uint32_t slot;
        uint32_t field;
    } alias;
};

struct orr_expr; /* immutable, lives in the arena of its compilation */

/* Compile `text`. `at` is the place of its first character in the YAML file.
 * `want` is the type the context needs, or NULL for any; the value is converted
 * (int to float, string literal to path, duration or size). Errors (all of them) go to
 * `diags`; returns NULL when there was one. */
struct orr_expr *orr_expr_compile(const char *text, struct orr_span at,
                                  struct orr_scope *scope, const struct orr_type *want,
                                  struct orr_arena *arena, struct orr_diags *diags);
/* Compile a quoted string: literal text with {expr} parts, {{ and }} for braces. */
struct orr_expr *orr_expr_compile_template(const char *text, struct orr_span at,
                                           struct orr_scope *scope,
                                           const struct orr_type *want,
                                           struct orr_arena *arena,
                                           struct orr_diags *diags);
/* A template for /bin/sh: what {expr} gives is quoted as one word, a list as one word
 * an item. {{ and }} are braces here too. Always a string. */
struct orr_expr *orr_expr_compile_script(const char *text, struct orr_span at,
                                         struct orr_scope *scope,
                                         struct orr_arena *arena,
                                         struct orr_diags *diags);
/* A constant; the value must outlive the expression. */
struct orr_expr *orr_expr_constant(struct orr_value v, const struct orr_type *type,
                                   struct orr_span at, struct orr_arena *arena);
/* {name: expr, ...} built from compiled parts, one per field of `type`; a NULL part
 * gives null. */
struct orr_expr *orr_expr_record(const struct orr_record_type *type,
                                 struct orr_expr *const *parts, struct orr_span at,
                                 struct orr_arena *arena);
/* [expr, ...] */
struct orr_expr *orr_expr_list(const struct orr_type *type,
                               struct orr_expr *const *parts, uint32_t n,
                               struct orr_span at, struct orr_arena *arena);

/* The names that an expression, or the holes of a template, uses as variables. Nothing
 * is reported: a text that does not parse has none. */
void orr_expr_names(const char *text, bool is_template,
                    void (*visit)(void *context, const char *name), void *context);

/* Evaluate with slots bound (unused ones may be anything). The result may borrow from
 * the slots or the expression; new contents are in `arena`. Errors: overflow, division
 * by zero, index out of range, a null where a value is needed, too many steps
 * (ORR_EXPR_STEPS). */
orr_status orr_expr_eval(const struct orr_expr *expr, const struct orr_value *slots,
                         struct orr_arena *arena, struct orr_value *out,
                         struct orr_error *err);
enum { ORR_EXPR_STEPS = 10 * 1000 * 1000, ORR_EXPR_DEPTH = 100 };

/* The items of a list, which a range() does not make until they are asked for. */
struct orr_sequence {
    uint64_t n;
    int64_t start; /* of a range; item i is start + i * step */
    int64_t step;
    const struct orr_list *list; /* NULL: a range */
};
/* Evaluate an expression of a list type (null counts as empty). A range() is bounded
 * by nothing but 64 bits; a list borrows as orr_expr_eval() says. */
orr_status orr_expr_sequence(const struct orr_expr *expr, const struct orr_value *slots,
                             struct orr_arena *arena, struct orr_sequence *out,
                             struct orr_error *err);
struct orr_value orr_sequence_at(const struct orr_sequence *sequence, uint64_t i);

const struct orr_type *orr_expr_type(const struct orr_expr *expr);
struct orr_span orr_expr_span(const struct orr_expr *expr);
bool orr_expr_is_constant(const struct orr_expr *expr);

/* For the rule network. */
uint32_t orr_expr_slots(const struct orr_expr *expr); /* bit i: slot i is read */
/* Split "a and b and c" into parts; at most `max` are written, the number returned. */
size_t orr_expr_conjuncts(struct orr_expr *expr, struct orr_expr **parts, size_t max);
/* Is it "left == right"? */
bool orr_expr_equality(const struct orr_expr *expr, struct orr_expr **left,
                       struct orr_expr **right);
/* Is it "left < right", or another comparison of two values? The text of its operator;
 * NULL: it is none. */
const char *orr_expr_comparison(const struct orr_expr *expr,
                                const struct orr_expr **left,
                                const struct orr_expr **right);
/* Is it a slot (and nothing more)? */
bool orr_expr_slot_of(const struct orr_expr *expr, uint32_t *slot);
/* Is it SLOT.field (and nothing more)? */
bool orr_expr_field_of(const struct orr_expr *expr, uint32_t *slot, uint32_t *field);
/* A field of the record in a slot as a part of a template. */
struct orr_mention {
    struct orr_span at;
    uint32_t field;
    const char *behind; /* the text that follows it */
    bool computed;      /* behind that text, another part follows */
};
typedef void orr_mention_visitor(void *context, const struct orr_mention *mention);
void orr_expr_mentions(const struct orr_expr *expr, uint32_t slot,
                       orr_mention_visitor *visit, void *context);
/* Each text that some part of it compares with SLOT.field, by == != in not in. */
typedef void orr_text_visitor(void *context, struct orr_span at, const char *text);
void orr_expr_compared_texts(const struct orr_expr *expr, uint32_t slot, uint32_t field,
                             orr_text_visitor *visit, void *context);
#define ORR_NO_FIELD UINT32_MAX
/* Is it SLOT.field RELATION constant, or the mirror of it? Or with the value of the
 * slot itself, ORR_NO_FIELD then. */
enum orr_relation { ORR_IS_EQ, ORR_IS_NE, ORR_IS_LT, ORR_IS_LE, ORR_IS_GT, ORR_IS_GE };
struct orr_relation_of {
    uint32_t slot, field;
    enum orr_relation relation;
    struct orr_value value;
};
bool orr_expr_relation(const struct orr_expr *expr, struct orr_relation_of *out);
/* Is field `field` of the record in `slot` read, or the record as a whole? */
bool orr_expr_reads(const struct orr_expr *expr, uint32_t slot, uint32_t field);
/* Set used[f] for each of its `n` fields f for which orr_expr_reads() holds. */
void orr_expr_mark_reads(const struct orr_expr *expr, uint32_t slot, bool *used,
                         uint32_t n);
/* Is it a record written field by field? Then *part is what stands for field `field`,
 * NULL for null. */
bool orr_expr_record_part(const struct orr_expr *expr, uint32_t field,
                          const struct orr_expr **part);
void orr_expr_print(const struct orr_expr *expr, struct orr_text *out);
/* As the value of a key in a workflow file, which compiles to the same again; lines
 * after the first are indented by `indent` spaces at least. */
void orr_expr_yaml(const struct orr_expr *expr, int indent, struct orr_text *out);

/* One line a built-in function ("len(x) -> int: ..."), for docs and help. */
struct orr_builtin_doc {
    const char *name;
    const char *usage;
    const char *doc;
};
const struct orr_builtin_doc *orr_expr_builtins(size_t *n);

#endif
