#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Commits and tags a release: tag.sh v0.2.0. Pushes nothing. The modules for clients, apis and pkg/client, have tags of their
# own, as Go wants it, and every go.mod names the version.
set -euo pipefail

cd "$(dirname "$0")/../.."
version=${1:?tag: the version is missing, one like v0.2.0}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
  { echo "tag: the version is $version, and must be one like v0.2.0" >&2; exit 1; }
[ -z "$(git status --porcelain)" ] || { echo "tag: commit or stash your changes first" >&2; exit 1; }

git ls-files '*go.mod' | xargs sed -i -E "s#(ironcore.dev/networking/(apis|pkg/client)) v[0-9][^ ]*#\1 $version#"
git commit --allow-empty -qam "Release $version"
for tag in "$version" "apis/$version" "pkg/client/$version"; do git tag "$tag"; done
echo "tag: push the branch and the tags $version, apis/$version and pkg/client/$version"
