#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Installs the package kubernetes of Python, which a test here needs, from the distribution's packages, where it may: on Debian and
# its like, as root. Elsewhere it does nothing; the test then says what is missing.
set -euo pipefail

[ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
for python in python3 /usr/bin/python3; do
  "$python" -c "import kubernetes" 2>/dev/null && exit 0
done
echo "clients: installing python3-kubernetes (once, under a minute)"
{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-kubernetes; } >/dev/null 2>&1 ||
  echo "clients: could not install it"
