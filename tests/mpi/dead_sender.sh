#!/usr/bin/env bash
# dead_sender.sh - a rank that dies with a long message half sent keeps nobody waiting
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
command -v mpirun >/dev/null || skip "no mpirun"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
program=$(dirname "$ORRERY")/tests/mpi_dead_sender
timeout -s KILL 200 mpirun --quiet --oversubscribe --bind-to none --enable-recovery \
    --mca pml ob1 -n 3 "$program" "$work" >/dev/null 2>&1 || true
[ -s "$work/verdict" ] || fail "rank 0 did not hear the living one"
checks=$((checks + 1))
