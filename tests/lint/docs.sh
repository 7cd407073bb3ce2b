#!/usr/bin/env bash
# docs.sh - the documents say what the program does
#
# Every YAML example compiles, every subcommand has a manual page with exactly its options,
# reference.md is what `orrery reference` prints, the tables of media.md are what `orrery
# functions` prints, links lead somewhere, and the pages are proper.
set -euo pipefail
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$root"

program=${ORRERY-}
if [ -z "$program" ]; then
    for candidate in build/*/orrery; do
        [ -x "$candidate" ] && program=$candidate
    done
fi
if [ ! -x "$program" ]; then
    echo "docs.sh: no program: build it, or set ORRERY"
    exit 77
fi
program=$(realpath "$program")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() { echo "$*" >&2; bad=1; }

mapfile -t documents < <(find README.md CHANGELOG.md docs -name '*.md' | sort)
mapfile -t pages < <(find docs/man -name '*.scd' | sort)

# ---- examples ----

# extract DOCUMENT DIRECTORY: fenced blocks with a line `orrery: N` become files. Their name is
# that of a first line `# NAME.yaml`, or the workflow's, so that a job finds its workflow.
extract() {
    awk -v directory="$2" '
        function keep(    name) {
            name = "block-" ++n ".yaml"
            if (match(text, /^# [a-z0-9_-]+\.yaml/)) name = substr(text, 3, RLENGTH - 2)
            else if (flow != "") name = flow ".yaml"
            printf "%s", text > (directory "/" name)
            close(directory "/" name)
        }
        /^```/ && open { if (open == 2) keep(); open = 0; next }
        /^```(yaml)?$/ { open = 1; text = flow = ""; next }
        /^```/ { open = 3; next }
        open && open < 3 { text = text $0 "\n" }
        open == 1 && /^orrery: / { open = 2 }
        open == 2 && /^workflow: [a-z0-9_-]+$/ { flow = $2 }
    ' "$1"
}

examples=0
for document in "${documents[@]}" "${pages[@]}"; do
    directory=$work/$(tr / _ <<<"$document")
    mkdir "$directory"
    extract "$document" "$directory"
    for example in "$directory"/*.yaml; do
        [ -e "$example" ] || continue
        examples=$((examples + 1))
        "$program" validate --quiet "$example" ||
            complain "$document: the example $(basename "$example") does not compile"
        grep -q '^tests:' "$example" || continue
        "$program" test --quiet "$example" ||
            complain "$document: the tests of the example $(basename "$example") fail"
    done
done
[ "$examples" -gt 0 ] || complain "no examples found: is the extraction broken?"

# ---- manual pages ----

options_of() { # as the help prints them
    "$program" "$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}
options_in() { # as a page defines them: lines such as *-n*, *--ranks*=_N_
    grep -E '^\*-' "$1" | grep -oE -- '--[a-z-]+'
}

mapfile -t commands < <("$program" --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
[ ${#commands[@]} -gt 0 ] || complain "orrery --help lists no commands"
for command in "${commands[@]}"; do
    page=docs/man/orrery-$command.1.scd
    [ -e "$page" ] || { complain "$page is missing"; continue; }
    grep -q "orrery-$command" docs/man/orrery.1.scd ||
        complain "orrery.1.scd does not name orrery-$command(1)"
    while read -r sign option; do
        case $sign in
        '<') complain "$page says nothing of $option" ;;
        '>') complain "$page names $option, which the program does not know" ;;
        esac
    done < <(diff <(options_of "$command" | sort -u) <(options_in "$page" | sort -u) |
        grep '^[<>]' || true)
done

if command -v scdoc >/dev/null; then
    for page in "${pages[@]}"; do
        scdoc <"$page" >"$work/page" || { complain "$page: scdoc refuses it"; continue; }
        if command -v mandoc >/dev/null; then
            mandoc -T lint -W error "$work/page" >&2 || complain "$page: see above"
        fi
    done
else
    echo "docs.sh: no scdoc: the form of manual pages is not checked"
fi

# ---- references ----

diff -u docs/reference.md <("$program" reference) >&2 ||
    complain "docs/reference.md is not what 'orrery reference' prints"
# Rows of tables as plain words: those of media.md, and what the program prints.
words() { sed -E 's/[|`]/ /g; s/ +/ /g; s/^ //; s/ $//'; }
grep '^|' docs/media.md | words >"$work/rows"
while read -r function; do
    while read -r row; do
        grep -qxF -- "$row" "$work/rows" || complain "docs/media.md: $function has no row '$row'"
    done < <("$program" functions "$function" | grep '^  ' | words)
done < <("$program" functions | grep -oE '^media\.[a-z_]+')

for document in "${documents[@]}"; do
    while read -r link; do
        [ -e "$(dirname "$document")/${link%%#*}" ] ||
            complain "$document: the link $link leads nowhere"
    done < <(grep -oE '\]\([^)#:][^):]*\)' "$document" | sed -E 's/^\]\((.*)\)$/\1/')
done
for command in 'bash jobs/demo.sh' 'bash tests/run.sh'; do
    grep -qx "    $command" README.md || complain "README.md: no line '$command'"
done
exit $bad
