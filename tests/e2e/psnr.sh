#!/usr/bin/env bash
# psnr.sh - the quality of the whole file, as ffmpeg measures it, is that of its chunks
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
need_clip ocean.mp4
[ -e /usr/lib/python3/dist-packages/h5py ] || skip "no h5py"
cd "$work"
clip=$ORR_CLIPS/ocean.mp4

cat >job.yaml <<YAML
orrery: 1
job: psnr
workflow: $source_dir/workflows/ladder.yaml
inputs:
  source: $clip
  target: 0.1
  rungs: [{name: full, height: 720, crf: 32}]
YAML
exits 0 "$ORRERY" run job.yaml -n 3 --run-dir run --quiet

# Mean squared errors add up over frames; decibels do not.
ours=$(/usr/bin/python3 - run/run.h5 <<'PY'
import sys, h5py, numpy
rows = h5py.File(sys.argv[1])["frames/media.encode"][:]
assert len(rows) == 240, len(rows)
print("%.4f" % (-10 * numpy.log10((10 ** (-rows["psnr_y"].astype(float) / 10)).mean())))
PY
)
theirs=$(ffmpeg -nostdin -v info -i run/out/full.mp4 -i "$clip" -lavfi psnr -f null - 2>&1 |
    sed -n 's/.*PSNR y:\([0-9.]*\).*/\1/p')
awk -v a="$ours" -v b="$theirs" 'BEGIN { d = a - b; exit !(d < 0.02 && d > -0.02) }' ||
    fail "PSNR by frames $ours dB, of the whole file $theirs dB"
checks=$((checks + 1))
