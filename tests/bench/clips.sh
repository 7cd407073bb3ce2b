#!/usr/bin/env bash
# clips.sh [ROUNDS [FACTS]] - rules side by side with CLIPS, the classic forward chainer
#
# The same work in both, in turn: FACTS / 3 facts on each side of a join of two, and one fact
# that follows from each match; Orrery keeps each firing besides. Then Orrery with a call for
# each match, whose result is what the fact is made of: more than CLIPS does. Prints matches a
# second and ratios: minimum, median, maximum.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v clips >/dev/null || { echo "clips.sh: no clips: apt-get install clips" >&2; exit 77; }
rounds=${1:-5}
facts=${2:-99999}
n=$((facts / 3))

# shellcheck disable=SC2154
cat >"$work/join.clp" <<EOT
(clear)
(deftemplate item (slot i))
(deftemplate side (slot i) (slot w))
(deftemplate made (slot i))
(deftemplate job (slot n))
(defrule expand (job (n ?n)) =>
  (loop-for-count (?i 0 (- ?n 1))
    (assert (item (i ?i)))
    (assert (side (i ?i) (w ?i)))))
(defrule join (item (i ?i)) (side (i ?i) (w ?w)) => (assert (made (i ?w))))
(reset)
(assert (job (n $n)))
(defglobal ?*start* = (time))
(bind ?*start* (time))
(run)
(printout t "seconds " (- (time) ?*start*) crlf)
(printout t "made " (length\$ (find-all-facts ((?f made)) TRUE)) crlf)
(exit)
EOT

echo "$n facts a side; $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1);" \
    "$("$ORRERY" --version); CLIPS $(dpkg-query -W -f='${Version}' clips 2>/dev/null || echo unknown);" \
    "load $(cut -d' ' -f1 /proc/loadavg) at the start; $(date -u +%Y-%m-%d)"
ours=() calls=() theirs=() ratios=() call_ratios=()
metric() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" "$work/figures"; }
for ((round = 0; round < rounds; round++)); do
    out=$(timeout 300 clips -f2 "$work/join.clp" </dev/null)
    [ "$(awk '$1 == "made" { print $2 }' <<<"$out")" = "$n" ] ||
        { echo "clips.sh: CLIPS made other facts: $out" >&2; exit 1; }
    their=$(awk -v n="$n" '$1 == "seconds" { printf "%.0f", n / $2 }' <<<"$out")
    "$ORRERY" bench rules --json --facts "$facts" >"$work/figures"
    our=$(metric derived_per_second)
    call=$(metric join2_tasks_per_second)
    ours+=("$our") calls+=("$call") theirs+=("$their")
    ratios+=("$(ratio "$our" "$their")") call_ratios+=("$(ratio "$call" "$their")")
done
printf '%-52s %8s %8s %8s\n' "" min median max
spread "CLIPS, matches/s" "${theirs[@]}"
spread "orrery, matches/s" "${ours[@]}"
spread "orrery with a call a match, tasks/s" "${calls[@]}"
spread "orrery / CLIPS" "${ratios[@]}"
spread "orrery with calls / CLIPS" "${call_ratios[@]}"
