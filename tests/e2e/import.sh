#!/usr/bin/env bash
# import.sh - orrery import: what each format becomes compiles without warnings, is tidy and runs;
# order, results, failures, going on
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

# imports NAME FORMAT FILE OPTION...: into the folder NAME, and what must hold of both files
imports() {
    local name=$1 format=$2 file=$3
    shift 3
    exits 0 "$ORRERY" import "$format" "$file" -o "$name" --name "$name" "$@"
    contains "what next" "$out" "orrery run $name/$name.job.yaml"
    exits 0 "$ORRERY" validate "$name/$name.yaml" "$name/$name.job.yaml"
    same "no warnings of $name" "" "$err"
    exits 0 "$ORRERY" fmt --check "$name/$name.yaml"
    exits 0 "$ORRERY" run "$name/$name.job.yaml" --dry-run
}

# rows RUN TABLE OPTION...: its lines without the head
rows() { "$ORRERY" ls "$@" -f csv | tail -n +2 | tr -d '"\r'; }

# outcomes RUN: "id=outcome" of all tasks, in their order
outcomes() { rows "$1" facts/ended -c id,outcome | tr ',' '=' | xargs; }

# ---- a list of commands ----

cat >tasks.txt <<'END'
# a comment, and blank lines

echo 'a  b' "$FOO" {x} 'ü'
false
pwd; echo "$PARALLEL_SEQ"
echo twice >> log
echo twice >> log
[ -e mended ] || { echo not yet >&2; exit 7; }
END
export FOO='of the environment'
imports list tasks tasks.txt --retries 1
exits 1 "$ORRERY" run list/list.job.yaml -n 3 --run-dir list.run --quiet
contains "failed lines" "$err" "2 of 6 tasks failed: line 4, line 8"
same "outcomes" "line 3=done line 4=failed line 5=done line 6=done line 7=done line 8=failed" \
    "$(outcomes list.run)"
same "output" "a  b of the environment {x} ü" "$("$ORRERY" cat list.run 'facts/ended[0].stdout')"
same "directory and number" "$work 3" "$("$ORRERY" cat list.run 'facts/ended[2].stdout' | xargs)"
same "equal lines run each" 2 "$(wc -l <log)"
same "two attempts each" 4 "$(rows list.run errors -w 'function == "command"' -c task | wc -l)"
contains "why" "$("$ORRERY" ls list.run errors -w 'code == 7' -c stderr)" "not yet"
contains "why, as a fact" "$("$ORRERY" ls list.run facts/ended)" "exit 7: /bin/sh exited with code 7: not yet"
# Going on does what failed, and nothing else.
touch mended
exits 1 "$ORRERY" resume --retry-failed list.run -n 3 --quiet
contains "one is left" "$err" "1 of 6 tasks failed: line 4"
same "nothing twice" 2 "$(wc -l <log)"
same "who ran again" "line 4 line 8" "$(rows list.run attempts -w 'epoch == 2 and function == "command"' -c task |
    sort -un | sed 's/^1$/line 4/; s/^5$/line 8/' | xargs)"
# What is added at the end is what is run; lines that failed stay so until they are retried.
echo 'echo more >> log' >>tasks.txt
exits 0 "$ORRERY" import tasks tasks.txt -o list --name list --retries 1 --force
exits 1 "$ORRERY" resume --accept-changes list.run -n 3 --quiet
contains "the same one" "$err" "1 of 7 tasks failed: line 4"
same "the new one, once" "twice twice more" "$(xargs <log)"
echo true >all.txt
exits 0 "$ORRERY" import tasks - <all.txt
exits 0 "$ORRERY" run tasks/tasks.job.yaml -n 1 --run-dir all.run --quiet
imports limits tasks all.txt --timeout 1h30min --memory 4GiB --cores 2 --shell sh --directory /
for part in 'timeout: 1h30min' 'memory: 4GiB' 'cores: 2' 'exec sh -c'; do
    contains "limits" "$(cat limits/limits.yaml)" "$part"
done
contains "directory" "$(cat limits/limits.job.yaml)" 'directory: "/"'
: >many.txt
for ((i = 0; i < 12; i++)); do echo "exit 3" >>many.txt; done
imports many tasks many.txt
exits 1 "$ORRERY" run many/many.job.yaml -n 1 --run-dir many.run --quiet
contains "the first ten" "$err" "12 of 12 tasks failed: line 1, line 2, line 3, line 4, line 5, line 6, line 7, line 8, line 9, line 10, ..."

# Names and characters that shells and YAML have a mind about; they come out as they went in.
python3 - <<'END'
import random
random.seed(3)
parts = ["'", '"', '\\', '$x', '`', '{', '}', '{{', '%', ': ', ' #', '- ', '&', '*', '!', '|', '>', '\t', '\x01', '\x7f',
         '\u0085', '\u2028', '\ufeff', '\U0001f3ac', '\u00e4', 'null', '~', '[', ']', ',', '@', '?', ' ']
with open('odd.txt', 'w') as tasks, open('odd.expected', 'w') as expected:
    for i in range(60):
        text = 'x' + ''.join(random.choice(parts) for _ in range(12)) + 'x'
        tasks.write("printf %s '" + text.replace("'", "'\\''") + "'\n")
        expected.write(text + '\n')
END
imports odd tasks odd.txt
exits 0 "$ORRERY" run odd/odd.job.yaml -n 3 --run-dir odd.run --quiet
for ((i = 0; i < 60; i++)); do
    "$ORRERY" cat odd.run "facts/ended[$i].stdout"
    echo
done >odd.got
exits 0 cmp odd.expected odd.got

# The name of a file is no way into YAML, and becomes a name of a workflow.
cp -- all.txt $'-a b\n: {x\xe2\x80\xa8y\xff.z.txt'
exits 0 "$ORRERY" import tasks -o named -- $'-a b\n: {x\xe2\x80\xa8y\xff.z.txt'
exits 0 "$ORRERY" run named/imported.job.yaml -n 1 --run-dir named.run --quiet

# ---- disBatch ----

cat >batch.txt <<'END'
#DISBATCH PREFIX echo 
#DISBATCH SUFFIX  $DISBATCH_REPEAT_INDEX $DISBATCH_TASKID >> order
#DISBATCH REPEAT 3 start 5 step 2 first
#DISBATCH BARRIER
#DISBATCH PREFIX exit 3; 
second
#DISBATCH BARRIER
#DISBATCH PREFIX echo 
third
#DISBATCH BARRIER CHECK
fourth
#DISBATCH SUFFIX  ; false
fifth
#DISBATCH BARRIER CHECK
sixth
END
imports batch tasks batch.txt
exits 1 "$ORRERY" run batch/batch.job.yaml -n 3 --run-dir batch.run --quiet
contains "after a barrier" "$err" "2 of 8 tasks failed: line 6, line 13; not started because of that: 1"
same "before the barrier" "first 5 0 first 7 1 first 9 2" "$(head -n 3 order | sort | xargs)"
same "behind it" "third 0 6" "$(sed -n 4p order)"

# ---- DAGMan ----

mkdir dag dag/sub
cat >dag/work.sh <<'END'
#!/bin/sh
echo "start $1 $(date +%s%N)" >>"$HERE/times"
printf '[%s]' "$@" "$MODE"
echo "end $1 $(date +%s%N)" >>"$HERE/times"
END
chmod +x dag/work.sh
cat >dag/work.sub <<END
# what every node runs
executable  = work.sh
arguments   = "\$(JOB) 'two words' ""quoted"" \$(extra:none)"
environment = "MODE='of \$(JOB)' HERE=$work/dag"
output      = out.\$(JOB)
request_cpus   = 1
request_memory = 64M
queue
END
printf 'executable = /bin/false\nqueue 1\n' >dag/bad.sub
printf 'executable = work.sh\narguments = E\nenvironment = HERE=%s;MODE=m\ninitialdir = sub\noutput = o\n' "$work/dag" >dag/moved.sub
cat >dag/diamond.dag <<'END'
# a diamond, and a branch that fails
JOB A work.sub
JOB B work.sub
Job C work.sub
JOB D work.sub
JOB E moved.sub
JOB F bad.sub
JOB G work.sub
JOB H work.sub NOOP
PARENT A CHILD B C
PARENT B C CHILD D E H
PARENT A CHILD F
PARENT F CHILD G
VARS B extra="more"
RETRY F 1
PRIORITY D 5
DOT diamond.dot
END
imports diamond dag dag/diamond.dag
exits 1 "$ORRERY" run diamond/diamond.job.yaml -n 3 --run-dir diamond.run --quiet
contains "what failed" "$err" "1 of 7 tasks failed: F; not started because of that: 1"
same "outcomes" "A=done B=done C=done D=done E=done F=failed G=skipped H=passed" "$(outcomes diamond.run)"
same "arguments" '[B][two words]["quoted"][more][of B]' "$(cat dag/out.B)"
same "a default" '[A][two words]["quoted"][none][of A]' "$(cat dag/out.A)"
same "initialdir" "[E][m]" "$(cat dag/sub/o)"
same "retried" 2 "$(rows diamond.run errors -w 'function == "task_false"' -c task | wc -l)"
awk '{ at[$1 " " $2] = $3 }
    END { exit !(at["end A"] < at["start B"] && at["end A"] < at["start C"] && at["end B"] < at["start D"] &&
                 at["end C"] < at["start D"] && at["end B"] < at["start E"] && at["end C"] < at["start E"]) }' dag/times ||
    fail "the order of the diamond: $(cat dag/times)"
same "once each" 5 "$(grep -c start dag/times)"

# ---- Pegasus MPI Cluster ----

cat >pmc.dag <<'END'
#@ 1 x::y ID001
TASK A -m 10 -c 1 -t 2 -p 5 /bin/echo "a b" 'c d' e\ f
TASK B /bin/sh -c "exit 4"
TASK C /bin/echo $HOME
EDGE A C
EDGE B C
TASK D /bin/echo *
EDGE A D
END
imports pmc dag pmc.dag
exits 1 "$ORRERY" run pmc/pmc.job.yaml -n 3 --run-dir pmc.run --quiet
same "outcomes" "A=done B=failed C=skipped D=done" "$(outcomes pmc.run)"
same "words" "a b c d e f" "$("$ORRERY" cat pmc.run 'facts/ended[0].stdout')"
same "no shell" "*" "$("$ORRERY" cat pmc.run 'facts/ended[3].stdout')"
imports pmc2 dag pmc.dag --limit-memory --format pmc
contains "memory" "$(cat pmc2/pmc2.yaml)" "memory: 10MiB"
exits 2 "$ORRERY" import dag pmc.dag -o none --format dagman
contains "as DAGMan" "$err" "DAGMan has no 'TASK'"

# ---- WfCommons ----

python3 - <<'END'
import json, random
random.seed(5)
# layers of tasks, each with some of the layer before as parents
tasks, ran, files = [], [], []
layers = [1, 12, 25, 12, 1]
before = []
for depth, n in enumerate(layers):
    layer = []
    for i in range(n):
        id = f"step{depth}_ID{len(tasks):05}"
        parents = random.sample(before, min(len(before), random.randint(1, 4))) if before else []
        tasks.append(dict(name=id, id=id, parents=parents, children=[], inputFiles=["in"], outputFiles=[id + ".out"]))
        files.append(dict(id=id + ".out", sizeInBytes=1000))
        ran.append(dict(id=id, runtimeInSeconds=random.choice([0.5, 2.25]), coreCount=1, memoryInBytes=5000000,
                        command=dict(program="echo", arguments=[id, ">>", "ran"])))
        layer.append(id)
    before = layer
files.append(dict(id="in", sizeInBytes=77))
json.dump(dict(name="layers", schemaVersion="1.5", workflow=dict(
    specification=dict(tasks=tasks, files=files),
    execution=dict(makespanInSeconds=9, executedAt="x", tasks=ran))), open("layers.json", "w"), indent=1)
END
imports layers wfcommons layers.json --time-scale 0.01
exits 0 "$ORRERY" run layers/layers.job.yaml -n 3 --run-dir layers.run --quiet
# Each task once, none before its parents were over, for as long as was said.
cat >ordered.py <<'END'
import csv, json, subprocess, sys
orrery, trace, run = sys.argv[1:]
def table(name):
    text = subprocess.run([orrery, "ls", run, name, "-f", "csv"], check=True, capture_output=True, text=True).stdout
    return list(csv.DictReader(text.splitlines()))
spec = json.load(open(trace))["workflow"]
tasks = spec["specification"]["tasks"]
seconds = {t["id"]: t["runtimeInSeconds"] for t in spec["execution"]["tasks"]}
attempts = {}
for a in table("attempts"):
    attempts.setdefault(a["task"], []).append((float(a["start"]), float(a["seconds"])))
times = {}
for kind in sorted({t["id"].rsplit("_", 1)[0] for t in tasks}):
    for row in table("results/" + kind):
        id = tasks[int(row["i"]) - 1]["id"]
        assert id not in times and len(attempts[row["task"]]) == 1, id + " twice"
        times[id] = attempts[row["task"]][0]
assert len(times) == len(tasks), f"{len(times)} of {len(tasks)} tasks ran"
edges = 0
for t in tasks:
    assert times[t["id"]][1] >= seconds[t["id"]] * 0.01, t["id"] + " was too short"
    for parent in t["parents"]:
        start, took = times[parent]
        assert start + took <= times[t["id"]][0], f"{t['id']} started before {parent} was over"
        edges += 1
assert edges > 50
END
exits 0 python3 ordered.py "$ORRERY" layers.json layers.run
same "by category" "step0,1 step1,12 step2,25 step3,12 step4,1" "$(rows layers.run tasks -c function | grep step | sort | uniq -c | awk '{ print $2 "," $1 }' | xargs)"
contains "files" "$("$ORRERY" ls layers.run facts/task -n 1)" 77
# The recorded commands instead.
imports shells wfcommons layers.json --commands
exits 0 "$ORRERY" run shells/shells.job.yaml -n 3 --run-dir shells.run --quiet
same "each once" 51 "$(sort -u ran | wc -l)"
same "no more" 51 "$(wc -l <ran)"

# 20,000 tasks are data, not rules: they compile at once and in little memory.
python3 - <<'END'
import json
tasks = [dict(name=f"t_{i}", parents=[f"t_{i // 2}"] if i else [], runtimeInSeconds=0.5) for i in range(20000)]
json.dump(dict(schemaVersion="1.4", workflow=dict(tasks=tasks)), open("tree.json", "w"))
END
imports tree wfcommons tree.json
contains "all of them" "$out" "would succeed"
same "one function and the judge" 2 "$(grep -cE '^    (use|shell):' tree/tree.yaml)"

# ---- what is refused, and leaves nothing behind ----

exits 2 "$ORRERY" import tasks tasks.txt -o list
contains "there already" "$err" "list is there already: nothing was written (--force writes into it)"
exits 0 "$ORRERY" import tasks tasks.txt -o list --name list --force
exits 2 "$ORRERY" import task tasks.txt
contains "format" "$err" "there is no format 'task'; did you mean 'tasks'?"
exits 2 "$ORRERY" import tasks none.txt -o none
contains "no file" "$err" "cannot open none.txt"
exits 2 "$ORRERY" import tasks /dev/zero -o none
contains "huge" "$err" "larger than the limit"
printf 'JOB A a.sub\nJOB A a.sub\nPARENT A CHILD B\n' >wrong.dag
exits 2 "$ORRERY" import dag wrong.dag -o none
contains "no submit file" "$err" "wrong.dag:1:7: error: cannot open $work/a.sub"
contains "twice" "$err" "wrong.dag:2:5: error: 'A' is there already, in line 1"
contains "unknown" "$err" "wrong.dag:3:16: error: there is no task 'B'"
printf 'TASK A x\nTASK B x\nEDGE A B\nEDGE B A\n' >circle.dag
exits 2 "$ORRERY" import dag circle.dag -o none
exits 2 "$ORRERY" import dag layers.json -o none
contains "no graph" "$err" "layers.json: error: no graph: no line is one of DAGMan"
exits 2 "$ORRERY" import dag nowhere/x.dag -o none
contains "no folder" "$err" "cannot open nowhere/x.dag"
exits 2 "$ORRERY" import dag circle.dag -o none
contains "circle" "$err" "circle.dag:1:6: error: these tasks wait for each other: A -> B -> A"
python3 -c 'print("true\n" * 250000)' >more.txt
exits 2 "$ORRERY" import tasks more.txt -o none
contains "too many" "$err" "more.txt:200001:1: error: more than 200000 tasks"
for wrong in --timeout=30 --memory=4G --time-scale=2 --cores=0 --name=../x --shell='a b' --format=pmc --sleep; do
    exits 2 "$ORRERY" import tasks all.txt -o none "$wrong"
done
exits 2 "$ORRERY" import wfcommons layers.json -o none --time-scale=-1
exits 2 "$ORRERY" import wfcommons layers.json -o none --commands --sleep
[ ! -e none ] || fail "something was written"
exits 3 "$ORRERY" import tasks all.txt -o gone/none
