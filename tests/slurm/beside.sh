#!/usr/bin/env bash
# beside.sh - opportunistic jobs beside the job of a run: what sbatch is told, when they are refused, when
# they outlive the job; with a Slurm that only writes down what it is told
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
unset XDG_CONFIG_HOME
export HOME=$work/home
mkdir -p home bin fake

one_call flow >flow.yaml
# Jobs are lines of fake/queue: an id and a directory. What is said of guests alone is in fake/says.
cat >bin/sbatch <<'SH'
#!/bin/bash
[[ $* == *-guest* ]] && kind=guests || kind=job
printf '<%s>' "$@" >"$SLURM_FAKE/words-$kind"
while [ "$1" != --chdir ]; do shift; done
if [ $kind = guests ] && [ -s "$SLURM_FAKE/says" ]; then
    echo "sbatch: error: $(cat "$SLURM_FAKE/says")" >&2
    [ ! -e "$SLURM_FAKE/taken" ] || echo "99 $2" >>"$SLURM_FAKE/queue"
    exit 1
fi
id=$(($(cat "$SLURM_FAKE/id") + 1))
echo $id >"$SLURM_FAKE/id"
echo "$id $2" >>"$SLURM_FAKE/queue"
echo "$id;cluster"
SH
cat >bin/squeue <<'SH'
#!/bin/bash
[[ $* == *%Z* ]] && exec cat "$SLURM_FAKE/queue"
sed -n "s/^${!#} .*/PENDING (Priority)/p" "$SLURM_FAKE/queue"
SH
cat >bin/scancel <<'SH'
#!/bin/bash
echo "$@" >>"$SLURM_FAKE/cancelled"
for id; do sed -i "/^$id /d" "$SLURM_FAKE/queue"; done
SH
chmod +x bin/*
export PATH=$work/bin:$PATH SLURM_FAKE=$work/fake
echo 16 >fake/id
: >fake/queue
: >fake/cancelled
submit() { exits "$1" "$ORRERY" submit flow.yaml --run-dir run "${@:2}"; }
beside() { submit "$1" --opportunistic 2 "${@:2}"; }
over() { sed -i "/^$1 /d" fake/queue; }
cancelled() { tail -n 1 fake/cancelled; }

# --- what sbatch is told ---
beside 0 --opportunistic-partition spare -- --partition=main --qos gold -p fast --nodes 3
contains "both" "$out" $'job         17\n'
contains "both" "$out" "beside it   18 (2 opportunistic jobs)"
contains "the job's words" "$(cat fake/words-job)" "<--partition=main><--qos><gold><-p><fast><--nodes><3><"
contains "theirs" "$(cat fake/words-guests)" "<--job-name><flow-guest><--chdir><$work/run><--qos><gold><$work/run/slurm/guests.sh>"
contains "partition" "$(cat run/slurm/guests.sh)" "#SBATCH --partition=spare"
contains "log" "$(cat run/slurm/guests.sh)" "#SBATCH --output=slurm/guest-%A_%a.txt"
same "noted" "18" "$(tr '\0' 0 <run/slurm/guests)"
contains "status" "$("$ORRERY" status run)" "job 17: PENDING"

# --- they end with the job; one that is over is not told to ---
exits 0 "$ORRERY" cancel run
same "both" "17 18" "$(cancelled)"
contains "said" "$out" "beside it   18 cancelled (opportunistic jobs)"
exits 2 "$ORRERY" cancel run
beside 0
over 20
exits 0 "$ORRERY" cancel run
same "the job" 19 "$(cancelled)"

# --- they are in the queue, the job is over: none of them is the run's job ---
beside 0
over 21
contains "status" "$("$ORRERY" status run)" "job 21 is over"
exits 0 "$ORRERY" cancel run
same "guests" 22 "$(cancelled)"
exits 2 "$ORRERY" cancel run
beside 0
over 23
beside 0
same "the ones before" 24 "$(cancelled)"
contains "said" "$out" "before      24 cancelled (opportunistic jobs)"
same "the new ones" $'25\n26' "$(cut -d' ' -f1 fake/queue)"
same "jobs of the run" "17 19 21 23 25" "$(cut -d' ' -f1 run/slurm/jobs | xargs)"
over 25
submit 0
same "none, then" 26 "$(cancelled)"
over 27

# --- sbatch says no to them alone: the job is there ---
echo "Invalid partition name specified" >fake/says
echo 1 >run/slurm/DONE
beside 2 --opportunistic-partition spare --partition main
contains "refused" "$err" "sbatch refused the opportunistic jobs; the run has its own"
contains "why" "$err" "partition=spare comes from --opportunistic-partition; sinfo"
contains "job" "$out" "job         28"
[ ! -e run/slurm/DONE ] || fail "the job would find the run over"
exits 0 "$ORRERY" cancel run
same "the job" 28 "$(cancelled)"
# or does not say whether it took them: they are found all the same
echo "Socket timed out on send/recv operation" >fake/says
: >fake/taken
beside 3
contains "unsure" "$err" "may have taken the opportunistic jobs nevertheless: orrery cancel $work/run ends all"
submit 2
contains "has a job" "$err" "has a job already, 29 (PENDING)"
exits 0 "$ORRERY" cancel run
same "both" "29 99" "$(cancelled)"
