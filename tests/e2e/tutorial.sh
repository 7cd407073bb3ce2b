#!/usr/bin/env bash
# tutorial.sh - docs/tutorial.md, run as it stands: files written, commands typed, output compared
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
command -v ffmpeg >/dev/null || skip "no ffmpeg"
cd "$work"
mkdir bin
ln -s "$ORRERY" bin/orrery
PATH=$work/bin:$PATH

/usr/bin/python3 - "$source_dir/docs/tutorial.md" <<'PY' || fail "the tutorial does not do what it says"
import re, subprocess, sys

def same(expected, lines):
    """Do the lines match, `...` standing for any lines, or within a line for any text?"""
    if not expected:
        return not lines
    if expected[0] == "...":
        return any(same(expected[1:], lines[i:]) for i in range(len(lines) + 1))
    pattern = ".*".join(re.escape(part) for part in expected[0].split("..."))
    return bool(lines) and re.fullmatch(pattern, lines[0]) is not None and same(expected[1:], lines[1:])

directory, commands, files = ".", 0, 0
text = open(sys.argv[1]).read()
for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
    head = re.match(r"# (\S+\.yaml)\n", block)
    if kind == "yaml":
        assert head, "a YAML block without a name: " + block
        open(directory + "/" + head.group(1), "w").write(block)
        files += 1
    if kind != "console":
        continue
    for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
        expected = output.splitlines()
        code = 0
        if expected and re.fullmatch(r"\[exit code \d+\]", expected[-1]):
            code = int(expected.pop()[11:-1])
        script = "exec 3>pwd.txt\n" + command + "\ncode=$?\necho \"$PWD\" >&3\nexit $code"
        done = subprocess.run(["bash", "-c", script], cwd=directory, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        lines = [l.rstrip() for l in done.stdout.splitlines()]
        if done.returncode != code or not same(expected, lines):
            print("$ " + command)
            print("exit code %d, expected %d" % (done.returncode, code))
            print("expected:", *expected, "got:", *lines, sep="\n")
            sys.exit(1)
        directory = open(directory + "/pwd.txt").read().strip()  # after `cd`
        commands += 1
print("%d files, %d commands" % (files, commands))
assert files == 4 and commands >= 14
PY
checks=$((checks + 1))
