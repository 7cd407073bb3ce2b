/* print.c - values as text: as the language writes them, as JSON, as plain words */
#include "lang/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest of 15 to 17 digits that reads back the same. */
static void print_float(double f, struct orr_text *out)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, f);
        double back = strtod(text, NULL);
        if (!(back < f || back > f))
            break;
    }
    orr_text_puts(out, text);
    if (!strpbrk(text, ".eni"))
        orr_text_puts(out, ".0");
}

static void print_seconds(int64_t ns, struct orr_text *out)
{
    const char *sign = ns < 0 ? "-" : "";
    uint64_t n = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    uint64_t fraction = n % 1000000000U;
    orr_text_printf(out, "%s%" PRIu64, sign, n / 1000000000U);
    if (fraction == 0)
        return;
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%09" PRIu64, fraction);
    size_t length = strlen(digits);
    while (length > 1 && digits[length - 1] == '0')
        length--;
    orr_text_puts(out, ".");
    orr_text_append(out, digits, length);
}

static void print_shard(const struct orr_blob *blob, struct orr_text *out)
{
    if (blob->writer == ORR_BLOB_REUSED) {
        orr_text_printf(out, "reuse/s%06" PRIu32, blob->segment);
        return;
    }
    orr_text_printf(out, "w%05" PRIu32 "-e%03" PRIu32 "-s%06" PRIu32, blob->writer,
                    blob->epoch, blob->segment);
}

typedef void printer(struct orr_value v, struct orr_text *out);

static void print_list(const struct orr_list *list, struct orr_text *out, printer *item)
{
    orr_text_puts(out, "[");
    for (uint32_t i = 0; i < list->n; i++) {
        if (i)
            orr_text_puts(out, ", ");
        item(list->items[i], out);
    }
    orr_text_puts(out, "]");
}

static void print_record(const struct orr_record *record, struct orr_text *out,
                         printer *item, bool quoted)
{
    orr_text_puts(out, "{");
    for (uint32_t i = 0; i < record->type->n_fields; i++) {
        const char *name = record->type->fields[i].name;
        if (i)
            orr_text_puts(out, ", ");
        if (quoted)
            orr_text_json(out, name, strlen(name));
        else
            orr_text_puts(out, name);
        orr_text_puts(out, ": ");
        item(record->fields[i], out);
    }
    orr_text_puts(out, "}");
}

void orr_value_print(struct orr_value v, struct orr_text *out)
{
    switch (v.kind) {
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: orr_text_json(out, v.as.s->s, v.as.s->length); break;
    case ORR_KIND_DURATION:
        print_seconds(v.as.i, out);
        orr_text_puts(out, "s");
        break;
    case ORR_KIND_SIZE: orr_text_printf(out, "%" PRId64 "B", v.as.i); break;
    case ORR_KIND_BLOB:
        orr_text_printf(out, "blob(%" PRIu64 " bytes)", v.as.blob->length);
        break;
    case ORR_KIND_LIST: print_list(v.as.list, out, orr_value_print); break;
    case ORR_KIND_RECORD: print_record(v.as.record, out, orr_value_print, false); break;
    default: orr_value_format(v, out);
    }
}

static void json_blob(const struct orr_blob *blob, struct orr_text *out)
{
    char hash[ORR_ID_TEXT];
    orr_id_text(blob->hash, hash);
    orr_text_printf(out, "{\"bytes\": %" PRIu64 ", \"hash\": \"%s\", \"shard\": \"",
                    blob->length, hash);
    print_shard(blob, out);
    orr_text_printf(out, "\", \"offset\": %" PRIu64 "}", blob->offset);
}

void orr_value_json(struct orr_value v, struct orr_text *out)
{
    switch (v.kind) {
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: orr_text_json(out, v.as.s->s, v.as.s->length); break;
    case ORR_KIND_FLOAT: /* JSON has no NaN and no infinity */
        if (isfinite(v.as.f))
            print_float(v.as.f, out);
        else
            orr_text_puts(out, "null");
        break;
    case ORR_KIND_BLOB: json_blob(v.as.blob, out); break;
    case ORR_KIND_LIST: print_list(v.as.list, out, orr_value_json); break;
    case ORR_KIND_RECORD: print_record(v.as.record, out, orr_value_json, true); break;
    default: orr_value_format(v, out);
    }
}

void orr_value_format(struct orr_value v, struct orr_text *out)
{
    switch (v.kind) {
    case ORR_KIND_NULL: orr_text_puts(out, "null"); break;
    case ORR_KIND_BOOL: orr_text_puts(out, v.as.b ? "true" : "false"); break;
    case ORR_KIND_FLOAT: print_float(v.as.f, out); break;
    case ORR_KIND_STRING:
    case ORR_KIND_PATH: orr_text_append(out, v.as.s->s, v.as.s->length); break;
    case ORR_KIND_DURATION: print_seconds(v.as.i, out); break;
    case ORR_KIND_INT:
    case ORR_KIND_SIZE: orr_text_printf(out, "%" PRId64, v.as.i); break;
    default: orr_value_print(v, out);
    }
}
