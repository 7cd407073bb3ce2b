/* internal.h - between the files of src/graph: one compilation */
#ifndef ORR_GRAPH_INTERNAL_H
#define ORR_GRAPH_INTERNAL_H

#include "base/map.h"
#include "graph/graph.h"
#include "model/model.h"

enum {
    ORRI_MATCH_MAX = 16,
    ORRI_CONJUNCTS_MAX = 64,
    ORRI_RETRIES_MAX = 10000, /* of a handler */
    ORRI_REQUESTS_MAX = 4096,
    ORRI_STEP_FACTS = 3, /* at most, for each step */
    ORRI_STEP_RULES = 3
};

/* A name whose declaration was refused. */
struct orri_broken {
    struct orri_broken *next;
    const char *name;
};

/* The workflows that are being compiled, from the inside to the outside. */
struct orri_chain {
    const struct orri_chain *outer;
    const char *path;   /* absolute */
    uint32_t *compiled; /* workflows so far, of the outermost one */
};
enum {
    ORRI_CHAIN_MAX = 8,
    ORRI_COMPILED_MAX = 1000,
    ORRI_LINKED_MAX = 1000 * 1000 /* facts, functions and rules, copies counted */
};

struct orri_compile {
    struct orr_graph *graph;
    struct orr_arena *arena; /* the graph's */
    struct orr_diags *diags;
    const struct orr_model_workflow *model;
    const struct orr_yaml_document
        *document; /* being read: the workflow's or the job's */
    const struct orr_registry *registry;
    const struct orr_sources *sources;
    const struct orri_chain *chain;
    uint64_t linked;       /* what its functions that are workflows stand for */
    const char *directory; /* of the workflow file: relative paths start there */
    /* The graph's tables while they are made. */
    struct orr_fact_type *facts;
    struct orr_type *fact_types; /* per fact: its record as a type */
    struct orr_record_type *records;
    struct orr_pool *pools;
    struct orr_graph_function *functions;
    struct orr_rule *rules;
    struct orr_rule *step_rules;
    uint32_t n_step_rules;
    struct orr_output *outputs;
    struct orr_map names; /* orri_remember(): files may have many */
    /* What something refers to, for warnings. */
    struct orri_broken *broken; /* inputs and fields that failed: no follow-ups */
    bool *fact_used, *fact_made, *input_used, *function_used, *pool_used;
};

/* ---- words.c: names and texts ---- */

const char *orri_keep(struct orri_compile *c, orr_model_leaf leaf); /* text, or NULL */
/* Index of `leaf`'s text in names, or ORR_NONE after "unknown WHAT 'x'". */
uint32_t orri_find(struct orri_compile *c, orr_model_leaf leaf, const char *what,
                   const char *id, const char *const *names, uint32_t n);
void orri_hint_nearest(struct orri_compile *c, const char *name,
                       const char *const *names, size_t n);
/* How many of `names`, which a space separates, are keys of the block, right or wrong.
 */
int orri_written(const struct orr_model_head *head, const char *names);
/* May expressions use it? Reports when not. */
bool orri_check_name(struct orri_compile *c, orr_model_leaf key, const char *what);
bool orri_check_word(struct orri_compile *c, const char *word, struct orr_span at,
                     const char *what);
/* May a directory be called so? `what`: "a job". Reports when not. */
void orri_check_file_name(struct orri_compile *c, orr_model_leaf name,
                          const char *what);
/* The index that a name of this kind was given, or ORR_NONE. Kinds have spaces of their
 * own; remembering a name again changes nothing. */
enum orri_names { ORRI_FACT_NAMES = 1, ORRI_FUNCTION_NAMES, ORRI_RULE_NAMES };
uint32_t orri_recall(const struct orri_compile *c, enum orri_names kind,
                     const char *name);
void orri_remember(struct orri_compile *c, enum orri_names kind, const char *name,
                   uint32_t index);
uint32_t orri_find_fact(struct orri_compile *c, orr_model_leaf leaf);
/* DIRECTORY/PATH without ".", ".." and double slashes, absolute; in `arena`. */
const char *orri_resolve_path(struct orr_arena *arena, const char *directory,
                              const char *path);

void orri_break(struct orri_compile *c, orr_model_leaf key);
/* Drop findings, from number `first` on, of names that were refused before. */
void orri_drop_follow_ups(struct orri_compile *c, size_t first);

/* ---- types.c ---- */

const struct orr_type *orri_type(struct orri_compile *c, orr_model_leaf node);
const struct orr_record_type *orri_record_of(struct orri_compile *c,
                                             orr_model_leaf mapping);

/* ---- values.c: expressions and data from nodes ---- */

void orri_scope_set(struct orr_scope *scope, uint32_t slot, const char *name,
                    const struct orr_type *type);
/* Scalar, list or mapping in an expression's place; NULL after reporting. */
struct orr_expr *orri_expr(struct orri_compile *c, orr_model_leaf node,
                           struct orr_scope *scope, const struct orr_type *want);
/* The text of a scalar from byte `from` on as an expression. */
struct orr_expr *orri_expr_from(struct orri_compile *c, orr_model_leaf node,
                                size_t from, struct orr_scope *scope,
                                const struct orr_type *want);
/* A scalar that is a template whether quoted or not. */
struct orr_expr *orri_template(struct orri_compile *c, orr_model_leaf node,
                               struct orr_scope *scope, const struct orr_type *want);
struct orr_expr *orri_script(struct orri_compile *c, orr_model_leaf node,
                             struct orr_scope *scope);
/* Is every key of `mapping` a field of `record`? Reports those that are not. */
bool orri_check_keys(struct orri_compile *c, orr_model_leaf mapping,
                     const struct orr_record_type *record, const char *what,
                     const char *part);
/* Parts for the fields of `record` from a mapping; NULL after reporting. A field that
 * is left out is NULL when it is optional or has `defaults`. `what` names the thing:
 * "fact 'rung'", "field"; `part`: "field", "argument". */
struct orr_expr **orri_parts(struct orri_compile *c, orr_model_leaf mapping,
                             const struct orr_record_type *record,
                             struct orr_expr *const *defaults, const char *what,
                             const char *part, struct orr_scope *scope);
/* A value written as data: texts need no quotes, nothing is computed. Relative paths
 * start at `directory`. */
bool orri_data(struct orri_compile *c, orr_model_leaf node, const struct orr_type *type,
               const char *directory, struct orr_value *out);
/* Data of one kind, or `fallback` when the leaf is NULL or wrong. */
int64_t orri_int(struct orri_compile *c, orr_model_leaf node, const char *what,
                 int64_t least, int64_t most, int64_t fallback);
bool orri_bool(struct orri_compile *c, orr_model_leaf node, bool fallback);
int64_t orri_quantity_of(struct orri_compile *c, orr_model_leaf node,
                         enum orr_kind kind, const char *what, int64_t fallback);
/* A limit: as orri_quantity_of(), but 0 is refused; 0 when there is none. */
int64_t orri_limit_of(struct orri_compile *c, orr_model_leaf node, enum orr_kind kind,
                      const char *what);

/* ---- the parts of a workflow ---- */

void orri_compile_facts(struct orri_compile *c); /* facts.c: facts, inputs, defaults */
bool orri_is_type_word(const char *name);
/* One more fact type; its name must be free. */
uint32_t orri_declare_fact(struct orri_compile *c, const char *name, struct orr_span at,
                           struct orr_record_type record);
void orri_compile_steps(struct orri_compile *c);     /* steps.c */
void orri_compile_pools(struct orri_compile *c);     /* pools.c */
void orri_compile_functions(struct orri_compile *c); /* functions.c */
void orri_compile_command(struct orri_compile *c,
                          const struct orr_model_function *model,
                          struct orr_graph_function *function); /* command.c */
void orri_compile_rules(struct orri_compile *c);                /* rules.c */
void orri_compile_outputs(struct orri_compile *c);              /* checks.c */
void orri_check_graph(struct orri_compile *c);                  /* checks.c */
void orri_check_reach(struct orri_compile *c);                  /* reach.c */
void orri_warn_circles(struct orri_compile *c);                 /* circles.c */
void orri_warn_unused(struct orri_compile *c);                  /* unused.c */

/* ---- conditions.c: what can never hold ---- */

bool orri_is_false(struct orri_compile *c, const struct orr_expr *e); /* a constant */
/* Do two of them exclude each other? Reports that, and that `so` follows. */
bool orri_contradictory(struct orri_compile *c, struct orr_expr *const *conditions,
                        uint32_t n, const char *so);
void orri_check_handler(struct orri_compile *c, const struct orr_rule *rule,
                        const struct orr_handler *handler);
enum { ORRI_ERROR_KIND, ORRI_FAILURE_KINDS = 7 }; /* the field of `error`; all kinds */
extern const char *const orri_failure_kinds[ORRI_FAILURE_KINDS];

/* ---- net.c: the network of facts and rules ---- */

struct orri_taker {
    uint32_t rule;
    bool gather; /* gathered, not matched */
};
struct orri_net {
    uint32_t *first; /* fact f: takers[first[f]] to takers[first[f + 1] - 1] */
    struct orri_taker *takers;
};
void orri_net_init(struct orri_net *net, const struct orri_compile *c);
void orri_net_release(struct orri_net *net);
/* The i-th assertion of a rule, reactions first, or NULL; its fact is ORR_NONE where an
 * error handler asserts nothing. */
const struct orr_assertion *orri_net_assertion(const struct orr_rule *rule, uint32_t i);

/* examples.c */
void orri_compile_example(struct orri_compile *c,
                          const struct orr_model_function *model,
                          struct orr_graph_function *function);
/* `type` with texts where it has blobs, and `paths`. */
const struct orr_type *orri_open_type(struct orri_compile *c,
                                      const struct orr_type *type, bool paths);
/* `type` with paths where it has blobs: what templates of a program see. */
const struct orr_type *orri_blobs_as_paths(struct orri_compile *c,
                                           const struct orr_type *type);
/* A result over `scope` from the fields that are given; NULL after reporting. */
struct orr_expr *orri_open_result(struct orri_compile *c, orr_model_leaf mapping,
                                  const struct orr_graph_function *function,
                                  const char *what, struct orr_scope *scope);
/* The parameters of a function as slots. */
void orri_scope_params(struct orr_scope *scope,
                       const struct orr_graph_function *function);
/* A rule that needs the result of a function that it calls, or NULL (live.c). */
const struct orr_rule *orri_reader_of(const struct orr_graph *graph, uint32_t function,
                                      uint32_t field);
/* After the rules: report results that rules read and `mapping` lacks. */
void orri_check_result(struct orri_compile *c, orr_model_leaf mapping,
                       uint32_t function, const char *what);
void orri_compile_tests(struct orri_compile *c); /* tests.c; examples are checked too */

/* ---- rules.c and reactions.c ---- */

/* Gathered facts as one record: a list for each field. */
const struct orr_type *orri_lists_of(struct orri_compile *c,
                                     const struct orr_record_type *fact);

/* The scopes of one rule. */
struct orri_rule_scope {
    struct orr_scope match; /* match variables, gather variable as lists */
    struct orr_rule *rule;
    uint32_t loop_slot; /* the index of the item is in the one behind */
};

void orri_compile_action(struct orri_compile *c, const struct orr_model_rule *model,
                         struct orri_rule_scope *rs);
/* A `for`: "VARIABLE in LIST" or "INDEX, VARIABLE in LIST". */
struct orri_for {
    const char *index; /* or NULL */
    const char *variable;
    size_t list; /* byte of the text where LIST starts */
};
bool orri_scan_for(struct orr_arena *arena, const char *text, struct orri_for *out);
/* Compile its list; the type of an item, NULL after reporting. */
const struct orr_type *orri_compile_list(struct orri_compile *c, orr_model_leaf node,
                                         const struct orri_for *loop,
                                         struct orr_scope *scope,
                                         struct orr_expr **out);
void orri_compile_reactions(struct orri_compile *c, const struct orr_model_rule *model,
                            struct orri_rule_scope *rs);

/* ---- visit.c ---- */

/* Every expression of a rule. */
void orri_visit_rule(const struct orr_graph *graph, const struct orr_rule *rule,
                     void (*visit)(void *context, const struct orr_expr *expr),
                     void *context);
void orri_digest(struct orr_graph *graph); /* digest.c */
/* Text of the function's own part: form, templates, signature. */
struct orr_id orri_function_content(const struct orr_graph_function *function);

/* ---- compile.c ---- */

/* `outer`: the workflows that led here, or NULL. */
struct orr_graph *orri_compile_text(const char *path, const struct orr_text *text,
                                    const struct orr_sources *sources,
                                    const struct orr_registry *registry,
                                    const struct orri_chain *outer,
                                    struct orr_diags *diags);
struct orr_graph *orri_compile_file(const char *path, const struct orr_sources *sources,
                                    const struct orr_registry *registry,
                                    const struct orri_chain *outer,
                                    struct orr_diags *diags);

/* ---- nested.c: workflows as functions ---- */

void orri_compile_nested(struct orri_compile *c, const struct orr_model_function *model,
                         struct orr_graph_function *function);
/* Append the tables of the workflows that functions stand for to those of the graph. */
void orri_link(struct orr_graph *graph);

/* Findings from number `first` on keep their own copy of the name `file`. */
void orri_own_places(struct orr_diags *diags, size_t first, const char *file);

#endif
