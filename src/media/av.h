/* av.h - what all files of media share: errors, messages of libav, the session */
#ifndef ORR_MEDIA_AV_H
#define ORR_MEDIA_AV_H

#include "base/error.h"
#include "media/libav.h"
#include "orrery/function.h"

#include <stddef.h>
#include <stdint.h>

/* As orr_error_set() without a place, followed by libav's text for `av_code` and, when
 * there is one, the first error that libav wrote since orri_log_clear(). */
__attribute__((format(printf, 4, 5))) orr_status orri_av_error(struct orr_error *err,
                                                               orr_status code,
                                                               int av_code,
                                                               const char *format, ...);
__attribute__((format(printf, 3, 4))) orr_status orri_error(struct orr_error *err,
                                                            orr_status code,
                                                            const char *format, ...);

/* Record *err as the failure of the call; returns what run() has to return. */
int orri_fail(struct orr_call *call, const struct orr_error *err);

/* Pass on what libav allocated; NULL ends the process as orr_alloc() does. */
void *orri_need(void *memory);
/* The same for calls that fail only when memory is short. */
void orri_must(int av_code, const char *what);

struct orri_index;
struct orri_frames;

enum { ORRI_INDEXES_KEPT = 4, ORRI_LOG_BYTES = 1000 };

/* What a warm child keeps between calls. */
struct orri_session {
    struct orri_index *indexes[ORRI_INDEXES_KEPT]; /* newest first */
    struct orri_frames *frames;                    /* the decoder used last, or NULL */
};

/* The session of this process. Sets libav's logging up on the first call. */
struct orri_session *orri_session(void);

/* Messages of libav (warnings and errors) since the last clear: lines, or "". The text
 * is valid until the next clear. */
void orri_log_clear(void);
const char *orri_log_text(void);

/* Which version of a file: path, size and modification time. */
struct orri_identity {
    uint64_t size;
    int64_t mtime; /* ns */
};

/* Check that `path` is a regular file with something in it. */
orr_status orri_identify(const char *path, struct orri_identity *out,
                         struct orr_error *err);

#endif
