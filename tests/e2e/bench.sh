#!/usr/bin/env bash
# bench.sh - orrery bench: one JSON object a benchmark; wrong uses are told. No figure is
# checked that depends on the machine's speed.
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

exits 2 "$ORRERY" bench nope
contains "an unknown benchmark" "$err" "there is no benchmark 'nope'; there is: dispatch, rules"
exits 2 "$ORRERY" bench rules --facts 7
contains "too few facts" "$err" "--facts"
exits 2 "$ORRERY" bench rules --facts many
exits 2 "$ORRERY" bench

exits 0 "$ORRERY" bench rules --facts 3000 --json
number() { sed -n "s/.*\"$1\": \([-0-9.]*\).*/\1/p" <<<"$out"; }
same "objects" 1 "$(grep -c '^{"bench": "rules", "metrics": {' <<<"$out")"
for name in join2_tasks_per_second join2_tasks_per_second_100k join2_rate_ratio \
    join2_bytes_per_task join3_tasks_per_second derived_per_second bytes_per_waiting_task \
    bytes_per_fact compile_2000_rules_seconds; do
    checks=$((checks + 1))
    [ -n "$(number "$name")" ] || fail "no $name in: $out"
done
contains "where" "$out" '"environment": {"version": "'
contains "how large" "$out" '"facts": 3000'

# Memory does not depend on who else is busy: what the targets say.
if [ "${ORR_SANITIZED-}" != ON ]; then
    exits 0 "$ORRERY" bench rules --facts 300000 --json
    checks=$((checks + 2))
    awk -v n="$(number bytes_per_waiting_task)" 'BEGIN { exit !(n <= 96) }' ||
        fail "a waiting task takes $(number bytes_per_waiting_task) bytes"
    awk -v n="$(number bytes_per_fact)" 'BEGIN { exit !(n <= 400) }' ||
        fail "a fact takes $(number bytes_per_fact) bytes"
    exits 0 "$ORRERY" bench rules --facts 1000
    contains "for people" "$out" "bytes a waiting task of a range"
fi

# The whole way, of few tasks: every figure is there and none is zero.
exits 0 "$ORRERY" bench dispatch --tasks 500 --json
same "objects" 1 "$(grep -c '^{"bench": "dispatch", "metrics": {' <<<"$out")"
for name in tasks_per_second_in_place tasks_per_second_in_place_1_7 tasks_per_second_ruled \
    tasks_per_second_from_range tasks_per_second_from_range_1_7 \
    tasks_per_second_durable command_rate_over_bare_spawn; do
    checks=$((checks + 1))
    awk -v n="$(number "$name")" 'BEGIN { exit !(n > 0) }' || fail "$name is not above zero: $out"
done
