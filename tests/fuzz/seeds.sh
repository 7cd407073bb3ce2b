#!/usr/bin/env bash
# seeds.sh DIRECTORY - make the corpus to start from: DIRECTORY/TARGET/*
#
# Workflows and jobs of this project, the examples and code of its documents, the wrong
# files of the unit tests. Nothing is copied into the sources.
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")/../.."
mkdir -p "$out"/{workflow,job,expression,template,format,shard,import,site} # (shard: regress only)

# split FILE PREFIX: fenced blocks with a line `orrery:` become files
split() {
    awk -v prefix="$2" '
        /^```/ && open { if (flow) printf "%s", text > (prefix "-" ++n ".yaml"); open = 0; next }
        /^```(yaml)?$/ { open = 1; text = ""; flow = 0; next }
        open { text = text $0 "\n"; if (/^orrery: /) flow = 1 }
    ' "$1"
}

files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
cp workflows/*.yaml "$files"
for template in workflows/templates/*.yaml; do
    cp "$template" "$files/template-$(basename "$template")"
done
cp tests/golden/fmt/messy.yaml "$files"
for job in jobs/*.yaml; do
    cp "$job" "$files/job-$(basename "$job")"
done
for document in README.md docs/*.md docs/man/*.scd; do
    split "$document" "$files/$(basename "$document")"
done
for cases in tests/unit/graph/wrong/*.txt; do
    awk -v prefix="$files/wrong-$(basename "$cases" .txt)" '
        /^=== / { text = ""; open = 1; next }
        /^---$/ { if (open) printf "%s", text > (prefix "-" ++n ".yaml"); open = 0; next }
        open { text = text $0 "\n" }
    ' "$cases"
done
for file in "$files"/*.yaml; do
    name=$(basename "$file" .yaml)
    if grep -q '^job:' "$file"; then
        flow=$(sed -n 's/^workflow: *//p' "$file")
        { cat "$file"; echo ====; cat "$files/$(basename "${flow:-none}")" 2>/dev/null ||
            cat workflows/sweep.yaml; } >"$out/job/$name"
    else
        cp "$file" "$out/workflow/$name"
    fi
done

cp "$files"/*.yaml "$out/format"

# keep TARGET: each line is a seed; the first byte chooses what is wanted
keep() {
    local n=0 line
    while IFS= read -r line; do
        n=$((n + 1))
        printf '\a%s' "$line" >"$out/$1/line-$n"
    done
}
{
    grep -ohE '`[^`]+`' docs/*.md | tr -d '`'
    sed -nE 's/^    \{ "(.*)", "?.*/\1/p' tests/unit/lang/expr.c | sed 's/\\"/"/g'
    sed -nE 's/^ *(where|when|count|order|for): *(.*)/\2/p' "$files"/*.yaml
} | sort -u | keep expression
{
    grep -ohE '"[^"]*\{[^"]*"' "$files"/*.yaml docs/*.md | sed 's/^"//; s/"$//'
    grep -ohE '\{out\.[a-z]+\}[a-z.]*|printf .*' "$files"/*.yaml
} | sort -u | keep template

# The texts of the unit tests of importing, as lines of C.
n=0
while IFS= read -r line; do
    n=$((n + 1))
    for reader in 0 1 2 3; do
        printf '%b' "\\x0$reader$line" >"$out/import/line-$n-$reader"
    done
done < <(sed -nE 's/^ *"(.*)",?( true,| false,)?$/\1/p' tests/unit/import/import.c)
printf '\x02JOB A a.sub\n====\nexecutable = x\narguments = "a $(b)"\nb = 1\n' >"$out/import/submit"
