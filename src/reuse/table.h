/* table.h - results by task identity, in a file that is searched where it lies
 *
 * For results that other runs take: a cache of any size costs no memory. Not mapped:
 * a file that someone removes, cuts or damages gives an error, never a signal. */
#ifndef ORR_STORE_TABLE_H
#define ORR_STORE_TABLE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"

#include <stdint.h>

/* ---- making one; 40 bytes of memory a result ---- */

struct orr_table_writer;
/* `inside`: a text to keep with it. The file is whole after the commit. */
orr_status orr_table_begin(const char *path, struct orr_id run, const char *inside,
                           struct orr_table_writer **out, struct orr_error *err);
/* Of equal identities the first one of the newest epoch stays. */
void orr_table_add(struct orr_table_writer *writer, struct orr_id id, uint32_t epoch,
                   const void *bytes, uint32_t length);
/* Leave out all of that identity, what is added later too. */
void orr_table_drop(struct orr_table_writer *writer, struct orr_id id);
/* Sorted, synced. Frees the writer in any case. `n` may be NULL. */
orr_status orr_table_commit(struct orr_table_writer *writer, uint64_t *n,
                            struct orr_error *err);
void orr_table_abandon(struct orr_table_writer *writer); /* removes the file */

/* ---- searching one ---- */

struct orr_table;
/* `name` in the open directory. ORR_ERR_DATA when it is damaged, or of another version.
 */
orr_status orr_table_open(int directory, const char *name, struct orr_table **out,
                          struct orr_error *err);
void orr_table_free(struct orr_table *table); /* NULL is fine */
uint64_t orr_table_results(const struct orr_table *table);
struct orr_id orr_table_run(const struct orr_table *table);
const char *orr_table_inside(const struct orr_table *table);
/* *out is cleared and gets the bytes. ORR_END: there are none. ORR_ERR_DATA: what is
 * there does not match its checksum. ORR_ERR_STORE: it cannot be read. */
orr_status orr_table_find(const struct orr_table *table, struct orr_id id,
                          struct orr_bytes *out, struct orr_error *err);

#endif
