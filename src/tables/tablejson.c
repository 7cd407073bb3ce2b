/* tablejson.c - lists and records of a table, which are JSON there, as values again
 * Owns: reading what orr_value_json() wrote, by the type that the column has. */
#include "tables/tableread.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json {
    const char *at;
    struct orr_arena *arena;
    int depth;
};

enum { DEPTH_MAX = 64 };

static bool read_value(struct json *in, const struct orr_type *type,
                       struct orr_value *out);

static bool take(struct json *in, const char *word)
{
    size_t length = strlen(word);
    in->at += strspn(in->at, " ");
    if (strncmp(in->at, word, length) != 0)
        return false;
    in->at += length;
    return true;
}

static void put_character(struct orr_text *out, unsigned c)
{
    char bytes[3] = { (char)c };
    size_t n = 1;
    if (c >= 0x800) {
        bytes[0] = (char)(0xe0 | c >> 12);
        bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (c & 0x3f));
        n = 3;
    } else if (c >= 0x80) {
        bytes[0] = (char)(0xc0 | c >> 6);
        bytes[1] = (char)(0x80 | (c & 0x3f));
        n = 2;
    }
    orr_text_append(out, bytes, n);
}

static bool read_escape(struct json *in, struct orr_text *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    unsigned c = 0;
    char letter = *in->at;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) {
        orr_text_append(out, &meant[found - letters], 1);
        in->at++;
        return true;
    }
    if (letter != 'u' || strspn(in->at + 1, "0123456789abcdefABCDEF") < 4 ||
        sscanf(in->at + 1, "%4x", &c) != 1)
        return false;
    put_character(out, c);
    in->at += 5;
    return true;
}

static bool read_text(struct json *in, struct orr_text *out)
{
    if (!take(in, "\""))
        return false;
    for (;;) {
        size_t plain = strcspn(in->at, "\"\\");
        orr_text_append(out, in->at, plain);
        in->at += plain;
        if (*in->at++ != '\\')
            return in->at[-1] == '"';
        if (!read_escape(in, out))
            return false;
    }
}

static bool read_string(struct json *in, enum orr_kind kind, struct orr_value *out)
{
    struct orr_text text = ORR_TEXT_INIT;
    bool good = read_text(in, &text);
    if (good)
        *out = orr_string_new(in->arena, kind, text.s ? text.s : "", text.length);
    orr_text_release(&text);
    return good;
}

static bool read_number(struct json *in, enum orr_kind kind, struct orr_value *out)
{
    char *end = NULL;
    in->at += strspn(in->at, " ");
    bool whole = kind == ORR_KIND_INT || kind == ORR_KIND_SIZE;
    long long i = whole ? strtoll(in->at, &end, 10) : 0;
    double f = whole ? 0 : strtod(in->at, &end);
    if (end == in->at)
        return false;
    in->at = end;
    if (kind == ORR_KIND_FLOAT)
        *out = orr_float(f);
    else
        *out = (struct orr_value) { .kind = (uint8_t)kind,
                                    .as.i = whole ? i : llround(f * 1e9) };
    return true;
}

/* {"bytes": n, "hash": "...", "shard": "w00001-e001-s000000", "offset": n} */
static bool read_blob(struct json *in, struct orr_value *out)
{
    struct orr_blob *blob = orr_arena_alloc(in->arena, sizeof *blob);
    unsigned long long length = 0;
    unsigned long long hi = 0;
    unsigned long long lo = 0;
    unsigned long long offset = 0;
    int end = 0;
    (void)sscanf(in->at,
                 " {\"bytes\": %llu, \"hash\": \"%16llx%16llx\", \"shard\": "
                 "\"w%u-e%u-s%u\", \"offset\": %llu}%n",
                 &length, &hi, &lo, &blob->writer, &blob->epoch, &blob->segment,
                 &offset, &end);
    if (!end)
        return false;
    blob->length = length;
    blob->hash = (struct orr_id) { hi, lo };
    blob->offset = offset;
    *out = (struct orr_value) { .kind = ORR_KIND_BLOB, .as.blob = blob };
    in->at += end;
    return true;
}

static bool read_list(struct json *in, const struct orr_type *type,
                      struct orr_value *out)
{
    struct orr_value *items = NULL;
    size_t n = 0;
    size_t cap = 0;
    bool good = take(in, "[") && type->element;
    bool more = good && !take(in, "]");
    while (more && good) {
        items = orr_grow(items, n, &cap, sizeof *items);
        good = read_value(in, type->element, &items[n++]);
        more = good && take(in, ",");
        good = good && (more || take(in, "]"));
    }
    struct orr_list *list = good ? orr_list_new(in->arena, (uint32_t)n) : NULL;
    if (list && n)
        memcpy(list->items, items, n * sizeof *items);
    if (list)
        *out = orr_value_of_list(list);
    free(items);
    return good;
}

/* The fields are all there, in the order of the type. */
static bool read_record(struct json *in, const struct orr_type *type,
                        struct orr_value *out)
{
    struct orr_record *record = orr_record_new(in->arena, type->record);
    bool good = take(in, "{");
    for (uint32_t i = 0; i < type->record->n_fields && good; i++) {
        struct orr_text name = ORR_TEXT_INIT;
        good = (!i || take(in, ",")) && read_text(in, &name) && name.s &&
               strcmp(name.s, type->record->fields[i].name) == 0 && take(in, ":") &&
               read_value(in, type->record->fields[i].type, &record->fields[i]);
        orr_text_release(&name);
    }
    *out = orr_value_of_record(record);
    return good && take(in, "}");
}

static bool read_value(struct json *in, const struct orr_type *type,
                       struct orr_value *out)
{
    bool good = false;
    *out = orr_null();
    if (take(in, "null"))
        return true;
    if (++in->depth > DEPTH_MAX)
        return false;
    switch (type->kind) {
    case ORR_KIND_BOOL:
        *out = orr_bool(take(in, "true"));
        good = out->as.b || take(in, "false");
        break;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: good = read_string(in, type->kind, out); break;
    case ORR_KIND_BLOB: good = read_blob(in, out); break;
    case ORR_KIND_LIST: good = read_list(in, type, out); break;
    case ORR_KIND_RECORD: good = read_record(in, type, out); break;
    case ORR_KIND_NULL: break;
    default: good = read_number(in, type->kind, out);
    }
    in->depth--;
    return good;
}

bool orri_json_value(const char *text, const struct orr_type *type,
                     struct orr_arena *arena, struct orr_value *out)
{
    struct json in = { .at = text, .arena = arena };
    return read_value(&in, type, out) && in.at[strspn(in.at, " ")] == '\0';
}
