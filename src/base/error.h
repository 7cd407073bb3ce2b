/* error.h - one status type, one error record
 *
 * Every call that can fail returns orr_status and takes `struct orr_error *err`
 * last. Who decides that something is an error words it with orr_error_set();
 * callers only pass it on. *err is untouched on success and may be NULL. */
#ifndef ORR_BASE_ERROR_H
#define ORR_BASE_ERROR_H

#include <stdint.h>

#define ORR_STATUSES(X)                                                                \
    X(OK, "ok")                                                                        \
    X(END, "end")                    /* nothing more to read */                        \
    X(ERR_INPUT, "invalid input")    /* the user's input: exit code 2 */               \
    X(ERR_FAILED, "failed")          /* the work itself: exit code 1 */                \
    X(ERR_STORE, "storage failed")   /* disk, file system: exit code 3 */              \
    X(ERR_DATA, "damaged data")      /* checksum, format: exit code 3 */               \
    X(ERR_MACHINE, "machine failed") /* MPI, processes: exit code 3 */                 \
    X(ERR_LIMIT, "limit exceeded")   /* a size or depth limit */

#define X(id, text) ORR_##id,
typedef enum orr_status { ORR_STATUSES(X) } orr_status;
#undef X

/* A place in a text file. line and column count from 1; 0 means unknown.
 * `file` is borrowed and must outlive the span. */
struct orr_span {
    const char *file;
    uint32_t line;
    uint32_t column;
};

#define ORR_NO_SPAN ((struct orr_span) { 0 })

struct orr_error {
    orr_status code;
    struct orr_span at;
    int system; /* errno behind it; 0: none */
    char text[1000];
};

/* Fill *err (when not NULL) and return `code`. Text that does not fit is cut. */
__attribute__((format(printf, 4, 5))) orr_status orr_error_set(struct orr_error *err,
                                                               orr_status code,
                                                               struct orr_span at,
                                                               const char *format, ...);

/* As orr_error_set() without a place, followed by ": " and strerror(errno_value). */
__attribute__((format(printf, 4, 5))) orr_status orr_error_errno(
    struct orr_error *err, orr_status code, int errno_value, const char *format, ...);

const char *orr_status_text(orr_status status);

/* Our own mistake: print and abort. */
__attribute__((noreturn, format(printf, 3, 4))) void orri_bug(const char *file,
                                                              int line,
                                                              const char *format, ...);
#define ORR_BUG(...) orri_bug(__FILE__, __LINE__, __VA_ARGS__)

#endif
