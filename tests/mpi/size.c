/* size.c - an MPI program for commands: prints its rank and the number of ranks */
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int rank = -1;
    int size = -1;
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &size);
    (void)printf("%d of %d\n", rank, size);
    return MPI_Finalize();
}
