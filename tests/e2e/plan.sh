#!/usr/bin/env bash
# plan.sh - orrery plan in all its formats; the page in a real browser
# shellcheck source-path=SCRIPTDIR source=../support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
cd "$work"
clip=$source_dir/jobs/clip.yaml

exits 0 "$ORRERY" plan "$clip"
contains "text" "$out" "encode every chunk at every rung: once for each chunk and rung"
contains "text" "$out" "critical path"$'\n'"  probe -> split -> encode -> mux: 4 calls in a row"
exits 2 "$ORRERY" plan "$clip" --format jsn
contains "a misspelt format" "$err" "there is no format 'jsn'; did you mean 'json'?"
exits 2 "$ORRERY" plan nothing.yaml --format html
contains "no file" "$err" "cannot open nothing.yaml"

exits 0 "$ORRERY" plan "$clip" --format json
/usr/bin/python3 - "$work/.out" <<'PY' || fail "the JSON is not what it should be"
import json, sys
plan = json.load(open(sys.argv[1]))
assert plan["workflow"] == "ladder", plan["workflow"]
assert plan["tasks"] == sum(f["tasks"] for f in plan["functions"]) > 0
assert [c["function"] for c in plan["critical_path"]["calls"]] == ["probe", "split", "encode", "mux"]
assert {r["stage"] for r in plan["rules"]} == {1, 2, 3, 4, 5}
PY
checks=$((checks + 1))

# With inputs missing there is nothing to count: stages and chains only.
exits 0 "$ORRERY" plan "$source_dir/workflows/ladder.yaml" --format json
contains "not counted" "$out" '"critical_path"'
case $out in *'"firings"'*) fail "counted without inputs" ;; esac
exits 0 "$ORRERY" plan "$source_dir/workflows/ladder.yaml" -s source=x.mkv --format json
contains "counted with --set" "$out" '"firings"'

exits 0 "$ORRERY" plan "$clip" --format dot
if command -v dot >/dev/null; then
    cp "$work/.out" plan.dot
    exits 0 dot -Tsvg plan.dot
    contains "Graphviz reads it" "$out" "assemble a rung"
fi

exits 0 "$ORRERY" plan "$clip" --format html
cp "$work/.out" page.html
case $out in *http://*|*https://*)
    # the name of the SVG format is no address to load
    [ "$(grep -o 'https*://[^" ]*' page.html | sort -u)" = http://www.w3.org/2000/svg ] ||
        fail "the page loads something" ;;
esac
command -v chromium >/dev/null || { echo "no chromium: the page was not looked at"; exit 0; }
# Point at the first rule, as a reader would, when the page is there.
cat >>page.html <<'HTML'
<script>
document.querySelector('.rule').dispatchEvent(new Event('mouseenter'));
var box = document.getElementById('graph').getBoundingClientRect();
var seen = [].filter.call(document.querySelectorAll('.node'), function (n) {
  var r = n.getBoundingClientRect();
  return r.width > 10 && r.left >= box.left && r.right <= box.right && r.bottom <= box.bottom;
});
var over = 0;
seen.forEach(function (a, i) { seen.forEach(function (b, k) {
  var p = a.querySelector('rect').getBoundingClientRect(), q = b.querySelector('rect').getBoundingClientRect();
  if (i < k && p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom) over++;
}); });
var wide = 0;
document.querySelectorAll('.node').forEach(function (n) {
  var r = n.querySelector('rect').getBoundingClientRect();
  n.querySelectorAll('text').forEach(function (t) {
    if (t.getBoundingClientRect().width > r.width) wide++;
  });
});
document.title = 'nodes ' + seen.length + ' overlap ' + over + ' wide ' + wide +
  ' dim ' + (document.querySelectorAll('.node.dim').length > 0);
</script>
HTML
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$work/profile" --dump-dom "file://$work/page.html" >dom.html 2>/dev/null ||
    fail "chromium failed"
title=$(sed -n 's/.*<title>\(nodes[^<]*\)<.*/\1/p' dom.html | head -n 1)
# 8 facts and 6 rules, all inside the drawing, none over another, no text beyond its box
same "the page in a browser" "nodes 14 overlap 0 wide 0 dim true" "$title"
