#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Installs what a node of Kubernetes needs, where it may. run.sh says what is missing elsewhere.
exec "$(dirname "$0")/../../hack/packages.sh" pods containerd:containerd runc:runc nft:nftables iptables:iptables \
  conntrack:conntrack ip:iproute2 openssl:openssl ethtool:ethtool jq:jq busybox:busybox-static curl:curl \
  /usr/lib/cni/bridge:containernetworking-plugins
