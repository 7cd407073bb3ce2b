/* format.h - workflow and job files in their canonical form
 *
 * Comments are kept, and what the file says: the result is read again and compared
 * before it is handed out. */
#ifndef ORR_MODEL_FORMAT_H
#define ORR_MODEL_FORMAT_H

#include "base/diag.h"
#include "base/error.h"
#include "base/text.h"

/* Append the canonical form of `text` to *out; `file` must outlive the findings. False,
 * with findings, when it is no YAML or no mapping. Whether it compiles is not looked
 * at. */
bool orr_model_format(const char *file, const char *text, size_t length,
                      struct orr_text *out, struct orr_diags *diags);

#endif
