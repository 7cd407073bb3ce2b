#!/usr/bin/env bash
# slurm.sh [ROUNDS] - what a job costs before its first task, and between two turns
#
# In the Slurm of tests/slurm/lab.sh, four nodes of two cores: seconds from sbatch to the script, from
# the script to the first attempt; and, with scontrol requeue, from the last attempt of one turn to the first of
# the next, of which Slurm itself waits some (cred_expire, here 5 s). Needs root.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${1:-3}
cd "$work"
chmod 755 "$work"
export SLURM_LAB_DIR=$work/lab
lab() { bash "$root/tests/slurm/lab.sh" "$@"; }
trap 'lab stop >/dev/null 2>&1; rm -rf "$work"' EXIT
lab start 4 2
eval "$(lab env)"
unset TMPDIR
naps 1200 100ms >naps.yaml
/usr/bin/python3 - "$ORRERY" "$rounds" <<'PY'
import datetime, json, os, subprocess, sys, time

orrery, rounds = sys.argv[1], int(sys.argv[2])


def done(run):
    try:
        with open(f"{run}/status.json") as f:
            return json.load(f)["done"]
    except (FileNotFoundError, ValueError):
        return 0


def starts(run):
    """Unix times at which the script started, in whole seconds."""
    with open(f"{run}/slurm/attempts") as f:
        lines = [line.split() for line in f if ": on " in line]
    return [datetime.datetime.strptime(l[0], "%Y-%m-%dT%H:%M:%SZ")
            .replace(tzinfo=datetime.timezone.utc).timestamp() for l in lines]


def spread(label, numbers):
    numbers.sort()
    print(f"{label:44} {numbers[0]:6.1f} {numbers[len(numbers) // 2]:6.1f} {numbers[-1]:6.1f}")


to_script, to_attempt, between = [], [], []
for i in range(rounds):
    run = f"run{i}"
    asked = time.time()
    subprocess.run([orrery, "submit", "naps.yaml", "-d", run, "-N", "4", "--ntasks-per-node", "2"],
                   check=True, stdout=subprocess.DEVNULL)
    while done(run) < 200:
        time.sleep(0.05)
    job = open(f"{run}/slurm/jobs").read().split()[0]
    subprocess.run(["scontrol", "requeue", job], check=True)
    while not os.path.exists(f"{run}/slurm/DONE"):
        time.sleep(0.1)
    rows = json.loads(subprocess.run([orrery, "ls", run, "attempts", "--format", "json"], check=True,
                                     capture_output=True, text=True).stdout)
    first = {}
    last = {}
    for row in rows:
        epoch, start = row["epoch"], row["start"]
        first[epoch] = min(first.get(epoch, start), start)
        last[epoch] = max(last.get(epoch, 0), start + row["seconds"])
    script = starts(run)
    to_script.append(max(0, script[0] - asked))
    to_attempt.append(first[1] - script[0])
    between.append(first[2] - last[1])
print(f"{'seconds':44} {'min':>6} {'median':>6} {'max':>6}")
spread("submit to the script (whole seconds)", to_script)
spread("script to the first attempt", to_attempt)
spread("last attempt to the first of the next turn", between)
PY
