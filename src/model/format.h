/* format.h - workflow and job files in their canonical form
 *
 * Comments are kept, and what the file says: the result is read again and compared
 * before it is handed out. */
#ifndef ORR_MODEL_FORMAT_H
#define ORR_MODEL_FORMAT_H

#include "base/diag.h"
#include "base/error.h"
#include "base/text.h"

/* Append the canonical form of `text` to *out; `file` must outlive the findings.
 * Whether it compiles is not looked at. ORR_ERR_INPUT with findings when it is no YAML
 * or no mapping; ORR_ERR_LIMIT with *err when its form would say something else. */
orr_status orr_model_format(const char *file, const char *text, size_t length,
                            struct orr_text *out, struct orr_diags *diags,
                            struct orr_error *err);

#endif
