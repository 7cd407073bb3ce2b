/* internal.h - between the files of src/lang that make up expressions */
#ifndef ORR_LANG_INTERNAL_H
#define ORR_LANG_INTERNAL_H

#include "lang/expr.h"

#include <stddef.h>

/* Binary operators: id, text, precedence (as Python's; higher binds tighter). */
/* clang-format off */
#define ORRI_BINARY(X)                                                     \
    X(OR, "or", 2) X(AND, "and", 3) X(IN, "in", 5) X(NOT_IN, "not in", 5)  \
    X(EQ, "==", 5) X(NE, "!=", 5) X(LT, "<", 5) X(LE, "<=", 5)             \
    X(GT, ">", 5) X(GE, ">=", 5) X(ADD, "+", 6) X(SUB, "-", 6)             \
    X(MUL, "*", 7) X(DIV, "/", 7) X(FLOOR_DIV, "//", 7) X(MOD, "%", 7)     \
    X(POW, "**", 9)
/* clang-format on */

enum orri_op {
    ORRI_CONST, /* value */
    ORRI_NAME,  /* only until it is checked */
    ORRI_SLOT,  /* index */
    ORRI_LOCAL, /* index: the variable of a comprehension */
    ORRI_FIELD, /* parts[0].name, index */
    ORRI_INDEX, /* parts[0][parts[1]] */
    ORRI_NEG,
    ORRI_NOT,
    ORRI_COND,          /* parts: condition, then, else */
    ORRI_LIST,          /* parts */
    ORRI_RECORD,        /* parts, one a field; NULL: null */
    ORRI_COMPREHENSION, /* parts: list, element, condition (or two parts); index: local
                         */
    ORRI_CALL,          /* builtin, parts */
    ORRI_TEMPLATE,      /* parts are strings and values; */
    ORRI_CONVERT,       /* parts[0] to type */
#define X(id, text, precedence) ORRI_##id,
    ORRI_BINARY(X)
#undef X
};

struct orri_builtin;

struct orr_expr {
    enum orri_op op;
    uint16_t height; /* of the tree below */
    bool bad;        /* reported already */
    bool glued;      /* AND whose right side needs the left one to hold first */
    uint32_t index;
    uint32_t slots;  /* bit i: slot i is read */
    uint32_t locals; /* bit i: local i is read and not bound below */
    uint32_t n;
    struct orr_expr **parts;
    const struct orr_type *type; /* NULL: not checked yet */
    struct orr_span at;
    const char *name;
    const struct orri_builtin *builtin;
    struct orr_value value;
};

enum {
    ORRI_HEIGHT = 1000,
    ORRI_LOCALS = 16,
    ORRI_FOLD_STEPS = 500 /* what costs more is left for the run */
};

/* ---- expr_lex.c ---- */

enum orri_token {
    ORRI_T_END,
    ORRI_T_CONST, /* a literal: value, type */
    ORRI_T_NAME,
    ORRI_T_WORD, /* a reserved word: text */
    ORRI_T_SIGN, /* an operator or bracket: text */
    ORRI_T_BAD   /* reported */
};

struct orri_lexer {
    const char *text;
    size_t length;
    size_t at;    /* after the token */
    size_t start; /* of the token */
    struct orr_span base;
    size_t counted, columns; /* characters before byte `counted` */
    struct orr_arena *arena;
    struct orr_diags *diags;
    enum orri_token token;
    char word[4];     /* of a SIGN: the operator */
    const char *name; /* NAME, WORD */
    struct orr_value value;
    const struct orr_type *type;
    bool least_int; /* the literal 9223372036854775808, good only after a minus */
};

void orri_lex(struct orri_lexer *lexer); /* read the next token */
struct orr_span orri_lex_span(struct orri_lexer *lexer, size_t offset);
bool orri_lex_is(const struct orri_lexer *lexer, const char *sign_or_word);
/* "2s", "1h30min", "64KiB" as a value of `kind`; false when it is none. */
bool orri_quantity(const char *text, size_t length, enum orr_kind kind,
                   struct orr_value *out);

/* ---- expr_parse.c ---- */

struct orr_expr *orri_expr_new(struct orr_arena *arena, enum orri_op op,
                               struct orr_span at, uint32_t n);
/* Both return NULL after reporting. */
struct orr_expr *orri_parse(struct orri_lexer *lexer);
struct orr_expr *orri_parse_template(struct orri_lexer *lexer);

/* ---- expr_check.c ---- */

struct orri_checker {
    struct orr_scope *scope;
    struct orr_arena *arena;
    struct orr_diags *diags;
    struct {
        const char *name;
        const struct orr_type *type;
    } locals[ORRI_LOCALS];
    uint32_t n_locals;
    const struct orr_expr *narrow[ORR_SLOTS_MAX]; /* known not to be null here */
    uint32_t n_narrow;
    uint32_t narrow_used; /* lowest index used; UINT32_MAX: none */
};

/* Give *e its type; `want` (or NULL) is a wish that literals and lists follow. */
bool orri_check(struct orri_checker *c, struct orr_expr **e,
                const struct orr_type *want);
/* Make *e a value of `want` or report why it cannot be. */
bool orri_coerce(struct orri_checker *c, struct orr_expr **e,
                 const struct orr_type *want);
const char *orri_type_text(struct orri_checker *c, const struct orr_type *type);
/* Slots, height; evaluates what is constant. */
bool orri_finish(struct orri_checker *c, struct orr_expr *e);
/* expr_operators.c: the type of an operator's result, NULL after reporting. */
const struct orr_type *orri_check_binary(struct orri_checker *c, struct orr_expr *e);
bool orri_is_literal(const struct orr_expr *e);
bool orri_refuse(struct orri_checker *c, struct orr_expr *e, const char *id,
                 const char *text);
/* Report an operand that may be null; true when it is fine. */
bool orri_not_null(struct orri_checker *c, struct orr_expr *e);

/* ---- expr_shell.c ---- */

/* Check the values of a template that is a script, and quote them. */
bool orri_check_script(struct orri_checker *c, struct orr_expr *script);

/* ---- expr_builtin.c, expr_functions.c ---- */

struct orri_eval {
    const struct orr_value *slots;
    struct orr_value locals[ORRI_LOCALS];
    struct orr_arena *arena;
    struct orr_error *err;
    uint64_t steps;
    uint64_t limit; /* of steps */
};

typedef orr_status orri_function(struct orri_eval *eval, const struct orr_expr *call,
                                 const struct orr_value *args, struct orr_value *out);
struct orri_builtin {
    const char *name;
    const char *usage;
    const char *doc;
    const char *forms; /* overloads, see expr_builtin.c */
    orri_function *run;
};

const struct orri_builtin *orri_builtin_find(const char *name);
const char *const *orri_builtin_names(struct orr_arena *arena, size_t *n);
const struct orr_type *orri_check_call(struct orri_checker *c, struct orr_expr *call);

/* A call of range(), evaluated without making its list. (expr_numbers.c) */
bool orri_is_range(const struct orr_expr *expr);
orr_status orri_eval_range(struct orri_eval *eval, const struct orr_expr *call,
                           struct orr_sequence *out);

/* ---- expr_eval.c ---- */

orr_status orri_eval(struct orri_eval *eval, const struct orr_expr *e,
                     struct orr_value *out);
/* Count work of `n` steps; ORR_ERR_LIMIT past the budget. */
orr_status orri_spend(struct orri_eval *eval, const struct orr_expr *e, uint64_t n);
orr_status orri_binary(struct orri_eval *eval, const struct orr_expr *e,
                       struct orr_value a, struct orr_value b, struct orr_value *out);
__attribute__((format(printf, 3, 4))) orr_status orri_eval_error(
    struct orri_eval *eval, const struct orr_expr *e, const char *format, ...);

#endif
