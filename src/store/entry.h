/* entry.h - attempts within a group: words that they share, and one entry each
 *
 * Names of functions, hosts and counters, and what the columns of rows hold, are said
 * once a group, in its words; entries refer to them by number. So every group stands
 * alone: what is lost of one spoils no other. Numbers are varints, times differences to
 * the group's base time. */
#ifndef ORRI_STORE_ENTRY_H
#define ORRI_STORE_ENTRY_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/stored.h"

#include <stdint.h>

enum { ORRI_ENTRY_HEADER = 8 }; /* length of what follows u32, CRC32C u32 */

/* --- writing ---------------------------------------------------------------- */

struct orri_text_word {
    char *text;
};
struct orri_column_word {
    uint32_t function; /* word */
    uint64_t form;     /* orri_columns_hash() */
    const struct orr_column *columns;
};

/* The words of the group that is being written. Zeroed struct is empty. */
struct orri_words {
    int64_t base; /* wall ns */
    struct orri_text_word *texts;
    size_t n_texts, cap_texts;
    struct orri_column_word *columns;
    size_t n_columns, cap_columns;
};
void orri_words_clear(struct orri_words *words);
void orri_words_release(struct orri_words *words);
void orri_words_put(struct orr_bytes *out, const struct orri_words *words);

/* Where an attempt's rows and blobs lie: rows, then at once the blobs. */
struct orri_bulk {
    uint64_t at;       /* from the start of the group's bulk */
    uint32_t rows_crc; /* CRC32C of the rows */
    uint32_t blob_crc; /* and of the blobs */
    uint64_t blob_bytes;
};
/* Append an entry; `tag` is the group's orri_place_tag(). */
void orri_entry_put(struct orr_bytes *out, struct orri_words *words,
                    const struct orr_stored *stored, const struct orri_bulk *bulk,
                    uint32_t tag);
/* No entry of `stored` is longer, with the words that it may add. */
uint64_t orri_entry_most(const struct orr_stored *stored);

/* --- reading ---------------------------------------------------------------- */

struct orri_known_columns {
    const char *function;
    uint64_t form;
    const struct orr_column *columns;
};
/* Words of one group: texts last until the arena is reset. */
struct orri_group_words {
    int64_t base;
    const char **texts;
    uint32_t n_texts;
    struct orri_known_columns *columns;
    uint32_t n_columns;
};
orr_status orri_words_get(struct orr_reader *in, struct orr_arena *arena,
                          struct orri_group_words *out, struct orr_error *err);
/* The same with all texts in `arena`. */
struct orri_known_columns orri_columns_copy(const struct orri_known_columns *from,
                                            struct orr_arena *arena);
/* One entry, without its header and checked. Texts land in `arena`, args and results
 * borrow from the input; `rows` stays NULL. */
orr_status orri_entry_get(struct orr_reader *in, const struct orri_group_words *words,
                          struct orr_arena *arena, struct orr_stored *out,
                          struct orri_bulk *bulk, struct orr_error *err);

#endif
