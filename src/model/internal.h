/* internal.h - between the files of src/model */
#ifndef ORR_MODEL_INTERNAL_H
#define ORR_MODEL_INTERNAL_H

#include "model/findings.h"
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

/* What a value is, or each value of a list or mapping: a word for the code, words for
 * readers, a JSON Schema for editors. Numbers may be written as constant expressions,
 * and most texts may look like numbers: the schema lets both pass. */
/* clang-format off */
#define ORRI_NUMBER_OR(schema) \
    "{\"anyOf\":[" schema ",{\"type\":\"string\",\"pattern\":\"^[-+(0-9].*[-+*/ ].*$\"}]}"
#define ORRI_TEXT "{\"type\":[\"string\",\"number\",\"boolean\"]}"
#define ORRI_VALUES(X)                                                                 \
    X(NONE, "", "{}")                                                                  \
    X(VERSION, "1", "{\"enum\":[1,\"1\"]}")                                            \
    X(TEXT, "text", ORRI_TEXT)                                                         \
    X(NAME, "name", ORRI_TEXT)                                                         \
    X(FILE, "file", "{\"type\":\"string\"}")                                           \
    X(FACT, "fact", "{\"type\":\"string\"}")                                           \
    X(FUNCTION, "function", ORRI_TEXT)                                                 \
    X(POOL, "pool", ORRI_TEXT)                                                         \
    X(INT, "int", ORRI_NUMBER_OR("{\"type\":\"integer\"}"))                            \
    X(COUNT, "int, at least 0",                                                        \
      ORRI_NUMBER_OR("{\"type\":\"integer\",\"minimum\":0}"))                          \
    X(POSITIVE, "int, at least 1",                                                     \
      ORRI_NUMBER_OR("{\"type\":\"integer\",\"minimum\":1}"))                          \
    X(CODE, "int, 0 to 255",                                                           \
      ORRI_NUMBER_OR("{\"type\":\"integer\",\"minimum\":0,\"maximum\":255}"))          \
    X(SHARE, "number, above 0 to 1",                                                   \
      ORRI_NUMBER_OR("{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":1}"))    \
    X(BOOL, "`true` or `false`", "{\"type\":\"boolean\"}")                             \
    X(TRUE, "`true`", "{\"const\":true}")                                              \
    X(DURATION, "duration, as `30s`",                                                  \
      "{\"type\":\"string\",\"pattern\":\"(ns|us|ms|s|min|h|d)\\\\b\"}")             \
    X(SIZE, "size, as `4GiB`",                                                         \
      "{\"type\":\"string\",\"pattern\":\"([KMGTP]i?)?B\\\\b\"}")                      \
    X(TYPE, "type", "{\"type\":[\"string\",\"object\"]}")                              \
    X(PARAMETER, "type, or `{type: T, default: V}`",                                   \
      "{\"type\":[\"string\",\"object\"]}")                                            \
    X(FIELDS, "mapping of fields to types", "{\"type\":\"object\"}")                   \
    X(DATA, "data", "{}")                                                              \
    X(EXPRESSION, "expression", "{}")                                                  \
    X(CONDITION, "expression, bool", "{\"type\":[\"string\",\"boolean\"]}")            \
    X(INTEGER, "expression, int", "{\"type\":[\"string\",\"integer\"]}")               \
    X(DEADLINE, "expression, duration", "{\"type\":\"string\"}")                       \
    X(COST, "expression, float", "{\"type\":[\"string\",\"number\"]}")                 \
    X(RECORD, "mapping of fields to expressions, or an expression",                    \
      "{\"type\":[\"object\",\"string\"]}")                                            \
    X(LOOP, "[INDEX,] VARIABLE in LIST",                                                        \
      "{\"type\":\"string\",\"pattern\":\"^[A-Za-z_]\\\\w*(\\\\s*,\\\\s*\\\\w+)?\\\\s+in\\\\s\"}")    \
    X(TEMPLATE, "text with `{expressions}`", ORRI_TEXT)                                \
    X(OUTPUT, "`none`, `text`, `lines` or `json`",                                     \
      "{\"enum\":[\"none\",\"text\",\"lines\",\"json\"]}")                             \
    X(ISOLATION, "`process` or `none`", "{\"enum\":[\"process\",\"none\"]}")           \
    X(IDENTITY, "`time` or `content`", "{\"enum\":[\"time\",\"content\"]}")            \
    X(FAILURE, "`exit`, `signal`, `timeout`, `memory`, `lost`, `invalid` or `io`",        \
      "{\"type\":\"string\"}")                                                           \
    X(LIST, "list of data", "{\"type\":\"array\",\"minItems\":1}")
/* clang-format on */
#define X(id, words, schema) ORRI_IS_##id,
enum orri_value { ORRI_VALUES(X) };
#undef X

struct orri_block;

/* A key: what the loader, the reference, the JSON Schema and `orrery explain` know. */
struct orri_key {
    const char *name;
    enum orri_shape shape;
    bool required;
    size_t offset; /* of a leaf, a pointer to a block (BLOCK) or orr_model_blocks */
    const struct orri_block *block;
    enum orri_value value;
    const char *fallback; /* what holds without it, for readers; or NULL */
    const char *doc;      /* what it is for: no full stop */
    const char *instead;  /* deprecated: what to write; or NULL */
};

struct orri_block {
    const char *what; /* "an input" */
    size_t size;
    const struct orri_key *keys; /* ends with name NULL */
    const char *shorthand; /* a value instead of the mapping is this key; or NULL */
    const char *list_key;  /* a list instead of the mapping is this key; or NULL */
    size_t free_key, free_value; /* leaves for one key of any name; 0: none */
    const char *free_what;       /* "VARIABLE: FACT" */
    const char *id;     /* "input": of its schema and its part of the reference */
    const char *one_of; /* "fact each": exactly one of these; or NULL */
};

/* pages_*.c */
struct orri_pages {
    const struct orr_page *items;
    size_t n;
};
extern const struct orri_pages orri_pages_yaml, orri_pages_lang, orri_pages_shape,
    orri_pages_names, orri_pages_rules, orri_pages_job;

/* schema.c: in words and as JSON Schema. */
const char *orri_value_words(enum orri_value value);
const char *orri_value_schema(enum orri_value value);

extern const struct orri_block orri_workflow_block;
extern const struct orri_block orri_job_block;

/* tables.c: a block and all that it holds, each once. */
enum { ORRI_BLOCKS_MAX = 40 };
struct orri_blocks {
    const struct orri_block *items[ORRI_BLOCKS_MAX];
    size_t n;
};
void orri_list_blocks(const struct orri_block *block, struct orri_blocks *all);

/* Fill the struct at `out` from `node`, reporting what does not fit. */
void orri_load(const struct orri_block *block, orr_model_leaf key, orr_model_leaf node,
               struct orr_arena *arena, struct orr_diags *diags, void *out);

#endif
