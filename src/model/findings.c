/* findings.c - looks up what a finding's number means */
#include "model/findings.h"

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
