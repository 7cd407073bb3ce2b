#!/usr/bin/env bash
# plot.sh - the Python example of the documents draws rate against distortion of a real ladder
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
need_clip ocean.mp4
python=/usr/bin/python3
$python -c 'import h5py, matplotlib' 2>/dev/null || skip "no h5py or matplotlib for $python"
cd "$work"
export MPLCONFIGDIR=$work/matplotlib
plot=$source_dir/docs/examples/rd_plot.py

# No chunk meets the target at once: each rung is tried with several settings.
cat >job.yaml <<YAML
orrery: 1
job: rate-and-distortion
workflow: $source_dir/workflows/ladder.yaml
inputs:
  source: $ORR_CLIPS/ocean.mp4
  target: 0.9
  chunk: 5s
  rungs:
    - {name: 144p, height: 144, crf: 38}
    - {name: 96p, height: 96, crf: 38}
YAML
exits 0 "$ORRERY" run job.yaml -n 3 --quiet --run-dir run
exits 0 $python "$plot" run -o rd.png
settings=$(sed -n 's/^rd.png: \([0-9]*\) settings$/\1/p' <<<"$out")
[ "${settings:-0}" -ge 4 ] || fail "only ${settings:-no} settings: no curve"

# A picture of the size that was asked for, with axes, labels and lines of two colours.
exits 0 $python - <<'PY'
import matplotlib.image
picture = matplotlib.image.imread("rd.png")
height, width = picture.shape[:2]
assert (width, height) == (1800, 675), (width, height)
colours = {"blue": (0x1f, 0x77, 0xb4), "orange": (0xff, 0x7f, 0x0e), "black": (0, 0, 0)}
for name, rgb in colours.items():
    near = abs(picture[:, :, :3] * 255 - rgb).max(axis=2) < 2
    for half in (near[:, :width // 2], near[:, width // 2:]):
        assert half.sum() > 100, (name, half.sum())
PY

# The numbers behind it, once by hand: a point of the first rung.
exits 0 $python - "$plot" <<'PY'
import importlib.util, json, sys
import h5py
spec = importlib.util.spec_from_file_location("rd_plot", sys.argv[1])
rd = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rd)
with h5py.File("run/run.h5") as run:
    groups = rd.gather(run, "trial", "rung")
    rate, psnr = rd.point(groups["144p", 38], "psnr")
    encode = {row["data.hash"]: row for row in run["results/encode"][:]}
    mine = [encode[f["data.hash"]] for f in run["facts/trial"][:]
            if f["rung"] == b"144p" and f["crf"] == 38]
    frames = sum(int(row["frames"]) for row in mine)
    assert frames == 240, frames
    assert abs(rate - sum(int(row["bytes"]) for row in mine) * 8 / (frames / 24)) < 0.01 * rate
    assert min(row["psnr"] for row in mine) <= psnr <= max(row["psnr"] for row in mine)
    assert rd.label(groups["144p", 38], "psnr") == "PSNR [dB]"
PY
exits 1 $python "$plot" run --by nothing
contains "another field" "$err" "facts/trial has no column 'nothing'"
exits 0 "$ORRERY" export run --to take.h5
exits 0 $python "$plot" take.h5 -o taken.png --metrics ssim
contains "of a file" "$out" taken.png
