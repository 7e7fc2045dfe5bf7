#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Prints commands of a page as they are written: the n-th block of them below a heading. Without a heading, it lists what there is.
#
#   test/docs/block.sh docs/operate.md ["With kustomize" 2]
set -euo pipefail

awk -v wanted="${2-}" -v n="${3-}" '
  !inside && /^#+ / { heading = substr($0, index($0, " ") + 1); count = 0 }
  /^```/ {
    inside = !inside
    taken = inside && $0 == "```bash"
    if (taken) count++
    if (taken && wanted == "") print heading " " count
    next
  }
  inside && taken && heading == wanted && count == n { print; found = 1 }
  END { if (wanted != "" && !found) { print "no block " n " of commands below " wanted > "/dev/stderr"; exit 1 } }
' "$1"
