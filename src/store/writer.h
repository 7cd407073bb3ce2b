/* writer.h - the thread that writes results to shards
 *
 * One writer per agent. Order: open, then any number of put, take, then drain, close.
 * All calls come from one thread; none of put, take and error waits for the disk.
 *
 * Results go to the log in the order of put. A group ends with a commit frame and
 * fdatasync(2); only then are its tokens handed back. A group is committed when
 * it has `group_bytes`, `group_results` or is `group_ns` old, or earlier when the queue
 * is empty and nothing came for a linger time, which is the length of the last sync, at
 * least `linger_ns` and at most `group_ns`: a lone result waits some milliseconds, and
 * a slow file system is given no more syncs than it can do half of the time. */
#ifndef ORR_STORE_WRITER_H
#define ORR_STORE_WRITER_H

#include "base/error.h"
#include "base/hash.h"
#include "base/series.h"
#include "store/stored.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum orr_durability {
    ORR_DURABILITY_SHARED, /* the run directory is on a shared file system (default) */
    ORR_DURABILITY_NODE,   /* on a disk of the node, lost with it, and copied from there
                            */
    ORR_DURABILITY_NONE /* never synced: survives a killed process, not the machine */
};

struct orr_writer_options {
    const char *run_dir;
    struct orr_id run_id;
    uint32_t writer; /* the agent's rank; one writer of a number in an epoch */
    uint32_t epoch;
    enum orr_durability durability;
    /* 0 means the default */
    uint64_t segment_bytes; /* 1 GiB; a larger frame gets a larger segment */
    uint64_t group_bytes;   /* 16 MiB */
    uint32_t group_results; /* 512 */
    int64_t group_ns;       /* 200 ms */
    int64_t linger_ns;      /* 2 ms */
    uint32_t queue_results; /* 4096: put refuses beyond this many not yet handed back */
    uint64_t queue_bytes;   /* 1 GiB of sections and blobs not yet handed back */
    uint32_t queue_blobs;   /* a quarter of the descriptors that the process may have */
    bool no_index;          /* do not write .idx.h5 files (benchmarks, tests) */
    /* orr_nodedisk_folder(): logs are there first. Results are handed back when that
     * disk has them, those with blobs when the run directory has them too. NULL: logs
     * are in the run directory only. */
    const char *node_folder;
};

struct orr_writer;

/* Makes the first shard file. The disk is touched here, later only by the thread. */
orr_status orr_writer_open(const struct orr_writer_options *options,
                           struct orr_writer **out, struct orr_error *err);

/* Queue one attempt. Everything in *stored is copied, except columns. `blob_fd` holds
 * `blob_bytes` bytes from offset 0 and stays the caller's: keep it open and unchanged
 * until `token` is handed back. -1 and 0 without blobs. False when the queue is full
 * (try again after take) or the writer failed (see orr_writer_error). A single attempt
 * larger than queue_bytes is accepted when the queue is empty. */
bool orr_writer_put(struct orr_writer *writer, const struct orr_stored *stored,
                    int blob_fd, uint64_t blob_bytes, uint64_t token);

/* Successes of one function in a row, with one token: what each has is in `first`, but
 * its identity, arguments, results and times. All of it is copied. */
enum { ORR_STORED_ID_BYTES = 16 };
struct orr_stored_run {
    struct orr_stored first; /* its arguments; `results` of all, one after the other */
    uint32_t n;
    struct orr_series args;   /* of all */
    const unsigned char *ids; /* n identities, as u64 hi, u64 lo */
    const int64_t *times;     /* wall ns: attempt i is from [i] to [i + 1] */
    const uint32_t *ends;     /* of the results of each */
};
/* As orr_writer_put(); there are no blobs among the results. */
bool orr_writer_put_run(struct orr_writer *writer, const struct orr_stored_run *run,
                        uint64_t token);

struct orr_written {
    uint64_t token;
    /* The results with blobs where they lie now; borrowed until the next take or close.
     */
    const void *results;
    uint32_t results_bytes;
    uint32_t n;           /* attempts of a run, else 0; of these borrowed likewise */
    const int64_t *times; /* as in struct orr_stored_run */
    const uint32_t *ends;
};
/* Up to `n` results that are on disk now; the number returned. */
size_t orr_writer_take(struct orr_writer *writer, struct orr_written *out, size_t n);

/* Readable (poll it, do not read it) while take has something, or after an error. */
int orr_writer_event_fd(const struct orr_writer *writer);
/* ORR_OK, or the error that stopped the writer, naming path and reason. Nothing is
 * taken after it (what was put before may still be written, where only the copy of a
 * node's log failed), and what was handed back before it is on disk. */
orr_status orr_writer_error(struct orr_writer *writer, struct orr_error *err);

struct orr_writer_stats {
    uint64_t results, bytes, groups, syncs, segments, acknowledged;
    int64_t sync_ns, longest_sync_ns;
    uint64_t queued; /* now: put but not acknowledged */
};
void orr_writer_stats(struct orr_writer *writer, struct orr_writer_stats *out);

/* Wait until everything put is on disk (then take it), or the writer failed. */
orr_status orr_writer_drain(struct orr_writer *writer, struct orr_error *err);
/* Drain, trim the shard to its length, write the index files that full segments do not
 * have yet when `seal` is set, end the thread. Frees the writer in any case; NULL is
 * fine. Without `seal` (little time left) resume and export work just as well. */
orr_status orr_writer_close(struct orr_writer *writer, bool seal,
                            struct orr_error *err);

#endif
