/* error.c - words of statuses and errors; owns nothing */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

orr_status orr_error_set(struct orr_error *err, orr_status code, struct orr_span at,
                         const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    err->at = at;
    err->system = 0;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

orr_status orr_error_errno(struct orr_error *err, orr_status code, int errno_value,
                           const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    err->at = ORR_NO_SPAN;
    err->system = errno_value;
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->text)
        (void)snprintf(err->text + used, sizeof err->text - (size_t)used, ": %s",
                       strerror(errno_value));
    return code;
}

const char *orr_status_text(orr_status status)
{
#define X(id, text) [ORR_##id] = text,
    static const char *const texts[] = { ORR_STATUSES(X) };
#undef X
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown";
}

void orri_bug(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "orrery: bug at %s:%d: ", file, line);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}
