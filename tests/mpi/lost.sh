#!/usr/bin/env bash
# lost.sh - a rank that dies while a long message of it is under way stops nobody (lost.c)
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: ranks that are late count as lost
. "$(dirname "$0")/../support/lib.sh"
[ -x "${ORR_MPI_LOST:-}" ] || skip "no ORR_MPI_LOST (ctest knows it)"
cd "$work"
out=$(timeout -s KILL 60 mpirun --quiet --oversubscribe --bind-to none --enable-recovery \
    --allow-run-as-root --mca orte_allowed_exit_without_sync 1 \
    --mca orte_abort_on_non_zero_status 0 --mca pml ob1 -n 3 "$ORR_MPI_LOST" 2>err) || true
same "what rank 0 heard ($(cat err))" "rank 0 heard rank 2" "$out"
