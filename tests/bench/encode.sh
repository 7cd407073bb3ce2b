#!/usr/bin/env bash
# encode.sh [ROUNDS [SECONDS]] - encoding in chunks against ffmpeg, side by side
#
# x264 medium, crf 23, 720p, a keyframe every 2 s, no metrics, no sound: equal settings for
#   a) orrery run: 2-s chunks on all cores, from start to the finished file;
#   b) the same chunks, one ffmpeg -threads 1 each, alone: the CPU time that they need;
#   c) one ffmpeg -threads 2 over the whole clip.
# Prints the ratios wall(a) / (cpu(b) / cores) and wall(a) / wall(c), what coordinator, agent
# and worker processes use while cores encode, and frames decoded per frame encoded.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=${1:-3}
length=${2:-60}
cores=$(nproc)
cd "$work"

[ -s "$ORR_CLIPS/ocean.mp4" ] || { echo "no $ORR_CLIPS/ocean.mp4" >&2; exit 1; }
ffmpeg -nostdin -v error -stream_loop -1 -i "$ORR_CLIPS/ocean.mp4" -t "$length" -an \
    -c:v libx264 -preset medium -crf 14 -g 48 -keyint_min 48 -sc_threshold 0 clip.mp4
frames=$(ffprobe -v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0 clip.mp4)
environment
echo "clip: 1280x720, 24 fps, $frames frames, keyframe every 48 frames"

settings=(-c:v libx264 -preset medium -crf 23 -an)

chunks_alone() {
    local first=0
    while [ "$first" -lt "$frames" ]; do
        ffmpeg -nostdin -v error -threads 1 -filter_threads 1 \
            -ss "$(awk -v f="$first" 'BEGIN { printf "%.6f", f ? (f - 0.5) / 24 : 0 }')" -i clip.mp4 \
            -frames:v 48 "${settings[@]}" -threads 1 -y chunk.mp4
        first=$((first + 48))
    done
}
export -f chunks_alone
export frames

# CPU of the ranks themselves (children not counted) over a window, in percent of a core
sample_ranks() {
    local run=$1 pids before after ticks
    until [ -s "$run/status.json" ] && grep -q '"running"' "$run/status.json" &&
        [ "$(pgrep -cx orrery-child)" -ge "$cores" ]; do read -rt 0.2 <> <(:) || true; done
    pids=$(pgrep -f "orrery run .*--run-dir $run" | while read -r p; do
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" = orrery ] && echo "$p" || true; done)
    cpu_of() {
        local p
        for p in $pids; do
            cut -d' ' -f14,15 "/proc/$p/stat" 2>/dev/null | awk '{ print $1 + $2 }'
        done | awk '{ s += $1 } END { print s + 0 }'
    }
    read -rt 2 <> <(:) || true
    before=$(cpu_of)
    read -rt 8 <> <(:) || true
    after=$(cpu_of)
    ticks=$(getconf CLK_TCK)
    awk -v t=$((after - before)) -v hz="$ticks" 'BEGIN { printf "%.3f\n", 100 * t / hz / 8 }' >ranks
}

a_wall=() b_cpu=() c_wall=() first=() second=() ranks=() decoded=()
for round in $(seq "$rounds"); do
    sample_ranks "$work/run$round" &
    sampler=$!
    read -r wall _ < <(seconds "$ORRERY" run "$bench_dir/encode.yaml" --quiet \
        --run-dir "$work/run$round" --set source="$work/clip.mp4" --set keyint=48)
    wait $sampler || true
    a_wall+=("$wall")
    ranks+=("$(cat ranks)")
    decoded+=("$(ratio "$(field "run$round" frames_decoded)" "$(field "run$round" frames_encoded)")")
    read -r _ cpu < <(seconds bash -c "settings=(${settings[*]}); chunks_alone")
    b_cpu+=("$cpu")
    read -r whole _ < <(seconds ffmpeg -nostdin -v error -threads 2 -i clip.mp4 "${settings[@]}" \
        -g 48 -force_key_frames 'expr:gte(n,n_forced*48)' -threads 2 -y whole.mp4)
    c_wall+=("$whole")
    first+=("$(awk -v a="$wall" -v b="$cpu" -v n="$cores" 'BEGIN { print a / (b / n) }')")
    second+=("$(ratio "$wall" "$whole")")
    echo "round $round: a $wall s wall, b $cpu s CPU, c $whole s wall, ranks $(cat ranks) % of a core"
done
same_size=$(ratio "$(stat -c %s run1/out/whole.mp4)" "$(stat -c %s whole.mp4)")

printf '%-52s %8s %8s %8s\n' "$rounds rounds" min median max
spread "a) orrery run, wall s" "${a_wall[@]}"
spread "b) the chunks alone, ffmpeg -threads 1, CPU s" "${b_cpu[@]}"
spread "c) one ffmpeg -threads 2, wall s" "${c_wall[@]}"
spread "a / (b / $cores cores)                    target <= 1.05" "${first[@]}"
spread "a / c                               target <= 1.0" "${second[@]}"
spread "all ranks' own CPU while encoding, % of a core" "${ranks[@]}"
spread "frames decoded / frames encoded     target <= 1.1" "${decoded[@]}"
echo "bytes of a) / bytes of c): $same_size"
