#!/usr/bin/env bash
# examples.sh - jobs/sweep.yaml and jobs/ffmpeg-chunks.yaml as a user runs them
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
need_clip plain.mp4
cd "$work"
clip=$ORR_CLIPS/plain.mp4 # 100 frames at 25 a second, with sound

# every job of the repository compiles
for job in "$source_dir"/jobs/*.yaml; do
    exits 0 "$ORRERY" validate "$job"
done

# --- nine combinations, one table ---
exits 0 "$ORRERY" run "$source_dir/jobs/sweep.yaml" -s "source=$clip" -s span=1s -s height=64 \
    --run-dir sweep
contains "summary" "$out" "sweep: succeeded"
contains "summary" "$out" "measurements (9)"
exits 0 "$ORRERY" ls sweep facts/measured --format csv
table=$(tr -d '\r' <<<"$out" | sort -t, -k3,3 -k4,4n)
same "requests" 9 "$(grep -c ',libx264,' <<<"$table")"
# a coarser quantiser is smaller and worse, at every preset
awk -F, '/libx264/ { if ($3 == preset && ($5 >= size || $7 >= ssim)) bad = 1
                     preset = $3; size = $5; ssim = $7; n++ }
         END { exit bad || n != 9 }' <<<"$table" || fail "sizes and qualities: $table"
checks=$((checks + 1))
# sizes are those of the files that were kept
exits 0 "$ORRERY" ls sweep facts/encoded --format csv
while IFS=, read -r _ file bytes frames; do
    same "$file: bytes" "$bytes" "$(stat --format=%s "$file")"
    same "$file: frames" 25 "$frames"
done < <(tr -d '\r' <<<"$out" | tail -n +2)

# --- chunks by commands ---
exits 0 "$ORRERY" run "$source_dir/jobs/ffmpeg-chunks.yaml" -s "source=$clip" -s chunk=1.3s \
    -s height=64 --run-dir chunks
exits 0 "$ORRERY" ls chunks facts/movie --format csv
out=$(tr -d '\r' <<<"$out")
movie=$(sed -n '2s/^[0-9]*,\(.*\),.*$/\1/p' <<<"$out")
same "chunks of 1.3 s" 4 "$(sed -n '2s/.*,//p' <<<"$out")"
same "kept under out" "$work/chunks/out" "${movie%/*/*}"
same "frames" 100 "$(ffprobe -v error -select_streams v -count_frames \
    -show_entries stream=nb_read_frames -of csv=p=0 "$movie")"
same "kinds of streams" "audio video " "$(ffprobe -v error -show_entries stream=codec_type \
    -of csv=p=0 "$movie" | sort | tr '\n' ' ')"
# Matroska rounds times to milliseconds: neighbours are 40 ms apart
same "frame distances in ms" 40 "$(ffprobe -v error -select_streams v \
    -show_entries packet=pts -of csv=p=0 "$movie" | tr -d , | grep . | sort -n |
    awk 'NR > 1 { d[$1 - last] } { last = $1 } END { for (x in d) print x }')"
same "decoder's complaints" "" \
    "$(ffmpeg -nostdin -v warning -i "$movie" -f null - 2>&1)"
# each frame is where it was: compared with the source, frame by frame
ssim=$(ffmpeg -nostdin -v info -i "$movie" -i "$clip" -filter_complex \
    '[1:v]scale=-2:64[s];[0:v][s]ssim=stats_file=ssim.log' -f null - 2>&1 |
    sed -n 's/.*All:\([0-9.]*\).*/\1/p')
same "frames compared" 100 "$(wc -l <ssim.log)"
awk -v ssim="$ssim" 'BEGIN { exit !(ssim > 0.8) }' || fail "SSIM of the joined video is $ssim"
checks=$((checks + 1))
