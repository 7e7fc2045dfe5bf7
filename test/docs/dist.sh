#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Writes the two archives of a release that docs/operate.md installs from, as they are in the tree: they name the image of the tests.
#
#   test/docs/dist.sh DIR
set -euo pipefail

deploy=$(cd "$(dirname "$0")/../../deploy" && pwd)
mkdir -p "$1"
tar -C "$deploy" -czf "$1/network-apiserver-kustomize-v0.2.0.tar.gz" kustomize
tar -C "$deploy/charts" -czf "$1/network-apiserver-chart-v0.2.0.tgz" network-apiserver
