#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds helm and kustomize, which render what is under deploy, into bin/tools. go.mod here pins them.
set -euo pipefail

cd "$(dirname "$0")"
out=$PWD/../../bin/tools
mkdir -p "$out"
for tool in helm kustomize; do
  [[ -x $out/$tool ]] || echo "helm/build.sh: building $tool (once; the two take 2 to 4 minutes)" >&2
done
go build -ldflags "-s -w" -o "$out/helm" helm.sh/helm/v4/cmd/helm
go build -ldflags "-s -w" -o "$out/kustomize" sigs.k8s.io/kustomize/kustomize/v5
