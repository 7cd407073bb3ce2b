/* replay.c - from a recording to the files that a power cut leaves
 * Owns: which of the things that were not synced survive. */
#include "replay.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, SECTOR = 512, TORN = 16 };

uint64_t chance_below(struct chance *chance, uint64_t n)
{
    uint64_t z = (chance->state += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return n ? (z ^ (z >> 31)) % n : 0;
}

size_t replay_moment(const struct recording *recording, struct chance *chance)
{
    size_t at = chance_below(chance, recording->n);
    if (chance_below(chance, 2) == 0)
        while (at < recording->n && recording->ops[at].kind != OP_SYNC)
            at++;
    return at;
}

/* ---- one file ---- */

struct node {
    bool directory;
    size_t synced; /* op after the last sync */
    unsigned char *bytes;
    uint64_t room, length;
};

/* `n` bytes of an op into the file; its length is another matter. */
static void put(struct node *node, const struct op *op, uint64_t at, uint64_t n)
{
    if (at + n > node->room) {
        uint64_t room = (at + n) * 2;
        node->bytes = orr_realloc(node->bytes, room, 1);
        memset(node->bytes + node->room, 0, room - node->room);
        node->room = room;
    }
    memcpy(node->bytes + at, op->data + (at - op->at), n);
}

static void resize(struct node *node, const struct op *op)
{
    uint64_t length = op->kind == OP_RESIZE ? op->length : op->at + op->length;
    if (op->kind == OP_WRITE && length <= node->length)
        return;
    if (length < node->length && length < node->room) {
        uint64_t end = node->length < node->room ? node->length : node->room;
        memset(node->bytes + length, 0, end - length);
    }
    node->length = length;
}

static bool changes(const struct op *op, uint32_t node)
{
    return op->node == node && (op->kind == OP_WRITE || op->kind == OP_RESIZE);
}

/* Everything from `from` to `to` reached the disk. */
static void settle(const struct recording *recording, struct node *nodes, uint32_t id,
                   size_t to)
{
    struct node *node = &nodes[id];
    for (size_t i = node->synced; i < to; i++) {
        const struct op *op = &recording->ops[i];
        if (!changes(op, id))
            continue;
        if (op->kind == OP_WRITE)
            put(node, op, op->at, op->length);
        resize(node, op);
    }
    node->synced = to;
}

/* The writes to one page up to the moment at which it went to the disk. */
static void settle_page(const struct recording *recording, struct node *node,
                        uint32_t id, uint64_t page, size_t from, size_t to,
                        uint64_t torn)
{
    uint64_t start = page * PAGE;
    uint64_t end = start + (torn ? torn : PAGE);
    for (size_t i = from; i < to; i++) {
        const struct op *op = &recording->ops[i];
        if (!changes(op, id) || op->kind != OP_WRITE)
            continue;
        uint64_t a = op->at > start ? op->at : start;
        uint64_t b = op->at + op->length < end ? op->at + op->length : end;
        if (a < b)
            put(node, op, a, b - a);
    }
}

/* `keeps`: how many of ten pages went to the disk at all. */
static void lose(const struct recording *recording, struct node *nodes, uint32_t id,
                 size_t moment, uint64_t keeps, struct chance *chance)
{
    struct node *node = &nodes[id];
    size_t from = node->synced;
    uint64_t last = 0;
    size_t n = 0;
    for (size_t i = from; i < moment; i++) {
        const struct op *op = &recording->ops[i];
        if (!changes(op, id))
            continue;
        n++;
        if (op->kind == OP_WRITE && (op->at + op->length) / PAGE > last)
            last = (op->at + op->length) / PAGE;
    }
    if (!n)
        return;
    for (uint64_t page = 0; page <= last; page++) {
        if (chance_below(chance, 10) >= keeps)
            continue;
        /* mostly as it was in the end */
        size_t to = chance_below(chance, 4)
                        ? moment
                        : from + chance_below(chance, moment - from + 1);
        uint64_t torn = chance_below(chance, TORN)
                            ? 0
                            : SECTOR * (1 + chance_below(chance, PAGE / SECTOR - 1));
        settle_page(recording, node, id, page, from, to, torn);
    }
    size_t until = chance_below(chance, 2)
                       ? moment
                       : from + chance_below(chance, moment - from + 1);
    for (size_t i = from; i < until; i++)
        if (changes(&recording->ops[i], id))
            resize(node, &recording->ops[i]);
}

/* ---- names ---- */

struct name {
    uint32_t parent, node;
    char name[64];
    bool gone;
};

struct names {
    struct name *items;
    size_t n, cap;
};

static void set_name(struct names *names, const struct op *op)
{
    bool gone = op->kind == OP_UNNAME;
    for (size_t i = 0; i < names->n; i++) {
        struct name *name = &names->items[i];
        if (name->parent != op->parent || strcmp(name->name, op->name) != 0)
            continue;
        name->gone = gone;
        if (!gone)
            name->node = op->node;
        return;
    }
    if (gone)
        return;
    names->items = orr_grow(names->items, names->n, &names->cap, sizeof *names->items);
    struct name *name = &names->items[names->n++];
    *name = (struct name) { op->parent, op->node, "", false };
    memcpy(name->name, op->name, sizeof name->name);
}

static bool is_name(const struct op *op)
{
    return op->kind == OP_MAKE || op->kind == OP_NAME || op->kind == OP_UNNAME;
}

static void name_all(const struct recording *recording, const struct node *nodes,
                     size_t moment, uint64_t keeps, struct chance *chance,
                     struct names *names)
{
    bool before = true;
    for (size_t i = 0; i < moment; i++) {
        const struct op *op = &recording->ops[i];
        if (!is_name(op))
            continue;
        bool survives = i < nodes[op->parent].synced;
        if (!survives)
            survives = op->pair ? before : chance_below(chance, 10) < keeps;
        before = survives;
        if (survives)
            set_name(names, op);
    }
}

/* ---- the image ---- */

static void write_file(const struct node *node, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint64_t n = node->length < node->room ? node->length : node->room;
    if (fd < 0 || orr_write_all(fd, node->bytes, n) != 0 ||
        ftruncate(fd, (off_t)node->length) != 0)
        abort();
    (void)close(fd);
}

static void write_names(const struct names *names, const struct node *nodes,
                        uint32_t parent, const char *directory)
{
    if (mkdir(directory, 0700) != 0)
        abort();
    for (size_t i = 0; i < names->n; i++) {
        const struct name *name = &names->items[i];
        if (name->gone || name->parent != parent)
            continue;
        char *path = orr_path_join(directory, name->name);
        if (nodes[name->node].directory)
            write_names(names, nodes, name->node, path);
        else
            write_file(&nodes[name->node], path);
        free(path);
    }
}

void replay_image(const struct recording *recording, size_t moment,
                  struct chance *chance, const char *to)
{
    static const uint64_t shares[] = { 0, 2, 5, 8, 10 };
    uint64_t keeps = shares[chance_below(chance, 5)];
    struct node *nodes = orr_alloc(recording->n_nodes, sizeof *nodes);
    struct names names = { NULL, 0, 0 };
    nodes[0].directory = true;
    for (size_t i = 0; i < moment; i++) {
        const struct op *op = &recording->ops[i];
        if (op->kind == OP_MAKE)
            nodes[op->node].directory = op->directory;
        else if (op->kind == OP_SYNC)
            settle(recording, nodes, op->node, i + 1);
    }
    name_all(recording, nodes, moment, keeps, chance, &names);
    for (uint32_t id = 0; id < recording->n_nodes; id++)
        lose(recording, nodes, id, moment, keeps, chance);
    write_names(&names, nodes, 0, to);
    for (uint32_t id = 0; id < recording->n_nodes; id++)
        free(nodes[id].bytes);
    free(nodes);
    free(names.items);
}
