#!/usr/bin/env bash
# new.sh - orrery new: every template compiles, passes its tests, is tidy, and runs
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

exits 0 "$ORRERY" new --list
templates=$(awk '{ print $1 }' <<<"$out")
same "the templates" "chunked-encode map-reduce steps sweep" "$(xargs <<<"$templates")"
for template in $templates; do
    name=my_$template
    exits 0 "$ORRERY" new "$name" --from "$template"
    contains "what next" "$out" "orrery test $name/$name.yaml"
    exits 0 "$ORRERY" validate "$name/$name.yaml" "$name/job.yaml"
    same "no warnings" "" "$err"
    exits 0 "$ORRERY" test "$name/$name.yaml"
    contains "tests" "$out" ", 0 failed"
    exits 0 "$ORRERY" fmt --check "$name/$name.yaml" "$name/job.yaml"
    exits 0 "$ORRERY" run "$name/job.yaml" --dry-run
    ! grep -q NAME "$name"/*.yaml || fail "NAME is left in $name"
done
for template in steps map-reduce sweep; do
    exits 0 "$ORRERY" run "my_$template/job.yaml" --run-dir "run-$template" --quiet
done
same "the report" "words: $(cat my_steps/*.yaml | wc -w) in 2 files" "$(head -n 1 run-steps/out/report-*/report.txt)"
same "rows of the sweep" 9 "$("$ORRERY" ls run-sweep facts/measured -f csv | tail -n +2 | wc -l)"
if [ -f "$ORR_CLIPS/ocean.mp4" ]; then
    exits 0 "$ORRERY" run my_chunked-encode/job.yaml -s "source=$ORR_CLIPS/ocean.mp4" -s height=144 \
        --run-dir run-encode --quiet
    exits 0 ffprobe -v error -show_entries stream=height -of csv=p=0 run-encode/out/my_chunked-encode.mp4
    contains "the movie" "$out" 144
fi

# What is there stays as it is.
echo mine >my_steps/my_steps.yaml
exits 2 "$ORRERY" new my_steps
contains "there already" "$err" "my_steps is there already"
same "untouched" mine "$(cat my_steps/my_steps.yaml)"
exits 0 "$ORRERY" new other --directory elsewhere
[ -f elsewhere/other.yaml ] && [ ! -e other ] || fail "--directory"
exits 2 "$ORRERY" new ../up
contains "a path" "$err" "'../up' cannot be a name"
exits 2 "$ORRERY" new job
exits 2 "$ORRERY" new
exits 2 "$ORRERY" new x --from stpes
contains "misspelt" "$err" "did you mean 'steps'?"
exits 3 "$ORRERY" new x --directory none/x
