#!/usr/bin/env bash
# cluster.sh [NAME...] - runs as jobs of a real Slurm of 21 nodes on this machine (lab.sh)
#
# Each part ends with what a calm run on this machine made: killed by cable, power, slurmd,
# time limit, preemption, cancel and submit again, requeue; arrays; several users. Most of the time is
# waiting (silence of 30 s, a time limit of a minute), so the parts run in lanes beside each other, each
# lane on nodes of its own. Needs root: else it is skipped.
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh source=../fault/kit.sh
#
# alone: a cluster needs the machine
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../fault/kit.sh"
[ "$(id -u)" = 0 ] || skip "not root: no Slurm lab (namespaces)"
unshare --net --uts --ipc --mount --pid --fork true 2>/dev/null ||
    skip "no namespaces here (CAP_SYS_ADMIN): no Slurm lab"
cd "$work"
export SLURM_LAB_DIR=$work/lab
lab() { bash "$source_dir/tests/slurm/lab.sh" "$@"; }
tidy() {
    local code=$?
    lab stop >/dev/null 2>&1 || true
    return "$code"
}
trap 'tidy || at_exit; at_exit' EXIT
umask 022
chmod 755 "$work"
cp "$ORRERY" "$work/orrery" # for users who do not see ours
tasks=900
many_yaml | sed 's/time: 3ms/time: 120ms/' >many.yaml
sed 's/time: 120ms/time: 500ms/' many.yaml >slow.yaml # the same facts, half a minute
# What a calm run makes, while the lab starts.
calm() {
    exits 0 "$ORRERY" run many.yaml --set n=$tasks -n 9 --run-dir "$work/calm" --quiet
    made calm >expected
}

calm &
calm=$!
lab start 21 2 2>lab.log || fail "the lab does not start: $(cat lab.log)"
eval "$(lab env)"
unset TMPDIR
wait "$calm" || fail "the calm run"
expected=$(cat expected)
only=" $* "
wanted() { [ "$only" = "  " ] || [[ $only == *" $1 "* ]]; }
begin() { echo "-- $1 ($SECONDS s)"; }

# lane NODES PART...: one after the other, each wanted part in a folder of its own, on these nodes
# alone. Its output comes when it is over.
lane() {
    local nodes=$1
    shift
    others=$(for i in {1..21}; do [[ " $nodes " == *" $i "* ]] || echo "node$i"; done | paste -sd,)
    place=$work
    for part; do
        wanted "$part" || continue
        work=$place/in-$part
        mkdir "$work"
        cp many.yaml slow.yaml "$work"
        (
            cd "$work"
            "part_$part"
            echo "$checks" >"$place/$part.checks"
        )
        echo "   $part is done ($SECONDS s)"
    done
}
start_lane() {
    lane "$@" >"$work/lane-$1.log" 2>&1 &
    lanes+=("$!:$work/lane-$1.log")
}
end_lanes() {
    local each bad=0
    for each in "${lanes[@]}"; do
        wait "${each%%:*}" || bad=1
        cat "${each#*:}"
    done
    [ $bad = 0 ] || fail "see above"
}
lanes=()

# submit RUN OPTION...: four nodes of two cores of this lane, unless the options say otherwise
submit() {
    local run=$1
    shift
    exits 0 "$ORRERY" submit "${flow:-many.yaml}" --set n=$tasks --run-dir "$run" --nodes 4 \
        --ntasks-per-node 2 "$@" -- --exclude="$others"
}
job_of() { tail -n 1 "$1/slurm/jobs" | cut -d' ' -f1; }
counted() { sed -n 's/^  "done": \([0-9]*\),$/\1/p' "$1/status.json" 2>/dev/null | grep . || echo 0; }
has_counted() { [ "$(counted "$1")" -ge "$2" ]; }
over() { [ -s "$1/slurm/DONE" ]; }
nodes_of() { scontrol show hostnames "$(squeue -h -j "$(job_of "$1")" -o %N)"; }
last_node() { nodes_of "$1" | tail -n 1; }
first_node() { nodes_of "$1" | head -n 1; }
# Turns in which the run began: Open MPI may crash before (docs/design/slurm.md), which costs one.
starts() {
    local crashed
    crashed=$(cat "$1"/slurm/log-*.txt | grep -c 'ended (exit code 139) before rank 0') || true
    echo $(($(grep -c ': on ' "$1/slurm/attempts") - crashed))
}
# From asking for another turn to the next start: Slurm's wait (cred_expire, 5 s here) and scheduling.
turn_gap() {
    sed -n '/asks for another turn/{s/ .*//;p;n;s/ .*//;p;q}' "$1/slurm/attempts" |
        while read -r time; do date -d "$time" +%s; done | paste -sd' ' | awk '{print $2 - $1}'
}
out_of_queue() { [ -z "$(squeue -h -j "$(job_of "$1")" -o %T 2>/dev/null)" ]; }
# Of an array's elements that run: the index of the one whose number is the array's own, and another.
base_of() { squeue -h --array -t R -j "$1" -o '%A %K' | sed -n "s/^$1 //p"; }
other_of() { squeue -h --array -t R -j "$1" -o '%A %K' | sed -n "/^$1 /!{s/.* //p;q}"; }
restarts() { scontrol show job "$1" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p'; }
has_begun_again() { [ "$(restarts "$1")" -ge 1 ]; }
is_up() { [[ $(sinfo -h -n "$1" -p main -o %t) =~ ^(idle|mix|alloc|comp)$ ]]; }

# good RUN: it is over, and made what the calm run made, each task once
good() {
    wait_until over "$1"
    same "$1: exit code" 0 "$(cat "$1/slurm/DONE")"
    same "$1: what it made" "$expected" "$(made "$1")"
    same "$1: facts are there once" "" \
        "$("$ORRERY" ls "$1" facts/done --format csv | cut -d, -f1,2 | sort | uniq -d)"
    exits 0 "$ORRERY" verify "$1"
}

part_calm() {
    begin "a job from start to end"
    submit one
    good one
    same "nodes that worked" 4 "$("$ORRERY" ls one attempts --format json | grep -o '"host": "node[0-9]*"' | sort -u | wc -l)"
    wait_until out_of_queue one
    contains "status of the job" "$("$ORRERY" status one)" "job $(job_of one): over"
    exits 2 "$ORRERY" cancel one
    contains "nothing to cancel" "$err" "is over (exit code 0)"
    exits 0 "$ORRERY" logs one
    contains "logs" "$out" "many: succeeded"
    submit one --nodes 1 # again: all is done
    good one
    # from a shell within a step, as `srun --pty bash` gives one
    exits 0 timeout 100 srun -Q --mpi=none -N1 -n1 -c2 --exclude="$others" \
        "$ORRERY" run many.yaml --set n=30 \
        --run-dir "$work/step" --quiet
}

part_limit() {
    begin "the time limit: drained, requeued, resumed"
    sed 's/time: 120ms/time: 1s/' many.yaml >slower.yaml # 75 s
    flow=slower.yaml submit limit --time 1 --warn 45
    good limit
    [ "$(starts limit)" -gt 1 ] || fail "limit: one start was enough: nothing was tried"
    contains "limit: told" "$(cat limit/slurm/attempts)" "told that the end is near"
    contains "limit: drained" "$(cat limit/slurm/attempts)" "exit code 75"
    echo "another turn after $(turn_gap limit) s"
}

part_known() {
    begin "the end is known: what fits is started, what does not is left for the next turn"
    cat >mix.yaml <<'YAML'
orrery: 1
workflow: mix
inputs: {n: {type: int, default: 1}}
facts: {big: {i: int}, small: {i: int}, done_big: {i: int}, done_small: {i: int}}
functions:
  encode: {use: core.sleep, cost: seconds(time)}
  measure: {use: core.sleep}
rules:
  - {rule: bigs, match: {j: job}, for: i in range(16), assert: big, with: {i: i}}
  - {rule: smalls, match: {j: job}, for: i in range(300), assert: small, with: {i: i}}
  - rule: encode
    match: {t: big}
    action: {call: encode, with: {i: t.i, time: 25s}}
    reaction: [{assert: done_big, with: {i: result.i}}]
  - rule: measure
    match: {t: small}
    action: {call: measure, with: {i: t.i, time: 500ms}}
    reaction: [{assert: done_small, with: {i: result.i}}]
outputs: {done_big: {each: done_big}, done_small: {each: done_small}}
YAML
    # a minute, of which Slurm may take any part away with its signal: two turns are enough
    flow=mix.yaml submit known --time 1 --warn 30
    wait_until over known
    same "known: exit code" 0 "$(cat known/slurm/DONE)"
    same "known: all is done" 316 "$(counted known)"
    [ "$(starts known)" = 2 ] || [ "$(starts known)" = 3 ] || fail "known: $(starts known) turns"
    same "known: nothing was cut off" 0 \
        "$("$ORRERY" ls known attempts --format csv | grep -c ',lost,' || true)"
}

part_longer() {
    begin "more time, while it runs: it needs no other turn"
    flow=slow.yaml submit longer --time 1 --warn 10
    wait_until has_counted longer 20
    scontrol update "JobId=$(job_of longer)" TimeLimit=10
    good longer
    same "longer: starts" 1 "$(starts longer)"
}

part_cancel() {
    begin "cancelled, and submitted again"
    submit cancel
    wait_until has_counted cancel 100
    exits 2 "$ORRERY" submit many.yaml --set n=$tasks --run-dir cancel
    contains "no second job" "$err" "has a job already"
    exits 0 "$ORRERY" cancel cancel
    wait_until out_of_queue cancel
    [ ! -e cancel/slurm/DONE ] || fail "cancel: it was over before"
    had=$(counted cancel)
    submit cancel
    good cancel
    same "cancel: sessions" 2 "$(sed -n 's/^epoch //p' cancel/run)"
    [ "$had" -ge 100 ] || fail "cancel: what was counted ($had) is not there any more"
}

part_requeue() {
    begin "scontrol requeue"
    submit requeue
    wait_until has_counted requeue 100
    scontrol requeue "$(job_of requeue)"
    good requeue
    same "requeue: starts" 2 "$(starts requeue)"
}

part_preempt() {
    begin "preempted by an urgent job"
    flow=slow.yaml submit preempt --partition scavenge
    wait_until has_counted preempt 100
    sbatch -Q -p urgent -N 4 --exclude="$others" --exclusive --output=/dev/null --wrap 'sleep 2'
    good preempt
    [ "$(starts preempt)" -gt 1 ] || fail "preempt: it was not preempted"
}

part_guests() {
    begin "opportunistic jobs come, are preempted, come again, are killed; the run loses nothing"
    sed -e 's/{use: core.sleep, /{use: core.sleep, opportunistic: true, /' slow.yaml >guests.yaml
    exits 0 "$ORRERY" submit guests.yaml --set n=$tasks --run-dir guests --nodes 2 \
        --ntasks-per-node 2 --partition main --opportunistic 2 --opportunistic-partition scavenge \
        -- --exclude="$others"
    wait_until grep -q '"guests": 2' guests/status.json
    contains "guests: status" "$("$ORRERY" status guests)" "opportunistic: 2 more nodes"
    wait_until has_counted guests 100
    id=$(cat guests/slurm/guests)
    base=${id}_$(base_of "$id")
    other=${id}_$(other_of "$id")
    scancel --batch --signal=USR1 "$base"
    wait_until has_begun_again "$base"
    same "guests: the other stays" 0 "$(restarts "$other")"
    wait_until grep -q '"guests": 2' guests/status.json
    sbatch -Q -p urgent -N 2 --exclude="$others" --exclusive --output=/dev/null --wrap 'sleep 2'
    wait_until grep -q '"guests": 0' guests/status.json
    wait_until grep -q '"guests": 2' guests/status.json # they are there again
    good guests
    same "guests: starts" 1 "$(starts guests)"
    same "guests: lost nodes" '  "lost_nodes": 0,' "$(grep lost_nodes guests/status.json)"
    same "guests: failures" '  "failed_attempts": 0,' "$(grep '^  "failed_attempts' guests/status.json)"
    [ "$("$ORRERY" ls guests attempts --format csv | cut -d, -f6 | grep node | sort -u | wc -l)" = 4 ] ||
        fail "guests: they did nothing"
    [ -s "guests/slurm/guest-${id}_1.txt" ] || fail "guests: no log"
    all_gone() { [ -z "$(squeue -h -n many-guest)" ]; }
    wait_until all_gone
    # they wait still when the job is over: nobody takes them for the job, and they can be ended
    exits 0 "$ORRERY" submit guests.yaml --set n=30 --run-dir left --nodes 1 --ntasks-per-node 2 \
        --partition main --opportunistic 2 -- --exclude="$others" --hold
    scontrol release "$(job_of left)"
    wait_until over left
    wait_until out_of_queue left
    exits 0 env SQUEUE_PARTITION=urgent "$ORRERY" submit guests.yaml --set n=30 --run-dir left --nodes 1 \
        --partition main --opportunistic 2 -- --exclude="$others" --hold
    contains "guests: the ones before" "$out" "before "
    same "guests: jobs" 2 "$(wc -l <left/slurm/jobs)"
    scancel "$(job_of left)"
    wait_until out_of_queue left
    exits 0 "$ORRERY" cancel left
    wait_until all_gone
}

part_suspend() {
    begin "suspended for longer than a silent node is given up after, and resumed"
    ORRERY_SILENCE=8 flow=slow.yaml submit suspend --time 5
    wait_until has_counted suspend 100
    scontrol suspend "$(job_of suspend)"
    read -rt 14 <> <(:) || true # the time that passes is what is waited for
    scontrol resume "$(job_of suspend)"
    good suspend
    same "suspend: starts" 1 "$(starts suspend)"
    same "suspend: lost nodes" '  "lost_nodes": 0,' "$(grep lost_nodes suspend/status.json)"
    contains "suspend: told" "$("$ORRERY" status suspend)" "core time: suspended for "
}

# fault RUN VERB: what the lab can do to a node, to the last node of a run that has begun; the run
# goes on without it
fault() {
    local run=$1 node
    submit "$run"
    wait_until has_counted "$run" 100
    node=$(last_node "$run")
    lab "$2" "$node"
    echo "$node" >"$run.node"
}
part_cable() {
    begin "a cable is cut, and mended while the run is on"
    fault cable cut
    had=$(counted cable)
    before=$SECONDS
    wait_until has_counted cable $((had + 200))
    echo "went on after $((SECONDS - before)) s"
    lab mend "$(cat cable.node)"
    good cable
    same "cable: starts" 1 "$(starts cable)"
    wait_until is_up "$(cat cable.node)"
}

part_power() {
    begin "a node loses power"
    fault power crash
    good power
    same "power: starts" 1 "$(starts power)"
    lab boot "$(cat power.node)"
    wait_until is_up "$(cat power.node)"
}

part_slurmd() {
    begin "slurmd dies, and comes back"
    fault slurmd kill-slurmd
    lab boot "$(cat slurmd.node)"
    good slurmd
    same "slurmd: starts" 1 "$(starts slurmd)"
}

part_first() {
    begin "the first node, with rank 0 and the script, loses power"
    submit first
    wait_until has_counted first 100
    node=$(first_node first)
    lab crash "$node"
    good first
    same "first: starts" 2 "$(starts first)"
    lab boot "$node"
    wait_until is_up "$node"
}

part_user() {
    begin "another user, with odd names, no home directory, no environment"
    local home="$work/some user's" run
    mkdir "$home"
    cp many.yaml "$home/many.yaml"
    chown -R nobody "$home"
    run="$home/run 1"
    cd "$home"
    as_user() { lab as nobody env -u XDG_CONFIG_HOME HOME=/nonexistent "$@"; }
    exits 0 as_user "$place/orrery" submit many.yaml --set n=$tasks --run-dir "run 1" --nodes 4 \
        --ntasks-per-node 2 -- --export=NONE --exclude="$others"
    wait_until over "$run"
    same "user: exit code" 0 "$(cat "$run/slurm/DONE")"
    same "user: tasks" "$(tail -n 1 <<<"$expected")" \
        "$("$ORRERY" ls "$run" tasks --format csv | tail -n +2 | wc -l)"
    same "user: whose it is" "nobody 700" "$(stat -c '%U %a' "$run")"
    exits 0 as_user "$place/orrery" status "run 1"
}

# Two users at the same time on one node; what they leave is in nobody's way.
part_users() {
    begin "two users on one node, with different umasks"
    local user
    for user in nobody games; do
        mkdir $user
        cp many.yaml $user
        chown -R $user $user
        (
            cd $user
            umask "$([ $user = nobody ] && echo 000 || echo 027)"
            exits 0 lab as $user env -u HOME TMPDIR=/nonexistent LC_ALL=C "$place/orrery" submit \
                many.yaml --set n=90 --run-dir run --nodes 1 --ntasks-per-node 1 \
                --durability node --local-dir "$SLURM_LAB_DIR/local" -- \
                --nodelist "node5" --mem-per-cpu 100
        )
    done
    for user in nobody games; do
        wait_until over $user/run
        same "$user: exit code" 0 "$(cat $user/run/slurm/DONE)"
        same "$user: for anybody" "" "$(find $user/run -perm /o+w)"
        same "$user: whose" "" "$(find $user/run ! -user $user)"
        same "$user: the directory" 700 "$(stat -c %a $user/run)"
    done
    # what one entered into a cache that both may write, the other takes
    mkdir -m 1777 cache
    for user in nobody games; do
        (
            cd $user
            exits 0 lab as $user env HOME=/nonexistent "$place/orrery" run many.yaml --set n=30 -n 1 \
                --run-dir cached --cache ../cache
            [ $user = nobody ] || contains "the other's results" "$out" "taken       30 results"
        )
    done
    same "nobody: files" 664 "$(stat -c %a nobody/run/run.h5)"
    same "games: files" 640 "$(stat -c %a games/run/run.h5)"
    same "on one node at once" 1 "$(cat nobody/run/slurm/attempts games/run/slurm/attempts |
        sed -n 's/.*: on \(.*\)/\1/p' | sort -u | wc -l)"
    same "nothing left on the node" "" "$(ls -A "$SLURM_LAB_DIR/nodes/node5")"
}

part_array() {
    begin "an array of runs: one is cancelled, the set is submitted again, another run waits for it"
    cat >sweep.yaml <<'YAML'
orrery: 1
job: sweep
workflow: many.yaml
sweep: {n: [30, 40, 50, 60, 200, 70]}
slurm: {nodes: 1, ntasks-per-node: 2}
YAML
    submit_set() {
        exits 0 "$ORRERY" submit sweep.yaml --array --array-limit 3 --run-dir set -- --exclude="$others"
    }
    submit_set
    wait_until has_counted set/4 20
    exits 0 "$ORRERY" status set/4
    contains "array: one of them" "$out" "job $(job_of set/4): RUNNING"
    exits 0 "$ORRERY" cancel set/4
    wait_until over set/5
    wait_until out_of_queue set/4
    exits 0 "$ORRERY" status set
    contains "array: the set" "$out" "array of 6 runs in set: 5 succeeded, 1 stopped"
    submit_set
    contains "array: only that one" "$out" "1 of 6"
    exits 0 "$ORRERY" submit sweep.yaml --request 0 --run-dir last --after set -- --exclude="$others"
    wait_until over last
    same "array: exit codes" "0 0 0 0 0 0 0" "$(cat set/[0-5]/slurm/DONE last/slurm/DONE | xargs)"
    same "array: sessions of it" 2 "$(sed -n 's/^epoch //p' set/4/run)"
    same "array: tasks" 200 "$("$ORRERY" ls set/4 tasks --format csv | tail -n +2 | wc -l)"
    [ set/4/slurm/DONE -ot last/slurm/attempts ] || fail "array: the other did not wait"
    exits 0 "$ORRERY" logs set/4
    contains "array: logs" "$out" "sweep: succeeded"
}

part_turns() {
    begin "the element that has the array's own id asks for another turn: the others go on"
    cat >sweep.yaml <<'YAML'
orrery: 1
job: turns
workflow: slow.yaml
sweep: {n: [60, 70, 80]}
slurm: {nodes: 1, ntasks-per-node: 2}
YAML
    exits 0 "$ORRERY" submit sweep.yaml --array --run-dir turns -- --exclude="$others"
    id=$(job_of turns)
    for i in 0 1 2; do wait_until has_counted turns/$i 10; done
    base=$(base_of "$id")
    scancel --batch --signal=USR1 "${id}_$base"
    for i in 0 1 2; do
        wait_until over turns/$i
        same "turns: exit code of $i" 0 "$(cat turns/$i/slurm/DONE)"
        same "turns: starts of $i" "$([ "$i" = "$base" ] && echo 2 || echo 1)" "$(starts turns/$i)"
    done
}

part_eight() {
    begin "eight nodes of calls that do nothing"
    cat >noop.yaml <<'YAML'
orrery: 1
workflow: noop
inputs: {n: {type: int, default: 20000}}
facts: {item: {i: int}, made: {i: int}, all: {n: int}}
functions: {noop: {use: core.noop}}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - rule: call
    match: {t: item}
    action: {call: noop, with: {i: t.i}}
    reaction: [{assert: made, with: {i: result.i}}]
  - rule: finish
    match: {j: job}
    gather: {m: made, where: m.i >= 0, count: j.n}
    assert: all
    with: {n: len(m.i)}
outputs: {all: {fact: all}}
YAML
    exits 0 "$ORRERY" submit noop.yaml --run-dir eight --nodes 8 --ntasks-per-node 2 \
        -- --exclude="$others"
    wait_until over eight
    same "eight: exit code" 0 "$(cat eight/slurm/DONE)"
    same "eight: what it made" 0,20000 \
        "$("$ORRERY" ls eight facts/all --format csv | tr -d '\r' | tail -n +2)"
    contains "eight: nodes" "$("$ORRERY" status eight)" "on 8 nodes"
}

part_film() {
    begin "a video on four nodes"
    if [ -s "$ORR_CLIPS/plain.mp4" ]; then
        cat >film.yaml <<YAML
orrery: 1
job: film
workflow: $source_dir/workflows/ladder.yaml
inputs:
  source: $ORR_CLIPS/plain.mp4
  chunk: 400ms
  target: 0.01
  rungs: [{name: a, height: 120, crf: 30}, {name: b, height: 64, crf: 30}]
slurm: {nodes: 4, ntasks-per-node: 2}
YAML
        exits 0 "$ORRERY" run film.yaml -n 3 --run-dir film_calm --quiet
        exits 0 "$ORRERY" submit film.yaml --run-dir film -- --exclude="$others"
        wait_until over film
        for rung in a b; do
            cmp "film_calm/out/$rung.mp4" "film/out/$rung.mp4" || fail "rung $rung differs"
            checks=$((checks + 1))
        done
    fi
}


part_nested() {
    begin "commands that use MPI: alone, by mpirun, by srun"
    {
        printf 'orrery: 1\nworkflow: nested\nfacts: {said: {by: string, text: string}}\nfunctions:\n'
        echo "  alone: {command: [\"$ORR_MPI_SIZE\"], stdout: text, timeout: 60s}"
        echo "  mpirun: {shell: \"mpirun --oversubscribe -n 2 $ORR_MPI_SIZE | sort\", stdout: text, timeout: 60s}"
        echo "  srun: {shell: \"srun --overlap --mpi=pmix -N 1 -n 2 $ORR_MPI_SIZE | sort\", stdout: text, timeout: 60s}"
        echo 'rules:'
        for f in alone mpirun srun; do
            echo "  - {rule: $f, match: {j: job}, action: {call: $f}, reaction: [{assert: said, with: {by: \"$f\", text: result.text}}]}"
        done
        echo 'outputs: {said: {each: said}}'
    } >nested.yaml
    exits 0 "$ORRERY" submit nested.yaml --run-dir nested --nodes 2 --ntasks-per-node 2 -- --exclude="$others"
    wait_until over nested
    same "nested: what they say" "by,text alone,0 of 1 mpirun,0 of 2 1 of 2 srun,0 of 2 1 of 2" \
        "$("$ORRERY" ls nested facts/said -c by,text -f csv | tr -d '\r"' | xargs)"
}

part_tables() {
    begin "rank 0 takes longer over run.h5 than the other ranks like to wait"
    cat >noop.yaml <<'YAML'
orrery: 1
workflow: noop
inputs: {n: {type: int, default: 1}}
facts: {item: {i: int}, made: {i: int}}
functions: {nothing: {use: core.noop}}
rules:
  - {rule: items, match: {j: job}, for: i in range(j.n), assert: item, with: {i: i}}
  - {rule: nothing, match: {t: item}, action: {call: nothing, with: {i: t.i}}, reaction: [{assert: made, with: {i: result.i}}]}
outputs: {made: {each: made}}
YAML
    tasks=400000 flow=noop.yaml submit tables --nodes 2
    writes() { compgen -G "tables/run.h5.tmp-*" >/dev/null; }
    wait_until writes
    local node pid
    node=$(sed -n 's/^  "host": "node\(.*\)",$/\1/p' tables/status.json)
    pid=$(sed -n 's/^  "pid": \(.*\),$/\1/p' tables/status.json)
    lab node "$node" kill -STOP "$pid"
    writes || fail "tables: too late to stop it"
    read -rt 18 <> <(:) || true # the time that passes is what is waited for
    lab node "$node" kill -CONT "$pid"
    wait_until over tables
    same "tables: exit code" 0 "$(cat tables/slurm/DONE)"
    same "tables: starts" 1 "$(starts tables)"
}

# Below $SLURM_LAB_DIR/local each machine has a disk of its own.
part_unseen() {
    begin "run directories that not all nodes see"
    local own=$SLURM_LAB_DIR/local/unseen first=$SLURM_LAB_DIR/nodes/node9/unseen
    exits 0 "$ORRERY" submit many.yaml --run-dir "$own/none" --nodes 1 -- --nodelist node11
    exits 0 "$ORRERY" submit many.yaml --run-dir "$own/half" --nodes 2 --ntasks-per-node 2 --requeues 0 \
        -- --hold --nodelist node9,node10
    cp -a "$own" "$first"
    scontrol release "$(job_of "$own/half")"
    wait_until out_of_queue "$own/none"
    exits 0 "$ORRERY" status "$own/none"
    contains "none: status" "$out" "its script left nothing: do the nodes see this directory?"
    wait_until grep -q "exit code 3" "$first/half/slurm/attempts"
    contains "half: log" "$(cat "$first"/half/slurm/log-*.txt)" \
        "orrery: error: node10 does not see the run directory of rank 0, $own/half"
}

start_lane "1 2 3 4" calm film limit
start_lane "5 6 7 8" cancel requeue preempt users
start_lane "9 10 11 12" cable power slurmd array turns guests
start_lane "13 14 15 16 17" first user longer tables
start_lane "18 19 20 21" known suspend nested
end_lanes
lanes=()
start_lane "1 2 3 4 5 6 7 8" eight
start_lane "9 10 11 12" unseen
end_lanes
checks=$((checks + $(cat ./*.checks 2>/dev/null | paste -sd+ | sed 's/^$/0/')))
