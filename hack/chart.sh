#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Writes what the Helm chart takes from elsewhere: files of the kustomize components, and the table of values in its
# README.md, from the comments of values.yaml.
set -euo pipefail

cd "$(dirname "$0")/.."
chart=deploy/charts/network-apiserver

mkdir -p $chart/files
cp deploy/kustomize/base/{audit-policy,clusterroles}.yaml $chart/files/
cp deploy/kustomize/components/monitoring/{alerts.yaml,dashboard.json} $chart/files/

go run ./hack/chart-values $chart/values.yaml >$chart/values.md.new
{
  sed '/^<!-- values -->$/q' $chart/README.md
  echo
  cat $chart/values.md.new
} >$chart/README.md.new
rm $chart/values.md.new
mv $chart/README.md.new $chart/README.md
