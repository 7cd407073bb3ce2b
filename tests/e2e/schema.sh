#!/usr/bin/env bash
# schema.sh - the JSON Schemas accept every workflow and job of the project and of its
# documents, and refuse files that are wrong in key, shape or word
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/support/lib.sh
. "$here/tests/support/lib.sh"
python=/usr/bin/python3
"$python" -c 'import jsonschema, yaml' 2>/dev/null || skip "no python3-jsonschema, python3-yaml"
cd "$here"

"$ORRERY" schema workflow >"$work/workflow.json"
"$ORRERY" schema job >"$work/job.json"
bash tests/fuzz/seeds.sh "$work/seeds"

"$python" - "$work" "$ORRERY" <<'PYTHON'
import glob, json, os, re, subprocess, sys
import jsonschema, yaml

work, orrery = sys.argv[1:]
bad = 0

class Loader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: no, on and 01:00:00 are texts."""
Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers
            if tag not in ('tag:yaml.org,2002:bool', 'tag:yaml.org,2002:int',
                           'tag:yaml.org,2002:float', 'tag:yaml.org,2002:timestamp')]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
for tag, pattern, first in [('bool', r'^(true|false)$', 'tf'),
                            ('int', r'^[-+]?[0-9]+$', '-+0123456789'),
                            ('float', r'^[-+]?[0-9]*\.[0-9]+([eE][-+]?[0-9]+)?$',
                             '-+.0123456789')]:
    Loader.add_implicit_resolver('tag:yaml.org,2002:' + tag, re.compile(pattern), list(first))

validators = {}
for kind in ('workflow', 'job'):
    schema = json.load(open(f'{work}/{kind}.json'))
    jsonschema.Draft202012Validator.check_schema(schema)
    validators[kind] = jsonschema.Draft202012Validator(schema)

def errors(text, kind):
    return [e.message for e in validators[kind].iter_errors(yaml.load(text, Loader))]

def complain(text):
    global bad
    bad = 1
    print(text, file=sys.stderr)

# What the compiler takes, the schema takes.
right = ['orrery: 1\nworkflow: w\nrules: [{rule: r, match: {j: job}, assert: b, for: "i, x in j.xs"}]\n',
         'orrery: 1\nworkflow: w\nrules: [{rule: r, match: {j: job}, then: [{assert: b}]}]\nfunctions:\n',
         'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, retries: 2 * 3, memory: 1GiB + 512MiB}}\n']
for text in right:
    if errors(text, 'workflow'):
        complain(f'the schema refuses {text}: {errors(text, "workflow")[0]}')
taken = 0
files = glob.glob('workflows/*.yaml') + glob.glob('jobs/*.yaml')
files += glob.glob(f'{work}/seeds/workflow/*')
report = json.loads(subprocess.run([orrery, 'validate', '--json', *files],
                                   capture_output=True).stdout)
for path in [f['file'] for f in report['files'] if f['good']]:
    text = open(path).read()
    if re.search(r'[{,\[][^"\n]*\([^)"\n]*,', text):
        continue  # commas in parentheses are an extension that other readers do not know
    kind = 'job' if re.search('^job:', text, re.M) else 'workflow'
    found = errors(text, kind)
    if found:
        complain(f'{path}: the schema refuses it: {found[0]}')
    taken += 1
for path in glob.glob(f'{work}/seeds/job/*'):
    if os.path.basename(path).startswith('wrong-'):
        continue
    found = errors(open(path).read().split('\n====\n')[0], 'job')
    if found:
        complain(f'{path}: the schema refuses it: {found[0]}')
    taken += 1
if taken < 15:
    complain(f'only {taken} files were looked at')

wrong = {
    'workflow': [
        'orrery: 2\nworkflow: w\n',
        'workflow: w\n',
        'orrery: 1\nworkflow: w\nrule: []\n',
        'orrery: 1\nworkflow: w\nrules: {rule: x}\n',
        'orrery: 1\nworkflow: w\nrules: [{match: {j: job}}]\n',
        'orrery: 1\nworkflow: w\nrules: [{rule: r, match: {j: job}, acton: {call: f}}]\n',
        'orrery: 1\nworkflow: w\nrules: [{rule: r, match: {j: job}, for: j.xs}]\n',
        'orrery: 1\nworkflow: w\nrules: [{rule: r, match: {j: job}, gather: {x: a}}]\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, command: [b]}}\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {timeout: 30s}}\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, timeout: 30}}\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, memory: 4G}}\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, cores: 0}}\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, stdout: jason}}\n',
        'orrery: 1\nworkflow: w\nfunctions: {f: {use: a, opportunistic: yes}}\n',
        'orrery: 1\nworkflow: w\npools: {p: {share: 2}}\n',
        'orrery: 1\nworkflow: w\noutputs: {o: {fact: a, each: b}}\n',
        'orrery: 1\nworkflow: w\ninputs: {n: {default: 3}}\n',
    ],
    'job': [
        'orrery: 1\njob: t\n',
        'orrery: 1\njob: t\nworkflow: w.yaml\ninput: {a: 1}\n',
        'orrery: 1\njob: t\nworkflow: w.yaml\nrequests: {a: 1}\n',
        'orrery: 1\njob: t\nworkflow: w.yaml\nsweep: {a: 1}\n',
        'orrery: 1\njob: t\nworkflow: w.yaml\nsweep: {a: []}\n',
        'orrery: 1\njob: t\nworkflow: [w.yaml]\n',
        '[job]\n',
    ],
}
for kind, texts in wrong.items():
    for text in texts:
        if not errors(text, kind):
            complain(f'the schema takes this {kind}:\n{text}')
sys.exit(bad)
PYTHON
checks=$((checks + 1))
