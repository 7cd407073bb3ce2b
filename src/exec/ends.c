/* ends.c - the first and the last bytes of a stream; owns them */
#include "exec/ends.h"

#include "exec/attempt.h"

#include <stdbool.h>
#include <stdlib.h>

enum { QUOTED_MOST = 300 };

void orri_ends_add(struct orri_ends *ends, const char *data, size_t length)
{
    size_t room = ORR_STDERR_KEPT - ends->first.length;
    size_t head = length < room ? length : room;
    orr_text_append(&ends->first, data, head);
    if (head == length)
        return;
    if (!ends->ring)
        ends->ring = orr_alloc(ORR_STDERR_KEPT, 1);
    for (size_t i = head; i < length; i++)
        ends->ring[ends->total_after++ % ORR_STDERR_KEPT] = data[i];
}

const char *orri_ends_text(const struct orri_ends *ends, struct orr_arena *arena,
                           size_t *length)
{
    struct orr_text all = ORR_TEXT_INIT;
    orr_text_append(&all, ends->first.s ? ends->first.s : "", ends->first.length);
    size_t after = ends->total_after;
    if (after > ORR_STDERR_KEPT) {
        orr_text_printf(&all, "\n[... %zu bytes left out ...]\n",
                        after - ORR_STDERR_KEPT);
        size_t at = after % ORR_STDERR_KEPT;
        orr_text_append(&all, ends->ring + at, ORR_STDERR_KEPT - at);
        orr_text_append(&all, ends->ring, at);
    } else if (after) {
        orr_text_append(&all, ends->ring, after);
    }
    for (size_t i = 0; i < all.length; i++)
        if (all.s[i] == '\0') /* whoever reads it takes it for a text */
            all.s[i] = ' ';
    const char *text = orr_arena_strndup(arena, all.s, all.length);
    *length = all.length;
    orr_text_release(&all);
    return text;
}

void orri_ends_release(struct orri_ends *ends)
{
    orr_text_release(&ends->first);
    free(ends->ring);
    *ends = (struct orri_ends) { .ring = NULL };
}

/* What was printed may be no text at all: any control character but a tab. */
static bool breaks_line(char c) { return (unsigned char)c < ' ' && c != '\t'; }

const char *orri_quote_last_line(const char *message, const char *text, size_t length,
                                 struct orr_arena *arena)
{
    size_t end = length;
    while (end && breaks_line(text[end - 1]))
        end--;
    size_t begin = end;
    while (begin && !breaks_line(text[begin - 1]) && end - begin < QUOTED_MOST)
        begin--;
    return end > begin ? orr_arena_printf(arena, "%s: %.*s", message,
                                          (int)(end - begin), text + begin)
                       : message;
}
