#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Installs the browser that the tests of the page run, where it may.
exec "$(dirname "$0")/../../hack/packages.sh" ui chromium:chromium
