#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# One node of the cluster that run.sh makes, in a mount and a network namespace of its own: containerd, kubelet and kube-proxy.
#
#   test/pods/node.sh NUMBER NODES FOLDER CGROUP LINK
set -euo pipefail

i=$1 nodes=$2 work=$3 cgroup=$4/node-$1 link=$5
name=node-$i address=172.31.255.$((i + 1)) dir=$work/$name
mkdir -p "$dir/cni"
cd "$dir"

# What programs write outside of the folder goes to memory, and what kubelet wants of the kernel seems to be so already.
mount --make-rshared /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1; do
  file=${setting//\//.}
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%=*}"
done

# An address, and a way to the Pods of the others.
sysctl -q -w net.ipv4.ip_forward=1
ip link set lo up
ip address add "$address/24" dev "$link"
ip link set "$link" up
for ((other = 0; other < nodes; other++)); do
  [[ $other = "$i" ]] || ip route add "10.244.$other.0/24" via "172.31.255.$((other + 1))"
done
ip route add 10.96.0.0/16 dev "$link" # Services: kube-proxy rewrites the packets, but only those that have a route.
echo "ok: the network"

cat >cni/bridge.conflist <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$dir/ipam", "ranges": [[{"subnet": "10.244.$i.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
cat >containerd.toml <<END
version = 2
root = "$dir/containerd"
state = "/run/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "pause:test"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$dir/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/opt"
END
containerd --config containerd.toml >"$work/containerd-$i.log" 2>&1 &
until ctr version >/dev/null 2>&1; do sleep 0.1; done
for image in $LOAD; do ctr -n k8s.io images import "$image"; done

: >resolv.conf
cat >kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $work/ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failCgroupV1: false
failSwapOn: false
protectKernelDefaults: true
clusterDomain: cluster.local
clusterDNS: [10.96.0.10]
resolvConf: $dir/resolv.conf
podLogsDir: $dir/logs
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
END
kubelet --config=kubelet.yaml --kubeconfig="$work/$name.kubeconfig" --root-dir="$dir/kubelet" --cert-dir="$dir/pki" \
  --hostname-override="$name" --node-ip="$address" >"$work/kubelet-$i.log" 2>&1 &

cat >kube-proxy.yaml <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ${PROXY_MODE:-nftables}
hostnameOverride: $name
clusterCIDR: 10.244.0.0/16
clientConnection: {kubeconfig: $work/proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END
kube-proxy --config=kube-proxy.yaml >"$work/kube-proxy-$i.log" 2>&1 &
wait
