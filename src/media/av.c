/* av.c - errors and messages of libav, and the one session of a process
 * Owns: the session (the single writable file-scope pointer of this folder: libav's log
 * callback takes no context, and a warm child keeps decoders between calls), the text
 * that libav logged. */
#include "media/av.h"

#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct process {
    struct orri_session session;
    pthread_mutex_t lock; /* libav logs from its own threads */
    size_t length;
    char log[ORRI_LOG_BYTES];
    char error[256]; /* the first line that was more than a warning */
};

static struct process *the_process;

static void keep_message(void *of, int level, const char *format, va_list args)
{
    char line[256];
    int prefix = 1;
    struct process *p = the_process;
    if (level > AV_LOG_WARNING || !p)
        return;
    av_log_format_line(of, level, format, args, line, sizeof line, &prefix);
    (void)pthread_mutex_lock(&p->lock);
    size_t length = strlen(line);
    if (level <= AV_LOG_ERROR && !p->error[0])
        memcpy(p->error, line, length + 1);
    if (p->length + length < sizeof p->log) {
        memcpy(p->log + p->length, line, length + 1);
        p->length += length;
    }
    (void)pthread_mutex_unlock(&p->lock);
}

struct orri_session *orri_session(void)
{
    if (!the_process) {
        struct process *p = orr_alloc(1, sizeof *p);
        (void)pthread_mutex_init(&p->lock, NULL);
        the_process = p;
        av_log_set_callback(keep_message);
        (void)setenv("SVT_LOG", "1", 0); /* SVT-AV1 writes to stderr by itself */
    }
    return &the_process->session;
}

void orri_log_clear(void)
{
    (void)orri_session();
    (void)pthread_mutex_lock(&the_process->lock);
    the_process->length = 0;
    the_process->log[0] = the_process->error[0] = '\0';
    (void)pthread_mutex_unlock(&the_process->lock);
}

const char *orri_log_text(void)
{
    (void)orri_session();
    return the_process->log;
}

/* The first error without the "[h264 @ 0x55..] " before it. */
static void first_message(char *out, size_t size)
{
    (void)orri_session();
    const char *from = the_process->error;
    const char *close = from[0] == '[' ? strstr(from, "] ") : NULL;
    if (close)
        from = close + 2;
    (void)snprintf(out, size, "%.*s", (int)strcspn(from, "\n"), from);
}

enum { ERRNO_MOST = 200 }; /* libav's own codes are larger: four letters */

orr_status orri_av_error(struct orr_error *err, orr_status code, int av_code,
                         const char *format, ...)
{
    char what[600];
    char why[AV_ERROR_MAX_STRING_SIZE];
    char said[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)av_strerror(av_code, why, sizeof why);
    first_message(said, sizeof said);
    (void)orr_error_set(err, code, ORR_NO_SPAN, "%s: %s%s%s%s", what, why,
                        said[0] ? " (libav: " : "", said, said[0] ? ")" : "");
    if (err && AVUNERROR(av_code) > 0 && AVUNERROR(av_code) < ERRNO_MOST)
        err->system = AVUNERROR(av_code);
    return code;
}

orr_status orri_error(struct orr_error *err, orr_status code, const char *format, ...)
{
    char text[sizeof((struct orr_error *)NULL)->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return orr_error_set(err, code, ORR_NO_SPAN, "%s", text);
}

int orri_fail(struct orr_call *call, const struct orr_error *err)
{
    enum orr_fail_kind kind = ORR_FAIL_EXIT;
    if (err->code == ORR_ERR_INPUT)
        kind = ORR_FAIL_INVALID;
    if (err->code == ORR_ERR_STORE)
        kind = ORR_FAIL_IO;
    int code = kind == ORR_FAIL_EXIT ? 1 : kind == ORR_FAIL_IO ? err->system : 0;
    return orr_call_fail(call, kind, code, "%s", err->text);
}

void *orri_need(void *memory)
{
    if (!memory)
        free(orr_alloc(SIZE_MAX, 1)); /* does not return */
    return memory;
}

void orri_must(int av_code, const char *what)
{
    if (av_code == AVERROR(ENOMEM))
        (void)orri_need(NULL);
    if (av_code < 0)
        ORR_BUG("%s: %s", what, av_err2str(av_code));
}

orr_status orri_identify(const char *path, struct orri_identity *out,
                         struct orr_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return orr_error_errno(
            err, ORR_ERR_INPUT, errno,
            "cannot open the video file %s (does every node see it?)", path);
    if (S_ISDIR(st.st_mode))
        return orri_error(err, ORR_ERR_INPUT,
                          "%s is a directory, not a video file: name the file", path);
    if (!S_ISREG(st.st_mode))
        return orri_error(err, ORR_ERR_INPUT,
                          "%s is not a regular file: pipes and devices cannot be read "
                          "twice, copy it to a file first",
                          path);
    if (st.st_size == 0)
        return orri_error(err, ORR_ERR_INPUT,
                          "%s is empty (0 bytes): was its copy finished?", path);
    out->size = (uint64_t)st.st_size;
    out->mtime = (int64_t)st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    return ORR_OK;
}
