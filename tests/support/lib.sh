# lib.sh - what the scripts under tests/ share; source it
# shellcheck shell=bash
#
# $ORRERY is the program under test, $ORR_CLIPS the folder of clips. Each script works in a
# directory of its own, $work, which is removed at the end.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ORRERY=${ORRERY:-$source_dir/build/release/orrery}
ORR_CLIPS=${ORR_CLIPS:-$source_dir/clips}
work=$(mktemp -d "${TMPDIR:-/tmp}/orrery-test.XXXXXX")
checks=0

# Under mpirun, Open MPI's own leaks are not ours to report.
if [ "${ORR_SANITIZED-}" = ON ]; then
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
fi

at_exit() {
    local code=$?
    [ "$code" -eq 0 ] && echo "$checks checks passed" || echo "failed (in $work)" >&2
    [ "$code" -eq 0 ] && rm -rf "$work"
    exit "$code"
}
trap at_exit EXIT

fail() { echo "FAIL: $*" >&2; exit 1; }

skip() {
    echo "skipped: $*"
    rm -rf "$work"
    trap - EXIT
    exit 77
}

# same WHAT EXPECTED ACTUAL
same() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# contains WHAT TEXT PART
contains() {
    checks=$((checks + 1))
    case $2 in
    *"$3"*) ;;
    *) fail "$1: '$3' is not in: $2" ;;
    esac
}

# exits CODE COMMAND...: its output lands in $out and $err
exits() {
    local want=$1 code=0
    shift
    "$@" >"$work/.out" 2>"$work/.err" || code=$?
    out=$(cat "$work/.out")
    err=$(cat "$work/.err")
    checks=$((checks + 1))
    [ "$code" = "$want" ] ||
        fail "exit code $code instead of $want: $*"$'\n'"$out"$'\n'"$err"
}

need_clip() { [ -s "$ORR_CLIPS/$1" ] || skip "no clip $1 in $ORR_CLIPS"; }

# state RUN: the field `state` of its status
state() { "$ORRERY" status "$1" --json | sed -n 's/^  "state": "\(.*\)",$/\1/p'; }

# Wait until COMMAND succeeds; fails after two minutes.
wait_until() {
    local tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || fail "never came true: $*"
        read -rt 0.1 <> <(:) || true
    done
}

# one_call NAME: a workflow of that name with one call of nothing
one_call() {
    cat <<YAML
orrery: 1
workflow: $1
facts: {made: {i: int}}
functions: {noop: {use: core.noop}}
rules:
  - {rule: call, match: {j: job}, action: {call: noop, with: {i: 1}}, reaction: [{assert: made, with: {i: 1}}]}
outputs: {made: {each: made}}
YAML
}
