#!/usr/bin/env bash
# bd.sh - what cutting costs: BD-rate (luma PSNR) of chunks against one encode
#
# 640x360, x264 medium and SVT-AV1 preset 8, four qualities each:
#   2-s chunks        against one encode with a keyframe every 2 s
#   chunks of shots   against one encode with keyint 250
# BD-rate: Bjontegaard, VCEG-M33: cubic fit of log rate over PSNR, mean difference.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
parts=()
for clip in ocean.mp4 Megamind.avi franck.mp4; do
    [ -s "$ORR_CLIPS/$clip" ] || { echo "no $ORR_CLIPS/$clip" >&2; exit 1; }
    ffmpeg -nostdin -v error -fflags +genpts -i "$ORR_CLIPS/$clip" -frames:v 240 -an \
        -vf 'fps=24,scale=640:360:flags=lanczos,setsar=1' -pix_fmt yuv420p -c:v libx264 -crf 6 \
        -preset fast "part-${clip%.*}.mkv"
    parts+=("file part-${clip%.*}.mkv")
done
printf '%s\n' "${parts[@]}" >list
ffmpeg -nostdin -v error -f concat -i list -c copy film.mkv
environment
echo "film: 640x360, $(ffprobe -v error -count_packets -show_entries stream=nb_read_packets \
    -of csv=p=0 film.mkv) frames of three natural clips"

# curve NAME OPTION...: one line "bytes psnr" a quality
curve() {
    local name=$1 quality
    shift
    for quality in $qualities; do
        "$ORRERY" run "$bench_dir/encode.yaml" --quiet --run-dir "$name-$quality" \
            --set source=film.mkv --set height=360 --set crf="$quality" --set metrics='[psnr]' "$@"
    done
}

table() {
    /usr/bin/python3 - "$@" <<'PY'
import sys, h5py, numpy as np
def curve(name, qualities):
    points = []
    for q in qualities:
        rows = h5py.File("%s-%s/run.h5" % (name, q))["frames/media.encode"][:]
        mse = (10 ** (-rows["psnr_y"].astype(float) / 10)).mean()
        points.append((rows["bytes"].sum(), -10 * np.log10(mse)))
    return np.array(points)
def bd(anchor, test):
    pa = np.polyfit(anchor[:, 1], np.log(anchor[:, 0]), 3)
    pt = np.polyfit(test[:, 1], np.log(test[:, 0]), 3)
    low, high = max(anchor[:, 1].min(), test[:, 1].min()), min(anchor[:, 1].max(), test[:, 1].max())
    area = lambda p: np.polyval(np.polyint(p), high) - np.polyval(np.polyint(p), low)
    return 100 * (np.exp((area(pt) - area(pa)) / (high - low)) - 1)
label, anchor, test, *qualities = sys.argv[1:]
a, t = curve(anchor, qualities), curve(test, qualities)
print("%-52s %+.2f %%" % (label, bd(a, t)))
PY
}

qualities='18 22 26 30'
set -- --set codec=x264 --set preset=medium
curve x-one2 --set every=1h --set keyint=48 "$@"
curve x-two --set every=2s --set keyint=48 "$@"
curve x-one --set every=1h --set keyint=250 "$@"
curve x-shots --set every=10s --set scenes=true --set keyint=250 "$@"
# shellcheck disable=SC2086
table "x264, 2-s chunks / one encode, 2-s GOP  target <= 1.5" x-one2 x-two $qualities
# shellcheck disable=SC2086
table "x264, chunks of shots / keyint 250" x-one x-shots $qualities

qualities='28 35 42 50'
set -- --set codec=svt-av1 --set preset=8
curve s-one2 --set every=1h --set keyint=48 "$@"
curve s-two --set every=2s --set keyint=48 "$@"
curve s-one --set every=1h --set keyint=250 "$@"
curve s-shots --set every=10s --set scenes=true --set keyint=250 "$@"
# shellcheck disable=SC2086
table "SVT-AV1, 2-s chunks / one encode, 2-s GOP  target <= 1.5" s-one2 s-two $qualities
# shellcheck disable=SC2086
table "SVT-AV1, chunks of shots / keyint 250" s-one s-shots $qualities
