#!/usr/bin/env bash
# turns.sh - the scripts of orrery submit as Slurm plays them, beside a program that ends as it is told:
# which job asks for another turn, which exit code counts; needs no Slurm
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
unset XDG_CONFIG_HOME SLURM_RESTART_COUNT SLURM_JOB_ID SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID
export HOME=$work/home
mkdir -p home bin

one_call flow >flow.yaml
cat >bin/scontrol <<'SH'
#!/bin/sh
mkdir "$SLURM_FAKE/$*" # a full disk takes directories still
exit 1                 # or the script would wait to be killed
SH
cat >bin/squeue <<'SH'
#!/bin/sh
echo "$*" >>"$SLURM_FAKE/squeue"
echo 10:00
SH
chmod +x bin/*
export PATH=$work/bin:$PATH SLURM_FAKE=$work/fake

# The scripts of the run, but of $PROGRAM: plain.sh, guests.sh, array.sh.
"$ORRERY" submit flow.yaml --print --run-dir run --opportunistic 2 >both.sh
sed '/^# ====/,$d' both.sh >plain.sh
sed '1,/^# ====/d' both.sh >guests.sh
"$ORRERY" submit flow.yaml --print --run-dir run --array >array.sh
sed -i "s|^$ORRERY .* &\$|bash -c \"\$PROGRAM\" \&|" plain.sh guests.sh array.sh
sed -i 's|^while .*trapped|mkdir -p run/slurm/hears # who signals before is not heard\n&|' plain.sh guests.sh array.sh
same "programs" 3 "$(cat plain.sh guests.sh array.sh | grep -c 'PROGRAM" &$')"
# play CODE SCRIPT PROGRAM: in a new run, as Slurm starts the element that has the array's id, 36
play() {
    rm -rf run fake
    mkdir -p run/slurm fake
    PROGRAM=$3 exits "$1" env SLURM_JOB_ID=36 SLURM_ARRAY_JOB_ID=36 SLURM_ARRAY_TASK_ID=2 bash "$2"
}
asked() { find fake -mindepth 1 -printf '%f\n' | sort | paste -sd,; }

# --- another turn is asked for by the element's own id: the other one is that of all elements ---
play 75 plain.sh 'exit 75'
same "a job" "requeue 36" "$(asked)"
play 75 array.sh 'exit 75'
same "an element" "requeue 36_2" "$(asked)"
play 0 guests.sh 'trap "exit 0" TERM; until [ -e run/slurm/hears ]; do :; done; kill -USR1 $PPID; while :; do :; done'
same "a guest" "requeue 36_2" "$(asked)"

# --- what is left of the time is that of the element, too ---
# left ID VARIABLE...: who is asked about
left() {
    rm -f fake/squeue
    exits 0 env "${@:2}" "$ORRERY" run flow.yaml -n 1 --quiet --run-dir "left$1"
    same "left of $1" "--noheader --format=%L %e --jobs $1" "$(cat fake/squeue)"
}
left 36 SLURM_JOB_ID=36
left 36_2 SLURM_JOB_ID=36 SLURM_ARRAY_JOB_ID=36 SLURM_ARRAY_TASK_ID=2
left 37 SLURM_JOB_ID=37 SLURM_ARRAY_JOB_ID=36 SLURM_ARRAY_TASK_ID=1 # or submitted by an element

# --- the program ends while the script still hears that the end is near ---
cat >bin/date <<'SH'
#!/bin/bash
if [ -s "$SLURM_FAKE/pid" ]; then
    mkdir -p "$SLURM_FAKE/trap"
    while kill -0 "$(cat "$SLURM_FAKE/pid")" 2>/dev/null; do :; done
fi
exec /usr/bin/env -i /bin/date "$@"
SH
chmod +x bin/date
ends() {
    echo "echo \$\$ >fake/pid; until [ -e run/slurm/hears ]; do :; done; kill -USR1 \$PPID
until [ -e fake/trap ]; do :; done; exit $1"
}
play 75 plain.sh "$(ends 75)"
same "another turn" "pid,requeue 36,trap" "$(asked)"
play 0 plain.sh "$(ends 0)"
same "done" 0 "$(cat run/slurm/DONE)"
play 137 plain.sh "$(ends 137)" # or is killed
same "no turn" pid,trap "$(asked)"
rm bin/date

# --- the machine or the store: two more turns; none where the disk is too full to count them ---
play 3 plain.sh 'exit 3'
same "another turn" "requeue 36" "$(asked)"
for turn in 2 3; do
    rm -r "fake/requeue 36"
    PROGRAM='exit 3' exits 3 env SLURM_JOB_ID=36 bash plain.sh
    same "turn $turn" "$([ $turn = 3 ] || echo "requeue 36")" "$(asked)"
done
play_full() (
    trap '' XFSZ
    ulimit -f 0
    PROGRAM='exit 3' SLURM_JOB_ID=36 bash plain.sh >/dev/null 2>&1
)
rm -rf run fake
mkdir -p run/slurm fake
code=0
play_full || code=$?
same "full: exit code" 3 "$code"
same "full: no turn" "" "$(asked)"
