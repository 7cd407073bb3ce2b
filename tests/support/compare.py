"""compare.py RUN.h5 ORRERY RUN - each table as h5py reads it is what `orrery ls` prints
compare.py --same A.h5 B.h5 - two runs did the same, but for times and places"""
import json
import math
import subprocess
import sys

import h5py

# what differs between two runs that did the same
TIMES_AND_PLACES = {"start", "seconds", "cpu", "cpu_user", "cpu_system", "max_rss", "queued",
                    "host", "rank", "core", "epoch"}


def tables(run):
    found = {}

    def visit(name, thing):
        if isinstance(thing, h5py.Dataset) and thing.dtype.names:
            found[name.removesuffix("/index")] = thing

    run.visititems(visit)
    return found


def as_json(table, row, column):
    """A cell as JSON has it, or None."""
    names = table.dtype.names
    if column + "_valid" in names and not row[column + "_valid"]:
        return None
    value = row[column]
    kind = table.attrs.get("kind." + column, b"").decode()
    if isinstance(value, bytes):
        text = value.decode()
        plain = kind == "" or kind.startswith(("string", "path"))
        return text if plain else json.loads(text)
    value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def shown(table):
    names = table.dtype.names
    return [n for n in names if not (n.endswith("_valid") and n.removesuffix("_valid") in names)]


def near(a, b):
    if isinstance(a, float) and isinstance(b, (int, float)):
        return a == b or abs(a - b) <= 1e-6 * abs(a)
    return a == b


def check_printed(path, program, directory):
    cells = 0
    with h5py.File(path) as run:
        for name, table in tables(run).items():
            printed = json.loads(subprocess.run(
                [program, "ls", directory, name, "--format", "json"],
                check=True, stdout=subprocess.PIPE).stdout)
            rows = table[:]
            assert len(printed) == len(rows), name
            assert table.attrs["description"], name
            for text, row in zip(printed, rows):
                assert list(text) == shown(table), (name, list(text))
                for column, value in text.items():
                    assert near(as_json(table, row, column), value), (name, column, row, value)
                    cells += 1
    print(cells)


def comparable(column, value):
    if isinstance(value, bytes) and b'"shard": "w' in value:  # blobs in lists
        return [{"hash": b["hash"], "bytes": b["bytes"]} for b in json.loads(value)]
    return value


def check_same(left, right):
    with h5py.File(left) as a, h5py.File(right) as b:
        ours, theirs = tables(a), tables(b)
        assert ours.keys() == theirs.keys(), (ours.keys(), theirs.keys())
        for name in ours.keys() - {"shards", "sessions"}:
            columns = [c for c in shown(ours[name]) if c not in TIMES_AND_PLACES
                       and c.split(".")[-1] not in ("shard", "offset")]
            assert shown(ours[name]) == shown(theirs[name]), name
            x, y = ours[name][:], theirs[name][:]
            assert len(x) == len(y), (name, len(x), len(y))
            for p, q in zip(x, y):
                for c in columns:
                    assert comparable(c, p[c]) == comparable(c, q[c]) or p[c] != p[c], \
                        (name, c, p, q)
        print(sum(len(t) for t in ours.values()) > 0)


if sys.argv[1] == "--same":
    check_same(*sys.argv[2:])
else:
    check_printed(*sys.argv[1:])
