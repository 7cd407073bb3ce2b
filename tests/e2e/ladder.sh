#!/usr/bin/env bash
# ladder.sh - the main job on a natural clip; the result judged by ffprobe and ffmpeg
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
need_clip ocean.mp4
cd "$work"
clip=$ORR_CLIPS/ocean.mp4

cat >job.yaml <<YAML
orrery: 1
job: ladder
workflow: $source_dir/workflows/ladder.yaml
inputs:
  source: $clip
  target: 0.8
  rungs:
    - {name: a, height: 180, crf: 30}
    - {name: b, height: 120, crf: 32}
YAML

# Frames, their times and the decoder's complaints, by ffprobe and ffmpeg alone.
judge() {
    local file=$1
    same "$file: frames" 240 "$(ffprobe -v error -select_streams v -count_frames \
        -show_entries stream=nb_read_frames -of csv=p=0 "$file")"
    same "$file: decoder's complaints" "" \
        "$(ffmpeg -nostdin -v warning -xerror -i "$file" -f null - 2>&1)"
    # 24 frames a second: the distance of any two neighbours is the same
    same "$file: distinct frame distances" 1 "$(ffprobe -v error -select_streams v \
        -show_entries frame=pts -of csv=p=0 "$file" | tr -d , | grep . |
        awk 'NR > 1 { d[$1 - last] = 1 } { last = $1 } END { print length(d) }')"
    ffprobe -v error -show_entries stream=codec_type,start_time,duration -of csv=p=0 "$file" |
        awk -F, '{ s[$1] = $2; d[$1] = $3 }
            END { e = s["video"] - s["audio"]; f = d["video"] - d["audio"]
                  if (e < 0) e = -e; if (f < 0) f = -f
                  exit !(e <= 1 / 24 && f <= 0.1) }' || fail "$file: sound and picture part"
    checks=$((checks + 1))
}

for ranks in 3 4 8; do
    exits 0 "$ORRERY" run job.yaml -n $ranks --run-dir "run$ranks" --quiet
    same "state" succeeded "$(state "run$ranks")"
done
judge run3/out/a.mp4
judge run3/out/b.mp4

# the same bytes with 2, 3 and 7 workers
for rung in a b; do
    cmp "run3/out/$rung.mp4" "run4/out/$rung.mp4" || fail "2 and 3 workers differ"
    cmp "run3/out/$rung.mp4" "run8/out/$rung.mp4" || fail "2 and 7 workers differ"
    checks=$((checks + 2))
done

# tables, and what a plain HDF5 tool sees
exits 0 "$ORRERY" ls run3 facts --format csv
contains "fact types" "$out" facts/encoded
exits 0 "$ORRERY" ls run3 facts/package --format json
contains "package" "$out" '"rung": "a"'
same "rows of frames" 480 "$(h5ls run3/run.h5/frames/media.encode | sed 's/.*{\([0-9]*\).*/\1/' |
    head -n 1)"
for shard in run3/shards/*.h5; do
    h5dump -A "$shard" >/dev/null || fail "h5dump cannot read $shard"
    checks=$((checks + 1))
done

