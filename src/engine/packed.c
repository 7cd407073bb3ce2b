/* packed.c - records of one type as rows of cells
 *
 * A cell is eight bytes, half of a value: the kinds are the type's, and whether an
 * optional one is null is a bit in front. Working memory holds millions of records,
 * most of one or two numbers. (docs/design/engine.md) Owns: nothing. */
#include "engine/internal.h"

#include <string.h>

struct orri_layout orri_layout_of(const struct orr_record_type *type)
{
    struct orri_layout layout = { .type = type };
    for (uint32_t f = 0; f < type->n_fields; f++)
        if (type->fields[f].type->optional ||
            type->fields[f].type->kind == ORR_KIND_NULL)
            layout.null_words = (type->n_fields + 63) / 64;
    return layout;
}

uint32_t orri_layout_bytes(const struct orri_layout *layout)
{
    return (layout->null_words + layout->type->n_fields) * (uint32_t)sizeof(uint64_t);
}

struct orr_value orri_cell(const struct orri_layout *layout, const uint64_t *cells,
                           uint32_t field)
{
    struct orr_value v = { .kind = (uint8_t)layout->type->fields[field].type->kind };
    if (layout->null_words && cells[field / 64] >> field % 64 & 1)
        return orr_null();
    _Static_assert(sizeof v.as == sizeof *cells, "a cell is what a value holds");
    memcpy(&v.as, &cells[layout->null_words + field], sizeof v.as);
    return v;
}

void orri_pack(const struct orri_layout *layout, const struct orr_record *record,
               uint64_t *cells, struct orr_arena *arena)
{
    const struct orr_record_type *type = layout->type;
    for (uint32_t f = 0; f < type->n_fields; f++) {
        struct orr_value v = orr_value_copy(record->fields[f], arena);
        if (v.kind == ORR_KIND_NULL && layout->null_words)
            cells[f / 64] |= UINT64_C(1) << f % 64;
        else if (v.kind != type->fields[f].type->kind)
            ORR_BUG("field '%s' holds a value of kind %u", type->fields[f].name,
                    v.kind);
        else
            memcpy(&cells[layout->null_words + f], &v.as, sizeof v.as);
    }
}

void orri_unpack(const struct orri_layout *layout, const uint64_t *cells,
                 struct orr_record *out)
{
    out->type = layout->type;
    for (uint32_t f = 0; f < layout->type->n_fields; f++)
        out->fields[f] = orri_cell(layout, cells, f);
}

const struct orr_record *orri_unpacked(const struct orri_layout *layout,
                                       const uint64_t *cells, struct orr_arena *arena)
{
    struct orr_record *record = orr_record_new(arena, layout->type);
    orri_unpack(layout, cells, record);
    return record;
}
