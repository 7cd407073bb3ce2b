/* signature.c - the record types of a function's parameters and results
 * Owns: types parsed once per process, kept to its end. They are pure functions of
 * constant tables, so this cache is the one writable file-scope state of exec; a mutex
 * guards it. */
#include "base/memory.h"
#include "exec/call.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct signature {
    const struct orr_function *function;
    struct orr_record_type *params;
    struct orr_record_type *results;
};

static struct {
    pthread_mutex_t lock;
    struct signature *items;
    size_t n;
    size_t cap;
    struct orr_arena arena;
} signatures = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const struct orr_type *parse(const char *function, const char *text)
{
    struct orr_error err = { 0 };
    const struct orr_type *type =
        orr_type_parse(text, ORR_NO_SPAN, NULL, &signatures.arena, &err);
    if (!type)
        ORR_BUG("function %s: %s", function, err.text);
    return type;
}

static struct orr_record_type *new_record(uint32_t n, struct orr_field **fields)
{
    struct orr_record_type *record = orr_arena_alloc(&signatures.arena, sizeof *record);
    *fields = orr_arena_alloc(&signatures.arena, (n ? n : 1) * sizeof **fields);
    *record = (struct orr_record_type) { .n_fields = n, .fields = *fields };
    return record;
}

static struct orr_record_type *parse_params(const struct orr_function *function)
{
    uint32_t n = 0;
    while (function->params && function->params[n].name)
        n++;
    struct orr_field *fields = NULL;
    struct orr_record_type *record = new_record(n, &fields);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (struct orr_field) {
            .name = function->params[i].name,
            .type = parse(function->name, function->params[i].type),
            .doc = function->params[i].doc,
        };
    return record;
}

static struct orr_record_type *parse_results(const struct orr_function *function)
{
    uint32_t n = 0;
    while (function->results && function->results[n].name)
        n++;
    struct orr_field *fields = NULL;
    struct orr_record_type *record = new_record(n, &fields);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (struct orr_field) {
            .name = function->results[i].name,
            .type = parse(function->name, function->results[i].type),
            .doc = function->results[i].doc,
            .unit = function->results[i].unit,
        };
    return record;
}

static struct signature signature_of(const struct orr_function *function)
{
    (void)pthread_mutex_lock(&signatures.lock);
    size_t i = 0;
    while (i < signatures.n && signatures.items[i].function != function)
        i++;
    if (i == signatures.n) {
        signatures.items = orr_grow(signatures.items, signatures.n, &signatures.cap,
                                    sizeof *signatures.items);
        signatures.items[signatures.n++] =
            (struct signature) { function, parse_params(function),
                                 parse_results(function) };
    }
    struct signature found = signatures.items[i];
    (void)pthread_mutex_unlock(&signatures.lock);
    return found;
}

const struct orr_record_type *orr_function_params(const struct orr_function *function)
{
    return signature_of(function).params;
}

const struct orr_record_type *orr_function_results(const struct orr_function *function)
{
    return signature_of(function).results;
}

uint32_t orr_function_row_bytes(const struct orr_function *function)
{
    uint32_t bytes = 0;
    for (const struct orr_column *c = function->columns; c && c->name; c++)
        bytes += (uint32_t)(c->type[1] - '0');
    return bytes;
}
