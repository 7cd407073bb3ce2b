#!/usr/bin/env bash
# odd.sh - unusual media through the ladder: what comes out is what went in
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
for clip in vfr.mp4 odd.mkv one.mp4 rotated.mp4 hdr10.mkv late.mp4 longgop.mp4 silent.mp4; do
    need_clip $clip
done
cd "$work"

# ladder NAME CLIP HEIGHT CHUNK [SETTING...]: one coarse rung of it, NAME/out/a.*
ladder() {
    local name=$1 clip=$2 height=$3 chunk=$4
    shift 4
    exits 0 "$ORRERY" run "$source_dir/workflows/ladder.yaml" -n 3 --run-dir "$name" --quiet \
        -s "source=$ORR_CLIPS/$clip" -s "rungs=[{name: a, height: $height, crf: 40}]" \
        -s target=0.01 -s "chunk=$chunk" "$@"
    made=$name/out/a.mp4
    [ -s "$made" ] || fail "$name: no $made in $(ls "$name/out")"
    # (the null muxer minds equal times, which a source may have)
    same "$name: decoder's complaints" "" \
        "$(ffmpeg -nostdin -v warning -i "$made" -map 0:v -fps_mode passthrough \
            -enc_time_base 1:90000 -f null - 2>&1 | grep -v 'non monotonically\|message repeated')"
}
frames() {
    ffprobe -v quiet -select_streams v:0 -count_frames -show_entries stream=nb_read_frames \
        -of csv=p=0 "$1" | tr -d , | head -n 1
}
# times FILE: of all frames in ms from the first, one a line
times() {
    ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 "$1" |
        tr -d , | grep . | sort -n |
        awk 'NR == 1 { first = $1 } { printf "%.0f\n", ($1 - first) * 1000 }'
}
# stream FILE FIELDS: of the video
stream() {
    ffprobe -v error -select_streams v:0 -show_entries "stream=$2" -of csv=p=0 "$1" |
        head -n 1 | sed "s/,$//"
}
kinds() { ffprobe -v error -show_entries stream=codec_type -of csv=p=0 "$1" | sort | tr '\n' ' '; }
chunks() { "$ORRERY" ls "$1" facts/chunk --format csv | tail -n +2 | wc -l; }

# variable frame rate: every frame at its time, across chunk borders
ladder vfr vfr.mp4 64 1s
same "vfr: frames" 90 "$(frames "$made")"
same "vfr: times" "$(times "$ORR_CLIPS/vfr.mp4")" "$(times "$made")"
[ "$(chunks vfr)" -gt 1 ] || fail "vfr: only $(chunks vfr) chunk"
[ "$(times "$made" | awk 'NR > 1 { print $1 - last } { last = $1 }' | sort -u | wc -l)" -gt 1 ] ||
    fail "vfr: a constant rate proves nothing"

# odd width and height
ladder odd odd.mkv 120 1s
same "odd: frames" 30 "$(frames "$made")"
same "odd: height" 120 "$(stream "$made" height)"

# one frame; a chunk longer than the clip; no sound in the source
ladder one one.mp4 64 2s
same "one: frames" 1 "$(frames "$made")"
same "one: chunks" 1 "$(chunks one)"
same "one: streams" "video " "$(kinds "$made")"
ladder long silent.mp4 64 1h
same "long chunk: frames" 25 "$(frames "$made")"
same "long chunk: chunks" 1 "$(chunks long)"
same "silent: streams" "video " "$(kinds "$made")"

# a phone's rotation: shown upright as before
shape() { # FILE: "portrait" or "landscape", as a player shows it
    ffmpeg -nostdin -v error -i "$1" -frames:v 1 -f rawvideo -pix_fmt gray -vf showinfo=checksum=0 \
        -loglevel info - 2>&1 >/dev/null | tr -d '\0' |
        sed -n 's/.* s:\([0-9]*\)x\([0-9]*\) .*/\1 \2/p' | head -n 1 |
        awk '{ print $1 < $2 ? "portrait" : "landscape" }'
}
ladder rotated rotated.mp4 64 1s
same "source is" portrait "$(shape "$ORR_CLIPS/rotated.mp4")"
same "rotated: shown" portrait "$(shape "$made")"
same "rotated: frames" 30 "$(frames "$made")"

# keyframes far apart: chunks begin where there is none
ladder longgop longgop.mp4 64 3s
same "longgop: frames" 300 "$(frames "$made")"
same "longgop: times" "$(times "$ORR_CLIPS/longgop.mp4")" "$(times "$made")"
[ "$(chunks longgop)" -gt 1 ] || fail "longgop: only $(chunks longgop) chunk"

# high dynamic range: the tags that a screen needs
ladder hdr hdr10.mkv 64 1s
tags=color_range,color_space,color_transfer,color_primaries
same "hdr: colours" "$(stream "$ORR_CLIPS/hdr10.mkv" $tags)" "$(stream "$made" $tags)"
contains "hdr: pixels" "$(stream "$made" pix_fmt)" "10le"

# sound that begins half a second after the picture
ladder late late.mp4 64 1s
same "late: streams" "audio video " "$(kinds "$made")"
offset() { # FILE: start of the sound less start of the picture, in tenths of a second
    ffprobe -v error -show_entries stream=codec_type,start_time -of csv=p=0 "$1" |
        awk -F, '{ s[$1] = $2 } END { printf "%.1f", s["audio"] - s["video"] }'
}
same "late: sound begins" "$(offset "$ORR_CLIPS/late.mp4")" "$(offset "$made")"

# natural clips with oddities of their own, where they could be fetched
for pair in vtest.avi:795 Megamind.avi:270 box.mp4:455; do
    clip=${pair%:*}
    [ -s "$ORR_CLIPS/$clip" ] || { echo "not tried: $clip is not there"; continue; }
    ladder "${clip%.*}" "$clip" 32 4s
    same "$clip: frames of the source" "${pair#*:}" "$(frames "$ORR_CLIPS/$clip")"
    same "$clip: frames" "${pair#*:}" "$(frames "$made")"
done
