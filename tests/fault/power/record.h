/* record.h - everything that this process does to files below a directory, in order
 *
 * The calls of libc that change files stand in record.c again and so come before the
 * real ones, for libraries too. One recording at a time. */
#ifndef ORR_TESTS_RECORD_H
#define ORR_TESTS_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum op_kind {
    OP_MAKE,   /* a name for a new node: file or directory */
    OP_NAME,   /* link, rename: another name for a node */
    OP_UNNAME, /* unlink; the second half of a rename has `pair` set */
    OP_WRITE,
    OP_RESIZE, /* truncate; allocate beyond the end */
    OP_SYNC,   /* of a file, or of a directory */
    OP_ACK     /* the test was told that a result is kept */
};

struct op {
    enum op_kind kind;
    uint32_t node; /* what it is about; 0 is the root */
    uint32_t parent;
    char name[64];
    int directory; /* OP_MAKE */
    int pair;      /* OP_UNNAME: happens with the op before, or not at all */
    uint64_t at;
    uint64_t length;
    unsigned char *data;
    uint64_t token; /* OP_ACK */
};

struct recording {
    struct op *ops;
    size_t n, cap;
    uint32_t n_nodes;
};

void record_begin(const char *root); /* an empty directory */
void record_ack(uint64_t token);
/* Owned by the caller from then on. */
void record_end(struct recording *out);
void recording_release(struct recording *recording);

#endif
