/* fuzz.h - what the targets share: texts in memory instead of files */
#ifndef ORR_TESTS_FUZZ_H
#define ORR_TESTS_FUZZ_H

#include "../support/functions.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One file, and what any other name gives. */
struct fuzz_text {
    const char *s;
    size_t length;
};
struct fuzz_files {
    const char *name;
    struct fuzz_text named, other;
    int reads; /* so many files there are: a target is to be fast */
};
enum { FUZZ_READS = 12 };

static inline orr_status fuzz_read(void *context, const char *path,
                                   struct orr_text *out, struct orr_error *err)
{
    struct fuzz_files *files = context;
    const struct fuzz_text *text =
        strcmp(path, files->name) == 0 ? &files->named : &files->other;
    if (!text->s || files->reads++ >= FUZZ_READS)
        return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "cannot open %s", path);
    orr_text_append(out, text->s, text->length);
    return ORR_OK;
}

static inline const char *fuzz_source(void *context, const char *file)
{
    (void)file;
    return context;
}

/* A NUL-terminated copy; free() it. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = orr_alloc(size + 1, 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* Findings must be printable, whatever stands in the text. */
static inline void fuzz_render(struct orr_diags *diags, const uint8_t *data,
                               size_t size)
{
    struct orr_text out = ORR_TEXT_INIT;
    char *text = fuzz_copy(data, size);
    orr_diags_render(diags, fuzz_source, text, &out);
    orr_text_release(&out);
    orr_diags_release(diags);
    free(text);
}

/* Variables of all kinds, for expressions and templates. */
struct fuzz_scope {
    struct orr_scope scope;
    struct orr_value slots[ORR_SLOTS_MAX];
    struct orr_arena arena;
};

static inline void fuzz_bind(struct fuzz_scope *s, uint32_t slot, const char *name,
                             const char *type, struct orr_value value)
{
    struct orr_error err = { 0 };
    s->scope.slots[slot].name = name;
    s->scope.slots[slot].type =
        orr_type_parse(type, ORR_NO_SPAN, NULL, &s->arena, &err);
    s->slots[slot] = value;
}

static inline void fuzz_scope_init(struct fuzz_scope *s)
{
    memset(s, 0, sizeof *s);
    struct orr_list *list = orr_list_new(&s->arena, 3);
    for (int i = 0; i < 3; i++)
        list->items[i] = orr_int(i * 7 - 3);
    fuzz_bind(s, 0, "i", "int", orr_int(-42));
    fuzz_bind(s, 1, "f", "float", orr_float(2.5));
    fuzz_bind(s, 2, "b", "bool", orr_bool(true));
    fuzz_bind(
        s, 3, "s", "string",
        orr_string_new(&s->arena, ORR_KIND_STRING, "h\xC3\xA9llo w\xC3\xB6rld", 13));
    fuzz_bind(s, 4, "p", "path",
              orr_string_new(&s->arena, ORR_KIND_PATH, "/a/b.mp4", 8));
    fuzz_bind(s, 5, "d", "duration",
              (struct orr_value) { .kind = ORR_KIND_DURATION, .as.i = 1500000000 });
    fuzz_bind(s, 6, "z", "size",
              (struct orr_value) { .kind = ORR_KIND_SIZE, .as.i = 65536 });
    fuzz_bind(s, 7, "xs", "list<int>", orr_value_of_list(list));
    fuzz_bind(s, 8, "n", "int?", orr_null());
    fuzz_bind(s, 9, "r", "{x: int, y: string?}", orr_null());
    struct orr_record *record =
        orr_record_new(&s->arena, s->scope.slots[9].type->record);
    record->fields[0] = orr_int(7);
    s->slots[9] = orr_value_of_record(record);
}

static inline void fuzz_scope_release(struct fuzz_scope *s)
{
    orr_arena_release(&s->arena);
}

/* Evaluate, print: both must end well or with an error. */
static inline void fuzz_evaluate(struct fuzz_scope *s, const struct orr_expr *e)
{
    struct orr_value v = orr_null();
    struct orr_error err = { 0 };
    struct orr_text out = ORR_TEXT_INIT;
    if (!e)
        return;
    orr_expr_print(e, &out);
    /* ten million items are within the limits; as text they would need twice as much */
    if (orr_expr_eval(e, s->slots, &s->arena, &v, &err) == ORR_OK &&
        v.kind != ORR_KIND_LIST)
        orr_value_print(v, &out);
    orr_text_release(&out);
}

#endif
