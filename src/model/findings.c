/* findings.c - looks up what a finding's number means
 * Hands on: the pages of `orrery explain` (pages_*.c). */
#include "model/internal.h"

#include <string.h>

const struct orr_finding *orr_findings(size_t *n)
{
#define X(id, text) { id, text },
    static const struct orr_finding findings[] = { ORR_FINDINGS(X) };
#undef X
    *n = sizeof findings / sizeof *findings;
    return findings;
}

const char *orr_finding_text(const char *id)
{
    size_t n = 0;
    const struct orr_finding *findings = orr_findings(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(findings[i].id, id) == 0)
            return findings[i].text;
    return NULL;
}

const struct orr_page *orr_finding_page(const char *id)
{
    static const struct orri_pages *const all[] = {
        &orri_pages_yaml,  &orri_pages_lang,  &orri_pages_shape,
        &orri_pages_names, &orri_pages_rules, &orri_pages_job,
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (size_t i = 0; i < all[k]->n; i++)
            if (strcmp(all[k]->items[i].id, id) == 0)
                return &all[k]->items[i];
    return NULL;
}
