#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Fails, saying why, when something is not as it should be before a commit: format, headers, modules, lint, import rules,
# known vulnerabilities, generated files. Changes nothing.
set -euo pipefail

cd "$(dirname "$0")/.."
root=$PWD
export PATH=$root/bin/tools:$PATH
failed=0
say() { echo "verify: $*" >&2; }
fail() { say "FAILED: $*"; failed=1; }

sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done; }
generated() { grep -E '(^|/)zz_generated|(^|/)generated\.p|^pkg/client/|^docs/(api|flags|metrics)\.md$|^deploy/charts/[^/]*/(files/|README\.md$)'; }

modules=$(sources '*go.mod' | xargs -n1 dirname)
# Some modules have no code: they pin programs.
checked=$(for module in $modules; do [ -z "$(sources "$module/*.go")" ] || echo "$module"; done)
report=$(mktemp)
copy=$(mktemp -d)
trap 'rm -rf "$copy" "$report"' EXIT

say "format"
unformatted=$(sources '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || fail "not formatted, run gofmt -w on: $unformatted"
for script in $(sources '*.sh' .ci/run); do bash -n "$script" || fail "$script does not parse"; done

say "licence headers"
bare=$(sources '*.go' '*.sh' '*.yaml' 'Makefile' | grep -v '/testdata/' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
[ -z "$bare" ] || fail "without an SPDX header: $bare"

say "modules"
for module in $modules; do
  (cd "$module" && go mod tidy -diff >/dev/null) || fail "$module/go.mod is not tidy, run go mod tidy there"
done

say "lint, with the import rules of docs/architecture.md (building the linter takes up to eight minutes the first time)"
(cd hack/tools/lint && GOBIN=$root/bin/tools go install tool)
for module in $checked; do
  (cd "$module" && golangci-lint run ./...) || fail "golangci-lint in $module"
done

say "known vulnerabilities"
for module in $checked; do
  code=0
  (cd "$module" && govulncheck ./...) >"$report" 2>&1 || code=$?
  case $code in
  0) ;;
  3) cat "$report" >&2 && fail "govulncheck in $module" ;; # It found some.
  *) say "skipped: govulncheck cannot reach its database: $(tail -1 "$report")" && break ;;
  esac
done

say "generated files (a copy of the tree is generated anew and compared)"
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
