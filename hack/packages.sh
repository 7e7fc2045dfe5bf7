#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Installs programs that tests run, from the distribution's packages, where it may: on Debian and its like, as root. Elsewhere it does
# nothing; the tests then say what is missing. The services that the packages bring are not started.
#
#   hack/packages.sh TESTS PROGRAM:PACKAGE...
set -euo pipefail

[ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
tests=$1 missing=()
shift
for program in "$@"; do
  PATH=$PATH:/usr/sbin:/sbin command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "$tests: installing ${missing[*]} (once, under a minute)"
policy=/usr/sbin/policy-rc.d # What it refuses is not started.
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 ||
  echo "$tests: could not install them"
