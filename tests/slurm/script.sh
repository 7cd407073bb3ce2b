#!/usr/bin/env bash
# script.sh - what orrery submit gives to sbatch: the script, site files, odd names; needs no Slurm
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
unset XDG_CONFIG_HOME
export HOME=$work/home
mkdir -p home bin

cat >flow.yaml <<'YAML'
orrery: 1
workflow: flow
inputs: {n: {type: int, default: 3}, text: {type: string, default: ""}}
facts: {item: {i: int}, made: {i: int}}
functions: {noop: {use: core.noop}}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: call
    match: {t: item}
    action: {call: noop, with: {i: t.i}}
    reaction: [{assert: made, with: {i: result.i}}]
outputs: {made: {each: made}}
YAML
cat >job.yaml <<'YAML'
orrery: 1
job: a-flow
workflow: flow.yaml
slurm: {nodes: 2, time: 01:00:00, comment: it's "so", exclusive: true}
YAML

# check WHAT: the script in $out is good shell
check() {
    checks=$((checks + 1))
    printf '%s\n' "$out" >script.sh
    bash -n script.sh || fail "$1: no shell"
    ! command -v shellcheck >/dev/null || shellcheck -e SC2016 script.sh || fail "$1: shellcheck"
}

exits 0 "$ORRERY" submit job.yaml --print --run-dir run
check "plain"
contains "block" "$out" "#SBATCH --nodes=2"
contains "value with blanks" "$out" '#SBATCH --comment="it'\''s \"so\""'
contains "switch" "$out" $'#SBATCH --exclusive\n'
contains "signal" "$out" "#SBATCH --signal=B:USR1@120"
contains "command" "$out" "run job.yaml --run-dir $work/run --resume --grace=90 &"
[ ! -e run ] || fail "--print made a run directory"

# --- the command line comes after the block, and the block after the site ---
mkdir -p home/.config/orrery
cat >home/.config/orrery/site.yaml <<'YAML'
site: home
slurm: {partition: compute, account: media, nodes: 1, time: 5}
modules: [mpi/4.1, "odd name"]
setup: ["export X='a b'"]
launcher: mpirun
local-dir: /local
YAML
exits 0 "$ORRERY" submit job.yaml --print --run-dir run -N 7 -p fast --durability node
check "site"
contains "line over block" "$out" "#SBATCH --nodes=7"
same "one of each" 1 "$(grep -c -- --nodes= <<<"$out")"
contains "block over site" "$out" "#SBATCH --time=01:00:00"
contains "site" "$out" "#SBATCH --account=media"
contains "line over site" "$out" "#SBATCH --partition=fast"
contains "modules" "$out" "module load mpi/4.1 'odd name' || exit 3"
contains "setup" "$out" "export X='a b'"
contains "launcher" "$out" "--launcher=mpirun"
contains "disk" "$out" "--durability=node --launcher=mpirun --local-dir=/local"
rm -r home/.config

# --- all site files of the project are good ---
for site in "$source_dir"/slurm/sites/*.yaml; do
    exits 0 "$ORRERY" submit job.yaml --print --run-dir run --site "$site"
    check "$site"
done
contains "a node's cores" "$("$ORRERY" submit flow.yaml --print --site "$source_dir/slurm/sites/lab.yaml")" \
    "#SBATCH --ntasks-per-node=2"
cat >bad.yaml <<'YAML'
site: bad
partitions: main
launcher: qsub
modules: mpi
node: {cores: none, sockets: 2}
YAML
exits 2 "$ORRERY" submit job.yaml --print --site ./bad.yaml
contains "unknown key" "$err" "bad.yaml:2:1: error: unknown key 'partitions'"
contains "launcher" "$err" "bad.yaml:3:11: error: 'launcher' is auto, srun or mpirun, not 'qsub'"
contains "list" "$err" "bad.yaml:4:10: error: 'modules' must be a list"
contains "cores" "$err" "'cores' must be a number from 1"
contains "node" "$err" "unknown key 'sockets'"
exits 2 "$ORRERY" submit job.yaml --print --site nowhere
contains "no site" "$err" "nowhere"

# --- what sbatch is given: an sbatch that writes it down ---
cat >bin/sbatch <<'SH'
#!/bin/sh
for word; do printf '<%s>\n' "$word"; done >"$SBATCH_LOG"
echo "${SBATCH_ID:-17};cluster"
exit "${SBATCH_CODE:-0}"
SH
cat >bin/squeue <<'SH'
#!/bin/sh
printf '%s' "$SQUEUE_STATE"
SH
cat >bin/scancel <<'SH'
#!/bin/sh
echo "$@" >"$SBATCH_LOG"
SH
chmod +x bin/*
export PATH=$work/bin:$PATH SBATCH_LOG=$work/log SQUEUE_STATE=
odd="run's \"dir\" 100%"
exits 0 "$ORRERY" submit job.yaml --run-dir "$odd" --set "text=it's \$HOME" -- --constraint 'a&b'
contains "id" "$out" "job         17"
same "noted" 17 "$(cut -d' ' -f1 "$odd/slurm/jobs")"
contains "verbatim" "$(cat log)" $'<--constraint>\n<a&b>'
contains "name" "$(cat log)" $'<--job-name>\n<a-flow>'
contains "place" "$(cat log)" $'<--chdir>\n'"<$work/$odd/slurm>"
out=$(cat "$odd/slurm/script.sh")
check "odd"
same "script's mode" 700 "$(stat -c %a "$odd/slurm/script.sh")"
# The script by itself: as a job whose step is this machine.
exits 0 env SLURM_RESTART_COUNT=0 bash "$odd/slurm/script.sh"
same "exit code kept" 0 "$(cat "$odd/slurm/DONE")"
same "what it made" 3 "$("$ORRERY" ls "$odd" facts/made --format csv | tail -n +2 | wc -l)"
exits 0 bash "$odd/slurm/script.sh"
same "no second start" 1 "$(grep -c ': on ' "$odd/slurm/attempts")"

# --- never a second copy; a job that is refused is none ---
SQUEUE_STATE="RUNNING node1" exits 2 "$ORRERY" submit job.yaml --run-dir "$odd"
contains "second" "$err" "has a job already, 17 (RUNNING)"
contains "state" "$(SQUEUE_STATE='PENDING (Priority)' "$ORRERY" status "$odd")" "job 17: PENDING (Priority)"
contains "state" "$("$ORRERY" status "$odd" --json)" '"job": {"id": "17", "state": "over"}'
SQUEUE_STATE="RUNNING node1" exits 0 "$ORRERY" cancel "$odd"
same "scancel" 17 "$(cat log)"
exits 2 "$ORRERY" cancel "$odd"
SBATCH_CODE=1 exits 2 "$ORRERY" submit job.yaml --run-dir other
contains "refused" "$err" "sbatch refused the job"
[ ! -e other ] || fail "a job that was refused leaves a run directory"
exits 0 "$ORRERY" submit job.yaml --run-dir other --dry-run
contains "test only" "$(cat log)" "<--test-only>"
[ ! -e other ] || fail "a test leaves a run directory"

# --- after another run ---
exits 2 "$ORRERY" submit job.yaml --run-dir third --after other
contains "never submitted" "$err" "never submitted"
exits 0 "$ORRERY" submit job.yaml --run-dir other
exits 2 "$ORRERY" submit job.yaml --run-dir third --after other --print
contains "not there" "$err" "its job is over, but the run is not"
export SQUEUE_STATE="PENDING (Priority)"
exits 0 "$ORRERY" submit job.yaml --run-dir third --after other --print
contains "dependency" "$out" "#SBATCH --dependency=afterok:17"
SQUEUE_STATE=
exits 0 "$ORRERY" submit job.yaml --run-dir third --after "$odd" --print
[[ $out != *dependency* ]] || fail "a dependency on a run that is over"

# --- how many nodes, by simulation of an earlier run ---
exits 0 "$ORRERY" run flow.yaml --set n=64 -n 1 --quiet --run-dir pilot
size() { exits "$1" "$ORRERY" submit flow.yaml --set n=64 --print --costs "${costs:-pilot}" "${@:2}"; }
size 0 --nodes auto --max-nodes 2 --ntasks-per-node 4
contains "size" "$err" "of 4 cores: simulated"
contains "nodes" "$out" "#SBATCH --nodes="
contains "time" "$out" "#SBATCH --time=11"
size 0 --until 1h --ntasks-per-node 4
contains "one will do" "$out" "#SBATCH --nodes=1"
size 2 --until 1us --ntasks-per-node 4
contains "no size" "$err" "longer than --until"
size 2 --nodes auto
contains "no cores" "$err" "how many cores has a node?"
costs=nowhere size 2 --nodes auto --ntasks-per-node 4
contains "no costs" "$err" "cannot be sized"

# --- what is wrong is found here ---
exits 2 "$ORRERY" submit job.yaml --set nn=3 --print
exits 2 "$ORRERY" submit nowhere.yaml --print
exits 2 "$ORRERY" submit job.yaml --run-dir $'two\nlines' --print
contains "lines" "$err" "is one line"
rm bin/sbatch
exits 3 env "PATH=$work/bin" "$ORRERY" submit job.yaml --run-dir fourth
contains "no sbatch" "$err" "this machine has no sbatch"
