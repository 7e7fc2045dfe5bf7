#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Installs what the tests with OVN run, where it may.
exec "$(dirname "$0")/../../hack/packages.sh" ovn ovn-northd:ovn-central ovn-controller:ovn-host \
  ovs-vswitchd:openvswitch-switch ip:iproute2 ping:iputils-ping ethtool:ethtool
