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
exits 0 "$ORRERY" submit job.yaml --print --run-dir run --opportunistic 3 --opportunistic-partition spare
both=$out
out=${both%%# ====*}
check "the job beside opportunistic ones"
contains "lets guests in" "$out" " --guests=300 &"
out="#!/bin/bash${both##*#!/bin/bash}"
check "opportunistic jobs"
contains "so many of them" "$out" "#SBATCH --array=1-3"
contains "where" "$out" "#SBATCH --partition=spare"
contains "what they do" "$out" "join $work/run &"

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
contains "modules" "$out" $'load mpi/4.1 || exit 3\nload \'odd name\' || exit 3\n'
contains "who asks" "$out" "site=$HOME/.config/orrery/site.yaml"
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
exits 2 "$ORRERY" submit job.yaml --print --site .
contains "a folder" "$err" "cannot read ."

# --- values that sbatch would refuse, with who gave them ---
exits 2 "$ORRERY" submit job.yaml --print --nodes lots
contains "nodes" "$err" "nodes=lots, from --nodes, should be a number of nodes, or a range such as 2-8"
exits 0 "$ORRERY" submit job.yaml --print --nodes 2-8 --time 1-12:00:00
exits 0 "$ORRERY" submit job.yaml --print --time UNLIMITED
exits 2 "$ORRERY" submit job.yaml --print --time yesterday
contains "time" "$err" "time=yesterday, from --time, should be minutes"
exits 2 "$ORRERY" submit job.yaml --print --until 0s --ntasks-per-node 2
contains "until" "$err" "--until is how long the run may take"
exits 2 "$ORRERY" submit job.yaml --print --until 2020-01-01
sed 's/nodes: 2/nodes: two/' job.yaml >wrong.yaml
exits 2 "$ORRERY" submit wrong.yaml --print
contains "job" "$err" "nodes=two, from wrong.yaml,"
echo 'slurm: {time: soon}' >soon.yaml
exits 2 "$ORRERY" submit flow.yaml --print --site ./soon.yaml
contains "site" "$err" "time=soon, from ./soon.yaml,"

# --- what sbatch is given: an sbatch that writes it down ---
cat >bin/sbatch <<'SH'
#!/bin/sh
for word; do printf '<%s>\n' "$word"; done >"$SBATCH_LOG"
[ -z "${SBATCH_SAYS-}" ] || echo "sbatch: error: Batch job submission failed: $SBATCH_SAYS" >&2
echo "${SBATCH_ID:-17};cluster"
exit "${SBATCH_CODE:-0}"
SH
cat >bin/squeue <<'SH'
#!/bin/sh
[ -z "${SQUEUE_PARTITION-}" ] || exit 0 # what somebody does not want to see
[ -z "${QUEUE_SAYS-}" ] || { echo "slurm_load_jobs error: $QUEUE_SAYS" >&2; exit 1; }
case "$*" in *%Z*) printf '%s\n' "${QUEUE_PLACES-}"; exit ;; esac
printf '%s' "$QUEUE_STATE"
SH
cat >bin/scancel <<'SH'
#!/bin/sh
[ -z "${SCANCEL_INTERACTIVE-}" ] || exit 1
echo "$@" >"$SBATCH_LOG"
SH
chmod +x bin/*
export PATH=$work/bin:$PATH SBATCH_LOG=$work/log QUEUE_STATE=
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
SQUEUE_PARTITION=other QUEUE_STATE="RUNNING node1" exits 2 "$ORRERY" submit job.yaml --run-dir "$odd" \
    --set "text=it's \$HOME"
contains "second" "$err" "has a job already, 17 (RUNNING)"
contains "state" "$(QUEUE_STATE='PENDING (Priority)' "$ORRERY" status "$odd")" "job 17: PENDING (Priority)"
contains "state" "$("$ORRERY" status "$odd" --json)" '"job": {"id": "17", "state": "over"}'
SCANCEL_INTERACTIVE=1 QUEUE_STATE="RUNNING node1" exits 0 "$ORRERY" cancel "$odd"
same "scancel" 17 "$(cat log)"
exits 2 "$ORRERY" cancel "$odd"
SBATCH_CODE=1 exits 2 "$ORRERY" submit job.yaml --run-dir "$odd" --set "text=it's \$HOME"
same "refused: over as before" 0 "$(cat "$odd/slurm/DONE")"
SBATCH_CODE=1 exits 2 "$ORRERY" submit job.yaml --run-dir other
contains "refused" "$err" "sbatch refused the job"
[ ! -e other ] || fail "a job that was refused leaves a run directory"
exits 0 "$ORRERY" submit job.yaml --run-dir other --dry-run
contains "test only" "$(cat log)" "<--test-only>"
[ ! -e other ] || fail "a test leaves a run directory"

# refused WORDS OPTION...: sbatch says WORDS
refused() { SBATCH_CODE=1 SBATCH_SAYS=$1 exits "${code-2}" "$ORRERY" submit job.yaml --run-dir no "${@:2}"; }
refused "Invalid partition name specified" -p fast
contains "partition" "$err" "partition=fast comes from --partition; sinfo -s"
refused "Invalid account or account/partition combination specified"
contains "account" "$err" "nothing says account: --account, "
refused "Requested node configuration is not available"
contains "nodes" "$err" "nodes=2 comes from job.yaml; sinfo"
refused "Invalid qos specification" -- --qos=gold
contains "qos" "$err" "sacctmgr show qos"
code=3 refused "Unable to contact slurm controller (connect failure)"
contains "down" "$err" "nothing was submitted"
[ ! -e no ] || fail "a job that was refused leaves a run directory"
# Slurm may have taken it: the directory stays, and the job is found by it
code=3 refused "Socket timed out on send/recv operation"
contains "late" "$err" "may have taken the job nevertheless: submit again with --run-dir $work/no"
QUEUE_PLACES=$'41 /elsewhere\n42 '"$work/no/slurm" QUEUE_STATE="PENDING (Priority)" \
    exits 2 "$ORRERY" submit job.yaml --run-dir no
contains "found" "$err" "has a job already, 42 (PENDING)"
same "noted" 42 "$(cut -d' ' -f1 no/slurm/jobs)"
# nobody knows whether the job is there
export QUEUE_SAYS="Unable to contact slurm controller (connect failure)"
exits 3 "$ORRERY" submit job.yaml --run-dir no
contains "unknown" "$err" "is job 42 of $work/no still there? Slurm cannot be asked: Unable to contact"
exits 3 "$ORRERY" cancel no
contains "unknown" "$err" "Slurm cannot be asked: Unable to contact"
exits 0 "$ORRERY" status no
contains "unknown" "$out" "job 42: Slurm cannot be asked: Unable to contact"
contains "unknown" "$("$ORRERY" status no --json)" '"state": "unknown"'
exits 2 "$ORRERY" logs no
contains "unknown" "$err" "Slurm cannot be asked"
unset QUEUE_SAYS
exits 0 "$ORRERY" status no
contains "no word" "$out" "job 42 is over, and its script left nothing: do the nodes see this directory?"
exits 2 "$ORRERY" logs no
contains "no word" "$err" "its script left nothing"

# --- nodes without modules; modules that do not load ---
echo 'modules: [mpi/4.1]' >modules.yaml
exits 0 "$ORRERY" submit job.yaml --run-dir modules --site ./modules.yaml
exits 3 env -u MODULESHOME "BASH_FUNC_module%%=() { return 1; }" bash modules/slurm/script.sh
contains "module" "$err" "cannot load module mpi/4.1, which ./modules.yaml asks for (on "
exits 0 "$ORRERY" status modules
contains "status" "$out" "job 17: over: cannot load module mpi/4.1"
if ! bash -lc 'type module' >/dev/null 2>&1; then
    exits 3 bash modules/slurm/script.sh
    contains "none" "$err" "has no command 'module'"
fi
exits 0 env "BASH_FUNC_module%%=() { test \"\$*\" = 'load mpi/4.1'; }" bash modules/slurm/script.sh
same "loaded" 0 "$(cat modules/slurm/DONE)"

# --- whose the files are: as the umask says, but nothing is for anybody to change ---
for mask in 000 027 077; do
    (umask $mask && exits 0 "$ORRERY" submit job.yaml --run-dir "mask$mask")
    exits 0 env TMPDIR=/nonexistent/place bash "mask$mask/slurm/script.sh"
    contains "TMPDIR" "$err" "TMPDIR is /nonexistent/place, but: No such file or directory; going on with /tmp"
    same "$mask: the directory" 700 "$(stat -c %a "mask$mask")"
    same "$mask: for anybody" "" "$(find "mask$mask" -perm /o+w)"
done
same "modes" "664 640 600" "$(stat -c %a mask000/run.h5 mask027/run.h5 mask077/run.h5 | xargs)"

# --- a job that changed since the run began: said now, not in the queue ---
exits 2 "$ORRERY" submit job.yaml --run-dir "$odd" --set n=4
contains "changed" "$err" "changed since the run began"
exits 0 "$ORRERY" submit job.yaml --run-dir "$odd" --set n=4 --accept-changes --dry-run

# --- after another run ---
exits 2 "$ORRERY" submit job.yaml --run-dir third --after other
contains "never submitted" "$err" "never submitted"
exits 0 "$ORRERY" submit job.yaml --run-dir other
exits 2 "$ORRERY" submit job.yaml --run-dir third --after other --print
contains "not there" "$err" "its job is over, but the run is not"
export QUEUE_STATE="PENDING (Priority)"
exits 0 "$ORRERY" submit job.yaml --run-dir third --after other --print
contains "dependency" "$out" "#SBATCH --dependency=afterok:17"
QUEUE_STATE=
exits 0 "$ORRERY" submit job.yaml --run-dir third --after "$odd" --print
[[ $out != *dependency* ]] || fail "a dependency on a run that is over"

QUEUE_STATE="PENDING (Priority)"
sed 's/nodes: 2/nodes: 2, dependency: "singleton"/' job.yaml >single.yaml
exits 0 "$ORRERY" submit single.yaml --run-dir third --after other --print
contains "both" "$out" "#SBATCH --dependency=singleton,afterok:17"
sed -i 's/singleton/afterany:1?afterany:2/' single.yaml
exits 2 "$ORRERY" submit single.yaml --run-dir third --after other --print
contains "any" "$err" "--after cannot be added to dependency=afterany:1?afterany:2"
QUEUE_STATE=

# --- a run directory in memory ---
if shm=$(mktemp -d /dev/shm/orrery-test.XXXXXX 2>/dev/null) && [ "$(stat -f -c %T "$shm")" = tmpfs ]; then
    exits 0 "$ORRERY" submit job.yaml --run-dir "$shm/deep/run"
    contains "memory" "$err" "$shm/deep/run is in the memory of this machine (tmpfs)"
fi
[ -z "${shm-}" ] || rm -r "$shm"

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
