#!/usr/bin/env python3
"""rd_plot.py - rate against distortion of an encoding ladder, from run.h5

    python3 rd_plot.py RUN [-o rd.png] [--facts trial] [--by rung] [--metrics psnr,vif]

A point is one setting of the encoder: all chunks of a rung with one crf, their bits over
their duration, their quality a frame. The facts say what belongs together; the hash of
their blob leads to the results of the call that made it, and those have the numbers.
Needs h5py and matplotlib.
"""
import argparse
import os
import sys

import h5py
import matplotlib
import matplotlib.ticker

matplotlib.use("Agg")  # a file, no window
import matplotlib.pyplot as plt  # noqa: E402

NAMES = {"psnr": "PSNR", "psnr_y": "PSNR of luma", "ssim": "SSIM", "vif": "VIF at scale 2",
         "vmaf": "VMAF"}


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def blob_columns(table):
    return [name for name in table.dtype.names if name.endswith(".hash")]


def results_by_blob(run):
    """{hash: (table, row)} of all results that come with a bitrate."""
    found = {}
    for table in run["results"].values():
        if "bitrate" not in table.dtype.names:
            continue
        rows = table[:]
        for column in blob_columns(table):
            for row in rows:
                found[row[column]] = (table, row)
    return found


def gather(run, facts, by):
    """{(rung, crf): [(table, row) of each chunk]}"""
    table = run["facts"][facts]
    if by not in table.dtype.names:
        sys.exit(f"facts/{facts} has no column '{by}': it has {', '.join(table.dtype.names)}")
    results = results_by_blob(run)
    groups = {}
    for fact in table[:]:
        crf = fact["crf"] if "crf" in table.dtype.names else None
        for column in blob_columns(table):
            if fact[column] in results:
                groups.setdefault((text(fact[by]), crf), []).append(results[fact[column]])
    # a setting that was tried for some chunks only says nothing of the whole
    most = max((len(chunks) for chunks in groups.values()), default=0)
    return {key: chunks for key, chunks in groups.items() if len(chunks) == most}


def point(chunks, metric):
    """Bits a second and quality a frame of some chunks together."""
    bits = sum(8.0 * row["bytes"] for _, row in chunks)
    seconds = sum(8.0 * row["bytes"] / row["bitrate"] for _, row in chunks)
    frames = sum(row["frames"] for _, row in chunks)
    quality = sum(row[metric] * row["frames"] for _, row in chunks) / frames
    return bits / seconds, quality


def label(chunks, metric):
    table = chunks[0][0]
    unit = text(table.attrs.get("unit." + metric, b""))
    name = NAMES.get(metric, metric)
    return f"{name} [{unit}]" if unit else f"{name} [0 to 1]"


def draw(groups, metric, axes):
    for rung in sorted({rung for rung, _ in groups}):
        mine = [(point(chunks, metric), crf) for (name, crf), chunks in groups.items()
                if name == rung]
        mine.sort(key=lambda item: item[0][0])
        axes.plot([rate / 1000 for (rate, _), _ in mine], [q for (_, q), _ in mine],
                  marker="o", label=rung)
        for (rate, quality), crf in mine:
            if crf is not None:
                axes.annotate(f"crf {crf:g}", (rate / 1000, quality), fontsize=7,
                              textcoords="offset points", xytext=(4, -9))
    axes.set_xscale("log")
    for axis_format in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        axis_format(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.set_xlabel("bitrate [kbit/s]")
    axes.set_ylabel(label(next(iter(groups.values())), metric))
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(title="rung")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run directory, or a file of orrery export --to")
    parser.add_argument("-o", "--output", default="rd.png")
    parser.add_argument("--facts", default="trial", help="fact type with the chunks (trial)")
    parser.add_argument("--by", default="rung", help="the field that makes a line (rung)")
    parser.add_argument("--metrics", default="psnr,vif", help="columns of the results")
    options = parser.parse_args()
    path = options.run
    if os.path.isdir(path):
        path = os.path.join(path, "run.h5")
    with h5py.File(path, "r") as run:
        groups = gather(run, options.facts, options.by)
        if not groups:
            sys.exit(f"{path}: no fact '{options.facts}' has a blob with a bitrate")
        metrics = options.metrics.split(",")
        figure, axes = plt.subplots(1, len(metrics), figsize=(6 * len(metrics), 4.5),
                                    squeeze=False)
        for metric, place in zip(metrics, axes[0]):
            draw(groups, metric, place)
        figure.suptitle(f"{text(run.attrs['job'])} ({text(run.attrs['workflow'])})")
        figure.tight_layout()
        figure.savefig(options.output, dpi=150)
    print(f"{options.output}: {len(groups)} settings")


if __name__ == "__main__":
    main()
