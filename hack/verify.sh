#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Fails, saying why, when something is not as it should be before a commit: format, headers, modules, import rules,
# generated files. Changes nothing.
set -euo pipefail

cd "$(dirname "$0")/.."
root=$PWD
failed=0
say() { echo "verify: $*" >&2; }
fail() { say "FAILED: $*"; failed=1; }

sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done; }
generated() { grep -E '(^|/)zz_generated|(^|/)generated\.p|^pkg/client/|^docs/api\.md$'; }

say "format"
unformatted=$(sources '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || fail "not formatted, run gofmt -w on: $unformatted"
for script in $(sources '*.sh' .ci/run); do bash -n "$script" || fail "$script does not parse"; done

say "licence headers"
bare=$(sources '*.go' '*.sh' '*.yaml' 'Makefile' | grep -v '/testdata/' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
[ -z "$bare" ] || fail "without an SPDX header: $bare"

say "go vet"
go vet ./... || fail "go vet"

say "modules"
for module in $(sources '*go.mod' | xargs -n1 dirname); do
  (cd "$module" && go mod tidy -diff >/dev/null) || fail "$module/go.mod is not tidy, run go mod tidy there"
done

say "import rules"
(cd hack/tools && go build -o "$root/bin/tools/importrules" ./importrules)
bin/tools/importrules || fail "an import breaks a rule of docs/architecture.md"

say "generated files (a copy of the tree is generated anew and compared)"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
sources . | tar -c -T - | tar -x -C "$copy"
mkdir -p "$copy/bin" && ln -s "$root/bin/tools" "$copy/bin/tools"
if "$copy/hack/generate.sh"; then
  stale=$({ sources . | generated; (cd "$copy" && find . -type f | sed 's|^\./||' | generated); } | sort -u |
    while read -r file; do cmp -s "$file" "$copy/$file" || echo "$file"; done)
  [ -z "$stale" ] || fail "stale, run make generate: $stale"
else
  fail "make generate fails"
fi

[ "$failed" = 0 ] && say "all well"
exit "$failed"
