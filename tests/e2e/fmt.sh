#!/usr/bin/env bash
# fmt.sh - orrery fmt as its user calls it: print, check, write; files that it cannot do
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

cp "$source_dir/tests/golden/fmt/messy.yaml" a.yaml
cp "$source_dir/tests/golden/fmt/tidy.yaml" tidy.yaml
cp "$source_dir"/jobs/clip.yaml b.yaml

exits 0 "$ORRERY" fmt a.yaml
same "printed" "$(cat tidy.yaml)" "$out"
cmp -s a.yaml "$source_dir/tests/golden/fmt/messy.yaml" || fail "printing changed the file"
exits 1 "$ORRERY" fmt --check a.yaml b.yaml
same "what is not tidy" a.yaml "$out"
exits 0 "$ORRERY" fmt --write a.yaml b.yaml
cmp -s a.yaml tidy.yaml || fail "the file was not written"
exits 0 "$ORRERY" fmt --check a.yaml b.yaml
exits 0 "$ORRERY" fmt --check "$source_dir"/workflows/*.yaml "$source_dir"/jobs/*.yaml

# A link stays a link, a private file private.
cp "$source_dir/tests/golden/fmt/messy.yaml" target.yaml
chmod 600 target.yaml
ln -s target.yaml link.yaml
exits 0 "$ORRERY" fmt --write link.yaml
[ -L link.yaml ] || fail "the link was replaced"
cmp -s target.yaml tidy.yaml || fail "the file behind the link was not written"
same "the mode" 600 "$(stat -c %a target.yaml)"

# The others are done all the same.
printf 'a: [\n' >bad.yaml
cp "$source_dir/tests/golden/fmt/messy.yaml" c.yaml
exits 2 "$ORRERY" fmt --write bad.yaml nothing.yaml c.yaml
contains "the place" "$err" "bad.yaml:2:1: error: not YAML"
contains "no such file" "$err" "nothing.yaml"
cmp -s c.yaml tidy.yaml || fail "a bad file stopped the others"
exits 2 "$ORRERY" fmt --write --check c.yaml
contains "both" "$err" "exclude each other"
exits 2 "$ORRERY" fmt
exits 2 "$ORRERY" fmt --chek a.yaml
contains "misspelt" "$err" "did you mean '--check'?"

# A folder where nothing can be written: said, and the file stays whole. Root may write anywhere.
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed
    cp "$source_dir/tests/golden/fmt/messy.yaml" closed/d.yaml
    chmod a-w closed
    exits 3 "$ORRERY" fmt --write closed/d.yaml
    cmp -s closed/d.yaml "$source_dir/tests/golden/fmt/messy.yaml" || fail "half a file"
    chmod u+w closed
fi
