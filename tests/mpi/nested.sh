#!/usr/bin/env bash
# nested.sh - commands that use MPI: alone, under an mpirun of their own, a run within the run
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
command -v mpirun >/dev/null || skip "no mpirun"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_tcp_if_include=lo # what a user sets stays
one_call inner >inner.yaml
cat >outer.yaml <<YAML
orrery: 1
workflow: outer
facts: {said: {by: string, text: string}}
functions:
  alone: {command: ["$ORR_MPI_SIZE"], stdout: text, timeout: 60s}
  two: {shell: "mpirun --oversubscribe -n 2 $ORR_MPI_SIZE | sort", stdout: text, timeout: 60s}
  run: {shell: "$ORRERY run $work/inner.yaml -n 2 --run-dir inner --quiet && sed -n 's/^  \"done\": //p' inner/status.json", stdout: text, timeout: 60s}
  names: {shell: "env | grep '^PMI\\\\|^OMPI\\\\|^ORRERY_[REC]' | cut -d= -f1 | grep -v '_MCA_.*base\\\\|_MCA_mpi\\\\|_MCA_pml\\\\|ROOT' | sort", stdout: text}
rules:
$(for f in alone two run names; do
    echo "  - {rule: $f, match: {j: job}, action: {call: $f}, reaction: [{assert: said, with: {by: \"$f\", text: result.text}}]}"
done)
outputs: {said: {each: said}}
YAML
for ranks in 1 2; do
    exits 0 "$ORRERY" run outer.yaml -n $ranks --run-dir run$ranks --quiet
    said() { "$ORRERY" ls run$ranks facts/said -w "by == '$1'" -c text -f csv | tr -d '\r"' | tail -n +2 | xargs; }
    same "-n $ranks: a program that calls MPI" "0 of 1" "$(said alone)"
    same "-n $ranks: mpirun in a command" "0 of 2 1 of 2" "$(said two)"
    same "-n $ranks: a run in a run" "1," "$(said run)"
done
same "what commands see" "OMPI_MCA_btl_tcp_if_include ORRERY_CORES ORRERY_RANK" "$(said names)"
