#!/usr/bin/env bash
# resources.sh - memory and GPUs: who runs beside whom, what is refused, what is ended, and that
# all comes back when workers die
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
#
# alone: it fills memory
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
unset CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES HIP_VISIBLE_DEVICES GPU_DEVICE_ORDINAL
unset SLURM_STEP_GPUS SLURM_JOB_GPUS SLURM_MEM_PER_NODE SLURM_MEM_PER_CPU
run= # in the background
tidy() {
    local code=$?
    [ -z "$run" ] || kill -INT "$run" 2>/dev/null || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT
rows() { "$ORRERY" ls "$1" "$2" --format csv | tr -d '\r' | tail -n +2; }

# workflow NAME FUNCTION: NAME.yaml with n calls of it, whose `text` is kept
workflow() {
    cat >"$1.yaml" <<YAML
orrery: 1
workflow: $1
inputs: {n: {type: int, default: 1}, mark: {type: string, default: $work/mark-$1}}
facts: {item: {i: int}, made: {i: int, text: string}}
functions:
  f:
    in: {i: int, mark: string}
    stdout: text
$2
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.n), assert: item, with: {i: i}}]
  - rule: call
    match: {j: job, t: item}
    action: {call: f, with: {i: t.i, mark: j.mark}}
    reaction: [{assert: made, with: {i: t.i, text: strip(result.text)}}]
    error: [{assert: made, with: {i: t.i, text: "{error.kind}: {error.message}"}}]
outputs: {made: {each: made}}
YAML
}

# ---- GPUs: each attempt has its own, and the variables say which ----

# Each writes down who else has one of its devices.
workflow gpus '    gpus: 2
    shell: |
      mkdir -p {mark}
      for g in $(echo "$CUDA_VISIBLE_DEVICES" | tr , " "); do
          mkdir {mark}/$g || exit 9
      done
      sleep 0.1
      for g in $(echo "$CUDA_VISIBLE_DEVICES" | tr , " "); do rmdir {mark}/$g; done
      echo "$CUDA_VISIBLE_DEVICES $ORRERY_GPUS ${{HIP_VISIBLE_DEVICES-unset}}"'
CUDA_VISIBLE_DEVICES=4,5,GPU-7a,GPU-7b exits 0 "$ORRERY" run gpus.yaml -n 5 -d gpus -q --set n=12
same "devices" "4,5 4,5 unset
GPU-7a,GPU-7b GPU-7a,GPU-7b unset" "$(rows gpus facts/made | cut -d'"' -f2 | sort -u)"
same "calls" 12 "$(rows gpus facts/made | wc -l)"
exits 0 "$ORRERY" run gpus.yaml -n 1 -d alone -q --set n=3 --gpus-per-node 2
same "alone" '"0,1 0,1 unset"' "$(rows alone facts/made | cut -d, -f3- | sort -u)"

# ---- what can never be placed fails at once, with both numbers ----

exits 0 "$ORRERY" run gpus.yaml -n 2 -d nogpus -q
contains "no GPUs" "$(rows nogpus facts/made)" \
    "invalid: it asks for more GPUs than any node has: 2, the node with most has 0"
workflow huge '    memory: 64TiB
    shell: "true"'
exits 0 "$ORRERY" run huge.yaml -n 2 -d huge -q --memory-per-node 47GiB
contains "no memory" "$(rows huge facts/made)" \
    "invalid: it asks for more memory than any node has: 64 TiB, the largest has 47 GiB"

# ---- memory: no more side by side than fits, and what waits says for what ----

workflow beside '    memory: 3GiB
    shell: |
      until [ -e {mark} ]; do sleep 0.05; done'
"$ORRERY" run beside.yaml -n 5 -d beside -q --set n=4 --memory-per-node 8GiB &
run=$!
two_run() { "$ORRERY" status beside | grep -q '2 running, 2 waiting'; }
wait_until two_run
says() { "$ORRERY" status beside | grep -q 'f .*waits for memory'; }
wait_until says
contains "why" "$("$ORRERY" why beside 2>/dev/null)" \
    "calls of 'f' wait for memory: each asks for 1 core, 3 GiB of memory"
: >mark-beside
wait "$run"
run=
same "all of them" 4 "$(rows beside facts/made | wc -l)"

# ---- a wide call lets others go first, for a while ----

# The narrow calls end the one that the wide one waits for; there are always more of them.
cat >overtake.yaml <<YAML
orrery: 1
workflow: overtake
facts: {item: {i: int}, seen: {n: int}}
functions:
  holds: {priority: 9, shell: "until [ \$(ls | wc -l) -ge 2 ]; do sleep 0.02; done", cwd: $work/narrow}
  wide: {priority: 8, cores: 3, shell: "ls | wc -l", cwd: $work/narrow, stdout: text}
  narrow: {in: {i: int}, shell: ": >{i}; sleep 0.1", cwd: $work/narrow}
rules:
  - {rule: holds, match: {j: job}, action: {call: holds}}
  - {rule: wide, match: {j: job}, action: {call: wide}, reaction: [{assert: seen, with: {n: int(strip(result.text))}}]}
  - {rule: many, match: {j: job}, then: [{for: i in range(30), assert: item, with: {i: i}}]}
  - {rule: narrow, match: {t: item}, action: {call: narrow, with: {i: t.i}}}
outputs: {seen: {fact: seen}}
YAML
mkdir narrow
exits 0 timeout 100 "$ORRERY" run overtake.yaml -n 4 -d overtake -q
seen=$(rows overtake facts/seen | cut -d, -f2)
# at most three cores' worth overtook it, and some may have begun before it came
[ "$seen" -ge 2 ] && [ "$seen" -le 6 ] || fail "$seen narrow calls went before the wide one"
checks=$((checks + 1))

# ---- a worker dies: its GPU comes back ----

# The agent (rank 1) holds one GPU; the other is needed again after a worker died with it.
workflow dies '    gpus: 1
    shell: |
      if [ "$ORRERY_RANK" = 1 ]; then
          until [ -e {mark}-again ]; do sleep 0.05; done
      elif mkdir {mark} 2>/dev/null; then
          zygote=$(sed -n "s/^PPid:[[:space:]]*//p" /proc/$PPID/status)
          kill -KILL $(sed -n "s/^PPid:[[:space:]]*//p" /proc/$zygote/status)
          sleep 1000
      else
          : >{mark}-again
      fi
      echo "$CUDA_VISIBLE_DEVICES"'
exits 0 timeout 100 "$ORRERY" run dies.yaml -n 4 -d dies -q --set n=4 --gpus-per-node 2
contains "it died" "$err" "worker rank"
same "all calls" 4 "$(rows dies facts/made | grep -c '^0,[0-3],"*[01]"*$')"

# ---- what holds more than its memory is ended ----

command -v python3 >/dev/null || skip "no python3"
hold() { # MIB [SECONDS]: a program that holds that much
    echo "import time; x = b'x' * ($1 << 20); time.sleep(${2-1000})"
}
workflow hog "    memory: 100MiB
    shell: |
      echo last words >&2
      exec python3 -c \"$(hold 300)\""
exits 0 "$ORRERY" run hog.yaml -n 2 -d hog -q
told=$(rows hog facts/made)
contains "kind" "$told" "memory: /bin/sh used "
contains "limit" "$told" " MiB of memory, more than its limit of 100 MiB: last words"
if [ "${ORR_SANITIZED-}" != ON ]; then
    workflow family "    memory: 150MiB
    shell: |
      for i in 1 2 3 4; do python3 -c \"$(hold 60)\" & done
      wait"
    exits 0 "$ORRERY" run family.yaml -n 2 -d family -q
    contains "children count" "$(rows family facts/made)" "more than its limit of 150 MiB"
fi
same "nothing is left behind" "" "$(pgrep -f "x = b'x' \* \(300 << 20" || true)"
# an address space is not memory, nor are pages that children share
workflow mapped '    memory: 100MiB
    shell: |
      python3 -c "import mmap, time; m = mmap.mmap(-1, 8 << 30); time.sleep(0.4)"
      echo fine'
exits 0 "$ORRERY" run mapped.yaml -n 2 -d mapped -q
same "mapped" '0,0,fine' "$(rows mapped facts/made | tr -d '"')"
# a function in C: any process of ours holds more than that
cat >native.yaml <<'YAML'
orrery: 1
workflow: native
facts: {made: {text: string}}
functions: {nap: {use: core.sleep, memory: 100KiB}}
rules:
  - rule: call
    match: {j: job}
    action: {call: nap, with: {i: 1, time: 1h}}
    reaction: [{assert: made, with: {text: "woke up"}}]
    error: [{assert: made, with: {text: "{error.kind}: {error.message}"}}]
outputs: {made: {each: made}}
YAML
exits 0 "$ORRERY" run native.yaml -n 2 -d native -q
contains "native" "$(rows native facts/made)" "memory: core.sleep used "
contains "native" "$(rows native facts/made)" "more than its limit of 100 KiB"

# ---- what is printed without end is ended, whatever it does about TERM ----

workflow endless '    timeout: 1h
    shell: |
      trap "" TERM
      head -c 70000000 /dev/zero
      while :; do sleep 1; done'
exits 0 "$ORRERY" run endless.yaml -n 2 -d endless -q
contains "endless" "$(rows endless facts/made)" "memory: /bin/sh wrote more than 64 MiB to standard output"

# ---- the plan of a machine ----

exits 0 "$ORRERY" topo --synthetic "pack:2 [numa] core:4 pu:2" --bind numa --cores-per-rank 2
contains "by domains" "$out" "   3   4-5     1  8-15"
exits 0 "$ORRERY" topo --synthetic "pack:2 [numa] core:4 pu:1" --bind none -n 2
contains "not bound" "$out" "   2     1     0  any"
exits 0 "$ORRERY" topo --xml "$source_dir/tests/golden/machines/three-gpus.xml"
contains "recorded" "$out" "GPUs cuda0 (NUMA 0), cuda1 (NUMA 1), cuda2 (NUMA 1)"
CUDA_VISIBLE_DEVICES=2,3 exits 0 "$ORRERY" topo
contains "GPUs" "$out" "GPUs 2, 3 (by CUDA_VISIBLE_DEVICES)"
exits 2 "$ORRERY" topo --xml a --synthetic b
contains "two machines" "$err" "--xml and --synthetic are two machines: give one"
exits 2 "$ORRERY" topo --bind hard
contains "bind" "$err" "orrery topo: --bind is core, numa or none, not 'hard'"

# ---- simulated nodes have memory and GPUs as well ----

cat >pack.yaml <<'YAML'
orrery: 1
workflow: pack
inputs: {n: {type: int, default: 32}}
facts: {item: {i: int}, made: {i: int}}
functions:
  wide: {use: core.sleep, cost: 1.0, example: {i: i}, memory: 10GiB, gpus: 1}
rules:
  - rule: expand
    match: {j: job}
    then: [{for: i in range(j.n), assert: item, with: {i: i}}]
  - rule: call
    match: {t: item}
    action: {call: wide, with: {i: t.i, time: 1s}}
    reaction: [{assert: made, with: {i: t.i}}]
outputs: {made: {each: made}}
YAML
makespan() { sed -n 's/.*"makespan": \([0-9]*\).*/\1/p' <<<"$out"; }
exits 0 "$ORRERY" simulate pack.yaml --nodes 2 --cores 16 --gpus 8 --json
same "8 at once by GPUs" 2 "$(makespan)"
exits 0 "$ORRERY" simulate pack.yaml --nodes 2 --cores 16 --gpus 8 --memory 45GiB --json
same "4 at once by memory" 4 "$(makespan)"
# calls that use cores only, ahead of them in the nodes' queues, do not keep GPUs idle
cat >mix.yaml <<'YAML'
orrery: 1
workflow: mix
inputs: {plain: {type: int, default: 1}}
facts: {item: {i: int}, other: {i: int}, made: {i: int}}
functions:
  gpu: {use: core.sleep, cost: 1.0, example: {i: i}, gpus: 1}
  cpu: {use: core.sleep, cost: 1.5, example: {i: i}}
rules:
  - rule: expand
    match: {j: job}
    then:
      - {for: i in range(200), assert: item, with: {i: i}}
      - {for: i in range(j.plain), assert: other, with: {i: i + 1000}}
  - rule: gpu
    match: {t: item}
    action: {call: gpu, with: {i: t.i, time: 1s}}
    reaction: [{assert: made, with: {i: t.i}}]
  - rule: cpu
    match: {t: other}
    action: {call: cpu, with: {i: t.i, time: 1s}}
    reaction: [{assert: made, with: {i: t.i}}]
outputs: {made: {each: made}}
YAML
exits 0 "$ORRERY" simulate mix.yaml --nodes 2 --cores 16 --gpus 4 --json --spread 50%
bare=$(makespan)
exits 0 "$ORRERY" simulate mix.yaml --nodes 2 --cores 16 --gpus 4 --json --spread 50% --set plain=300
[ "$(makespan)" -le $((bare + 1)) ] || fail "200 calls on 8 GPUs: $(makespan) s beside others, $bare s alone"
checks=$((checks + 1))
exits 1 "$ORRERY" simulate pack.yaml --nodes 2 --cores 16 --gpus 1 --memory 9GiB
contains "too small" "$err" "it asks for more memory than any node has: 10 GiB, the largest has 9 GiB"
