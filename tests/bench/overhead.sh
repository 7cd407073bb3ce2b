#!/usr/bin/env bash
# overhead.sh [ROUNDS] - what a chunk costs besides its frames, and what an idle worker uses
#
# Fixed CPU a chunk: 240 chunks of one frame of 128x72, so small that coding it is nothing:
# CPU of the attempts plus what the ranks add, against one ffmpeg for each such chunk.
# Idle: one worker sleeps (core.sleep) while the other has nothing; CPU of its process.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${1:-5}
cd "$work"
ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=128x72:r=24:d=10 -c:v libx264 -g 1 small.mp4
environment

ours=() theirs=()
for round in $(seq "$rounds"); do
    "$ORRERY" run "$bench_dir/encode.yaml" --quiet -n 2 --run-dir "run$round" \
        --set source=small.mp4 --set every=42ms --set height=72
    chunks=$("$ORRERY" ls "run$round" facts/chunk --format csv | tail -n +2 | wc -l)
    ours+=("$("$ORRERY" ls "run$round" attempts --format json | /usr/bin/python3 -c '
import json, sys
rows = [r for r in json.load(sys.stdin) if r["function"] == "media.encode"]
print("%.5f" % (sum(r["cpu_user"] + r["cpu_system"] for r in rows) / len(rows)))')")
    read -r _ cpu < <(seconds bash -c 'for i in $(seq 20); do ffmpeg -nostdin -v error \
        -ss $(awk -v i=$i "BEGIN { print (i * 7 - 0.5) / 24 }") -threads 1 -i small.mp4 -frames:v 1 \
        -c:v libx264 -preset medium -crf 23 -threads 1 -y c.mp4; done')
    theirs+=("$(ratio "$cpu" 20)")
done
printf '%-52s %8s %8s %8s\n' "$rounds rounds, $chunks chunks of one frame" min median max
spread "CPU s a chunk, warm child        target <= 0.03" "${ours[@]}"
spread "CPU s a chunk, one ffmpeg each" "${theirs[@]}"

cat >idle.yaml <<'YAML'
orrery: 1
workflow: idle
functions:
  rest: {use: core.sleep}
facts:
  rested: {i: int}
rules:
  - rule: rest
    match: {j: job}
    action: {call: rest, with: {time: 12s}}
    reaction: [{assert: rested, with: {i: result.i}}]
outputs:
  rested: {fact: rested}
YAML
idle=()
for round in $(seq "$rounds"); do
    "$ORRERY" run idle.yaml --quiet -n 3 --run-dir "$work/idle$round" &
    run=$!
    until pgrep -x orrery-child >/dev/null; do read -rt 0.1 <> <(:) || true; done
    pids=$(pgrep -f "orrery run .*--run-dir $work/idle$round" | while read -r p; do
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" = orrery ] && echo "$p" || true; done)
    # the rank with the highest number is the plain worker
    worker=$(for p in $pids; do
        tr '\0' '\n' <"/proc/$p/environ" | sed -n "s/^OMPI_COMM_WORLD_RANK=//p" |
            sed "s/$/ $p/"; done | sort -n | tail -n 1 | cut -d' ' -f2)
    before=$(awk '{ print $14 + $15 }' "/proc/$worker/stat")
    read -rt 8 <> <(:) || true
    after=$(awk '{ print $14 + $15 }' "/proc/$worker/stat")
    idle+=("$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" \
        'BEGIN { printf "%.3f", 100 * t / hz / 8 }')")
    wait $run
done
spread "idle worker, % of a core         target <= 0.5" "${idle[@]}"
