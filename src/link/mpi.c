/* mpi.c - messages over Open MPI, point to point
 * Owns: MPI, what is under way in both directions. The only MPI code. Measured choices:
 * docs/design/mpi.md. */
#include "link/link.h"

#include "base/memory.h"

#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAG = 7 };

struct sending {
    MPI_Request request;
    void *data;
};

/* A message that was announced. Long ones come when the sender hands them over: one
 * that dies before never does, so nobody may wait for it. */
struct coming {
    MPI_Request request;
    uint32_t from;
    size_t length;
    void *data;
};

struct mpi_link {
    struct orr_link link;
    MPI_Comm comm;
    struct sending *sends;
    size_t n;
    size_t cap;
    struct coming *coming; /* in the order in which they were sent, for each sender */
    size_t n_coming;
    size_t cap_coming;
    void *received; /* the message handed out last */
};

static orr_status failed(int code, const char *what, struct orr_error *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    (void)MPI_Error_string(code, text, &length);
    return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN, "%s: %s", what, text);
}

static void reap_sends(struct mpi_link *self)
{
    for (size_t i = 0; i < self->n;) {
        int done = 0;
        if (MPI_Test(&self->sends[i].request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            done = 1; /* a lost rank: heartbeats tell, not this */
        if (!done) {
            i++;
            continue;
        }
        free(self->sends[i].data);
        self->sends[i] = self->sends[--self->n];
    }
}

static orr_status mpi_send(struct orr_link *link, orr_rank to, const void *data,
                           size_t length, struct orr_error *err)
{
    struct mpi_link *self = (struct mpi_link *)link;
    reap_sends(self);
    self->sends = orr_grow(self->sends, self->n, &self->cap, sizeof *self->sends);
    struct sending *sending = &self->sends[self->n];
    sending->data = orr_alloc(length, 1);
    memcpy(sending->data, data, length);
    int code = MPI_Isend(sending->data, (int)length, MPI_BYTE, (int)to.v, TAG,
                         self->comm, &sending->request);
    if (code != MPI_SUCCESS) {
        free(sending->data);
        return failed(code, "MPI_Isend", err);
    }
    self->n++;
    return ORR_OK;
}

/* Begin to receive what was announced, if anything was. */
static orr_status begin_receiving(struct mpi_link *self, struct orr_error *err)
{
    MPI_Message message;
    MPI_Status status;
    int there = 0;
    int n = 0;
    int code = MPI_Improbe(MPI_ANY_SOURCE, TAG, self->comm, &there, &message, &status);
    if (code != MPI_SUCCESS)
        return failed(code, "MPI_Improbe", err);
    if (!there)
        return ORR_OK;
    (void)MPI_Get_count(&status, MPI_BYTE, &n);
    self->coming =
        orr_grow(self->coming, self->n_coming, &self->cap_coming, sizeof *self->coming);
    struct coming *coming = &self->coming[self->n_coming];
    *coming = (struct coming) { .from = (uint32_t)status.MPI_SOURCE,
                                .length = (size_t)n,
                                .data = orr_alloc((size_t)n + 1, 1) };
    code = MPI_Imrecv(coming->data, n, MPI_BYTE, &message, &coming->request);
    if (code != MPI_SUCCESS) {
        free(coming->data);
        return failed(code, "MPI_Imrecv", err);
    }
    self->n_coming++;
    return ORR_OK;
}

static struct coming remove_coming(struct mpi_link *self, size_t at)
{
    struct coming coming = self->coming[at];
    self->n_coming--;
    memmove(&self->coming[at], &self->coming[at + 1],
            (self->n_coming - at) * sizeof *self->coming);
    return coming;
}

/* Does an earlier message of the same sender still come? */
static bool is_behind(const struct mpi_link *self, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (self->coming[i].from == self->coming[at].from)
            return true;
    return false;
}

static orr_status mpi_receive(struct orr_link *link, orr_rank *from, const void **data,
                              size_t *length, struct orr_error *err)
{
    struct mpi_link *self = (struct mpi_link *)link;
    orr_status status = begin_receiving(self, err);
    if (status != ORR_OK)
        return status;
    if (self->n)
        reap_sends(self);
    for (size_t i = 0; i < self->n_coming; i++) {
        int done = 0;
        if (is_behind(self, i))
            continue;
        if (MPI_Test(&self->coming[i].request, &done, MPI_STATUS_IGNORE) !=
            MPI_SUCCESS) { /* a lost rank: heartbeats tell, not this */
            free(remove_coming(self, i--).data);
            continue;
        }
        if (!done)
            continue;
        struct coming whole = remove_coming(self, i);
        free(self->received);
        self->received = whole.data;
        from->v = whole.from;
        *data = whole.data;
        *length = whole.length;
        return ORR_OK;
    }
    return ORR_END;
}

static bool mpi_sent(struct orr_link *link)
{
    struct mpi_link *self = (struct mpi_link *)link;
    reap_sends(self);
    return self->n == 0;
}

static void mpi_free(struct orr_link *link)
{
    struct mpi_link *self = (struct mpi_link *)link;
    for (size_t i = 0; i < self->n; i++)
        free(self->sends[i].data);
    free(self->sends);
    free(self->coming); /* not where messages may still be put */
    free(self->received);
    free(self);
}

static const struct orr_link_ops mpi_ops = { "mpi",    mpi_send, mpi_receive,
                                             mpi_sent, mpi_free, NULL };

bool orr_mpi_launched(void)
{
    static const char *const signs[] = { "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",
                                         "PMI_RANK" };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (getenv(signs[i]))
            return true;
    return false;
}

/* For tests: ranks of one machine as if they were on several, so many on each; rank 0
 * with the first. 0: nodes are what they are. */
static int ranks_a_node(void)
{
    const char *text = getenv("ORRERY_RANKS_PER_NODE");
    long n = text ? strtol(text, NULL, 10) : 0;
    return n > 0 && n < INT32_MAX ? (int)n : 0;
}

static MPI_Comm node_of(const struct mpi_link *self, int rank)
{
    MPI_Comm machine;
    MPI_Comm node;
    int n = ranks_a_node();
    (void)MPI_Comm_split_type(self->comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL,
                              &machine);
    if (n == 0)
        return machine;
    (void)MPI_Comm_split(machine, rank ? (rank - 1) / n : 0, rank, &node);
    (void)MPI_Comm_free(&machine);
    return node;
}

/* The node's agent is its lowest rank but 0; rank 0 alone serves itself. */
static void map_nodes(struct mpi_link *self, struct orr_mpi_world *out)
{
    int rank = (int)self->link.rank;
    int size = 0;
    MPI_Comm node = node_of(self, rank);
    (void)MPI_Comm_size(node, &size);
    int mine = self->link.size == 1 || rank != 0 ? rank : INT32_MAX;
    int lowest = 0;
    int workers = 0;
    int is_worker = mine != INT32_MAX;
    (void)MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, node);
    (void)MPI_Allreduce(&is_worker, &workers, 1, MPI_INT, MPI_SUM, node);
    (void)MPI_Comm_free(&node);
    int is_agent = lowest == rank;
    int agents = 0;
    (void)MPI_Allreduce(&is_agent, &agents, 1, MPI_INT, MPI_SUM, self->comm);
    out->agent = (uint32_t)lowest;
    out->n_node = (uint32_t)workers;
    out->n_agents = (uint32_t)agents;
}

orr_status orr_mpi_start(int *argc, char ***argv, struct orr_mpi_world *out,
                         struct orr_error *err)
{
    int provided = 0;
    int code = MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED)
        return orr_error_set(err, ORR_ERR_MACHINE, ORR_NO_SPAN,
                             "MPI does not start with thread support");
    struct mpi_link *self = orr_alloc(1, sizeof *self);
    int rank = 0;
    int size = 0;
    (void)MPI_Comm_dup(MPI_COMM_WORLD, &self->comm);
    (void)MPI_Comm_set_errhandler(self->comm, MPI_ERRORS_RETURN);
    (void)MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    (void)MPI_Comm_rank(self->comm, &rank);
    (void)MPI_Comm_size(self->comm, &size);
    self->link = (struct orr_link) { &mpi_ops, (uint32_t)rank, (uint32_t)size };
    out->link = &self->link;
    map_nodes(self, out);
    return ORR_OK;
}

orr_status orr_mpi_share(struct orr_link *link, struct orr_bytes *data,
                         struct orr_error *err)
{
    struct mpi_link *self = (struct mpi_link *)link;
    uint64_t length = link->rank == 0 ? data->length : 0;
    int code = MPI_Bcast(&length, 1, MPI_UINT64_T, 0, self->comm);
    if (code != MPI_SUCCESS)
        return failed(code, "MPI_Bcast", err);
    if (link->rank != 0) {
        unsigned char *room = orr_alloc(length, 1);
        orr_put_raw(data, room, length);
        free(room);
    }
    code = MPI_Bcast(data->data, (int)length, MPI_BYTE, 0, self->comm);
    return code == MPI_SUCCESS ? ORR_OK : failed(code, "MPI_Bcast", err);
}

uint32_t orr_mpi_unready(struct orr_link *link, bool ready)
{
    uint32_t mine = ready ? link->size : link->rank;
    uint32_t lowest = link->size;
    (void)MPI_Allreduce(&mine, &lowest, 1, MPI_UINT32_T, MPI_MIN,
                        ((struct mpi_link *)link)->comm);
    return lowest;
}

enum { FINALIZE_SECONDS = 15, FINALIZE_SECONDS_MOST = 3600 };

/* srun's PMIx, and an mpirun that was not told otherwise, end all ranks when one ends
 * without MPI_Finalize, and rank 0 may have tables to write for minutes: the others
 * wait for it there. It is the same that ends them when rank 0 ends without. */
static unsigned finalize_seconds(void)
{
    int rank = 0;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    bool forgives = getenv("OMPI_MCA_orte_enable_recovery") != NULL;
    return rank == 0 || forgives ? FINALIZE_SECONDS : FINALIZE_SECONDS_MOST;
}

/* For the signal handler of a process that is about to end. */
static volatile sig_atomic_t code_at_end;

static void give_up_finalize(int signal)
{
    (void)signal;
    _exit(code_at_end);
}

void orr_mpi_leave(int code, bool orderly)
{
    code_at_end = code;
    if (orderly) {
        (void)signal(SIGALRM, give_up_finalize);
        (void)alarm(finalize_seconds());
        (void)MPI_Finalize();
    }
    _exit(code);
}
