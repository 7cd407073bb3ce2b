#!/usr/bin/env bash
# arguments.sh - too many arguments, too few: said which, with exit code 2
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

# wrong MESSAGE ARGUMENT...
wrong() {
    local message=$1
    shift
    exits 2 "$ORRERY" "$@"
    same "$*: standard output" "" "$out"
    same "$*" "orrery $1: $message" "$(head -n 1 "$work/.err")"
    contains "$*: usage" "$err" "usage: orrery $1 "
    contains "$*: help" "$err" "try 'orrery $1 --help'"
}
wrong "unexpected argument 'my'" new ladder my
wrong "unexpected argument 'c'" ls a b c
wrong "unexpected argument 'all'" topo all
wrong "unexpected argument '\\x1b[31m'" plan job.yaml $'\e[31m'
wrong "JOB is missing" run
wrong "JOB is missing" run --quiet --set n=1
wrong "RUN is missing" ls
wrong "RUN is missing" why --json
wrong "FILE is missing" validate
wrong "NAME is missing" bench
wrong "workflow|job is missing" schema

# FFmpeg needs more than a hundred libraries: only who calls it loads it.
checks=$((checks + 1))
! ldd "$ORRERY" 2>/dev/null | grep -q libav || fail "FFmpeg is loaded by every command"
