#!/usr/bin/env bash
# resume.sh [TASKS] - resume of TASKS (1,000,000) finished tasks
#
# A run of no-op tasks, and of 3,000 of a millisecond behind them, is killed (-9) when TASKS are counted. Prints, of
# the resume: seconds from its start to the first attempt of the new epoch, the memory of rank 0
# when it had taken over all results, and per finished task; of the end: bytes on disk a task; and how long
# run.h5 took (orrery export makes it again).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
tasks=${1:-1000000}
cd "$work"
cat >many.yaml <<YAML
orrery: 1
workflow: many
inputs: {n: {type: int, default: $((tasks + 3000))}}
facts:
  item: {i: int}
  made: {i: int}
functions:
  noop: {use: core.noop}
  sleep: {use: core.sleep}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: call
    match: {t: item}
    where: t.i < $tasks
    action: {call: noop, with: {i: t.i}}
    reaction: [{assert: made, with: {i: result.i}}]
  - rule: rest
    match: {t: item}
    where: t.i >= $tasks
    action: {call: sleep, with: {i: t.i, time: 1ms}}
    reaction: [{assert: made, with: {i: result.i}}]
outputs: {made: {each: made}}
YAML
/usr/bin/python3 - "$ORRERY" "$tasks" <<'PY'
import glob, h5py, json, os, signal, subprocess, sys, time

orrery, tasks = sys.argv[1], int(sys.argv[2])


def status():
    try:
        with open("run/status.json") as f:
            return json.load(f)
    except (FileNotFoundError, ValueError):
        return {"done": 0, "pid": 0}


def end_all():
    """Every process of this session's group, the ranks too."""
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if b"ORRERY_BENCH_RESUME=" + str(os.getpid()).encode() in f.read():
                    os.kill(int(path.split("/")[2]), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            pass


environment = dict(os.environ, ORRERY_BENCH_RESUME=str(os.getpid()))
run = subprocess.Popen([orrery, "run", "many.yaml", "-n", "2", "--run-dir", "run", "--quiet"],
                       env=environment, stderr=subprocess.DEVNULL)
while status()["done"] < tasks:
    if run.poll() is not None:
        sys.exit("the run ended before it was killed")
    time.sleep(0.05)
end_all()
run.wait()
end_all()
on_disk = sum(os.path.getsize(p) for p in glob.glob("run/shards/*"))

began = time.time()
resume = subprocess.Popen([orrery, "resume", "run", "-n", "2", "--quiet"], env=environment)
most = 0
replayed = (0, 0)  # results taken over, resident KiB: when the last one was
while resume.poll() is None:
    now = status()
    if now.get("epoch") == 2 and now["pid"]:
        try:
            with open(f"/proc/{now['pid']}/status") as f:
                memory = {line.split()[0]: int(line.split()[1]) for line in f if line.startswith("Vm")}
        except OSError:
            continue
        if now["reused"] > replayed[0]:
            replayed = (now["reused"], memory.get("VmRSS:", 0))
        most = max(most, memory.get("VmHWM:", 0))
    time.sleep(0.01)
if resume.returncode:
    sys.exit(f"resume: exit code {resume.returncode}")
ended = time.time()
with h5py.File("run/run.h5") as f:
    attempts = f["attempts"][:]
    facts = len(f["facts/made"])
new = attempts["epoch"] == 2
kept = len(attempts) - int(new.sum())
n = len(set(attempts["identity"]))
if facts != n or n != tasks + 3000:
    sys.exit(f"{facts} facts, {n} tasks: not what the workflow makes")
print(f"finished before                {kept}")
print(f"first new attempt              {attempts['start'][new].min() - began:.2f} s after the start")
print(f"last attempt to the end        {ended - (attempts['start'] + attempts['seconds'])[new].max():.2f} s (run.h5)")
BASE = 59 * 1024  # KiB, of a rank 0 with few tasks
print(f"rank 0, all taken over         {replayed[1] / 1024:.0f} MiB, "
      f"{(replayed[1] - BASE) * 1024 / replayed[0]:.0f} bytes a finished task beyond the 59 MiB of one with few")
print(f"rank 0, most memory            {most / 1024:.0f} MiB (run.h5)")
disk = sum(os.path.getsize(p) for p in glob.glob("run/shards/*"))
print(f"shards and indexes             {disk / len(attempts):.1f} bytes an attempt (23 of them payload)")
PY
