/* internal.h - between the files of src/import: making a batch, reading lines */
#ifndef ORR_IMPORT_INTERNAL_H
#define ORR_IMPORT_INTERNAL_H

#include "import/import.h"

enum {
    ORRI_COMMAND_MAX =
        100000, /* bytes; what execve() takes of one argument is 128 KiB */
    ORRI_NONE = -1,
};

/* ---- batch.c ---- */

/* A new task of no kind, seconds, parents; NULL when its id is there already, which is
 * said. `id` is copied. The pointer is valid until the next one. */
struct orr_import_task *orri_task_new(struct orr_import *import, const char *id,
                                      size_t length, struct orr_span at,
                                      struct orr_diags *diags);
/* Its number, or ORRI_NONE. */
int64_t orri_task_find(const struct orr_import *import, const char *id, size_t length);
/* The same; when there is none, that is said with the nearest name. */
int64_t orri_task_need(const struct orr_import *import, const char *id, size_t length,
                       struct orr_span at, struct orr_diags *diags);
/* `to` waits for `from`; one edge twice is one. */
void orri_edge(struct orr_import *import, uint32_t from, uint32_t to);
/* The kind with these properties, made when it is new. `base` is any text. */
uint32_t orri_kind(struct orr_import *import, const char *base,
                   enum orr_import_role role, uint32_t cores, uint32_t retries);
/* Put a task into a kind. */
void orri_task_kind(struct orr_import *import, struct orr_import_task *task,
                    uint32_t kind);
/* All tasks and edges are there: order them, refuse circles, no tasks and commands that
 * are too long. False when something is wrong. */
bool orri_close(struct orr_import *import, const char *file, struct orr_diags *diags);

/* ---- lines.c ---- */

struct orri_lines {
    const char *file;
    const char *text;
    size_t length;
    size_t at;     /* of the next line */
    const char *s; /* this line, without its end; */
    size_t n;
    uint32_t line; /* its number, from 1 */
};

/* A part of a line. */
struct orri_word {
    const char *s;
    size_t n;
};

struct orri_lines orri_lines_of(const char *file, const struct orr_text *text);
bool orri_lines_next(struct orri_lines *lines);
/* The place of `s`, which lies in the line at hand. */
struct orr_span orri_lines_at(const struct orri_lines *lines, const char *s);
/* Is all of it UTF-8 without zero bytes? What is not, is said, once a line. */
bool orri_text_good(const char *file, const struct orr_text *text,
                    struct orr_diags *diags);
/* The next word between blanks; false: there is none. */
bool orri_word_next(const char **at, const char *end, struct orri_word *out);
/* What follows, without blanks around it. */
struct orri_word orri_word_rest(const char *at, const char *end);
bool orri_word_is(struct orri_word word, const char *text); /* in any case */
char *orri_word_copy(struct orr_arena *arena, struct orri_word word);
/* A number of digits, with bounds; false when it is none. */
bool orri_word_number(struct orri_word word, int64_t least, int64_t most, int64_t *out);
/* A text in double quotes, as YAML has them, appended; no line breaks, also not those
 * that only YAML knows, and what is not UTF-8 becomes U+FFFD. (job.c) */
void orri_put_text(struct orr_text *out, const char *s);
/* One word for a shell, appended. */
void orri_shell_word(struct orr_text *out, const char *s, size_t n);
/* Look for `word` in a list that ends with NULL and hang it on the newest finding. */
void orri_hint_near(struct orr_diags *diags, struct orri_word word,
                    const char *const *names);

#endif
