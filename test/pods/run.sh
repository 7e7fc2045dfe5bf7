#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Runs a command beside a Kubernetes with real Pods on this machine: a control plane and NODES nodes (3), each with containerd,
# kubelet and kube-proxy in a network of its own (node.sh), with CoreDNS and the images of this tree. KUBECONFIG is the administrator's.
#
#   test/pods/run.sh COMMAND [ARGUMENT...]
#
# All of it lives in namespaces of its own (processes, mounts, networks), which end with the command: no process, mount, address or
# firewall rule is left. It needs Linux, root and control groups of version 1; elsewhere it says so in one line and ends well.
# LOGS=DIR keeps the logs there; PROXY_MODE is the mode of kube-proxy (nftables).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
export PATH=$root/bin/kubernetes:$root/bin/pods:$root/bin/tools:$PATH:/usr/sbin:/sbin

skip() { echo "pods: skipped: $*" >&2; exit 0; }

if [[ ${1-} != --inside ]]; then
  [[ $# -gt 0 ]] || { sed -n '/^# Runs/,/^# LOGS/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  [[ $(uname) = Linux ]] || skip "not Linux"
  [[ $(id -u) = 0 ]] || skip "not root"
  [[ -d /sys/fs/cgroup/cpuset ]] || skip "no control groups of version 1"
  "$root/test/pods/install.sh"
  for program in containerd ctr runc nft iptables conntrack ip unshare nsenter openssl jq busybox; do
    command -v $program >/dev/null || skip "no $program"
  done
  [[ -x /usr/lib/cni/bridge ]] || skip "no /usr/lib/cni/bridge"
  "$root/test/pods/build.sh"
  work=$(mktemp -d /tmp/network-apiserver-pods.XXXX)
  cgroup=network-apiserver-pods-$$
  clean() {
    for _ in {1..50}; do # The processes in them are ending.
      find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || true
      [[ -n $(find /sys/fs/cgroup -type d -path "*/$cgroup*" -print -quit) ]] || break
      sleep 0.1
    done
    [[ -z ${LOGS-} ]] || { mkdir -p "$LOGS" && cp "$work"/*.log "$LOGS"; }
    rm -rf "$work"
  }
  trap 'kill -KILL $inside 2>/dev/null || true; clean' EXIT
  trap exit INT TERM
  unshare --fork --kill-child --pid --mount-proc --net "$0" --inside "$work" "$cgroup" "$@" <&0 &
  inside=$!
  wait $inside
  exit
fi

work=$2 cgroup=$3
shift 3
export KUBECONFIG=$work/admin.kubeconfig
nodes=${NODES:-3}

say() { echo "pods: $*" >&2; }
start() { "${@:2}" >"$work/$1.log" 2>&1 & } # start NAME COMMAND... in the background, with its output in NAME.log.
until_ok() {                                 # until_ok SECONDS COMMAND... repeats a command until it succeeds.
  local end=$((SECONDS + $1))
  until "${@:2}" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || { say "not within $1 s: ${*:2}; the ends of the logs:"; tail -n 5 "$work"/*.log >&2; exit 1; }
    sleep 0.2
  done
}

mount --make-rshared /
mount -t tmpfs tmpfs /run
group() { # group NAME makes a control group.
  local controller file
  for controller in /sys/fs/cgroup/*/; do
    mkdir "$controller$1"
    for file in cpuset.cpus cpuset.mems; do
      [[ ! -f $controller$file ]] || cat "$controller$file" >"$controller$1/$file"
    done
  done
}
group "$cgroup"
ip link set lo up
ip link add nodes type bridge
ip link set nodes up

# Certificates: an authority for the server and its clients, one for the aggregator, and a key for service accounts.
cd "$work"
for ca in ca front-proxy-ca; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$ca" -keyout $ca.key -out $ca.crt 2>/dev/null
done
openssl genrsa -out accounts.key 2048 2>/dev/null
issue() { # issue CA NAME SUBJECT [SANS]
  openssl req -newkey rsa:2048 -nodes -subj "$3" -keyout "$2.key" -out "$2.csr" 2>/dev/null
  openssl x509 -req -in "$2.csr" -CA "$1.crt" -CAkey "$1.key" -CAcreateserial -days 1 -out "$2.crt" \
    -extfile <(echo "subjectAltName=${4:-DNS:$2}") 2>/dev/null
}
issue ca apiserver /CN=kube-apiserver "IP:172.31.255.1,IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc"
issue front-proxy-ca aggregator /CN=front-proxy-client
user() { # user NAME SUBJECT makes NAME.kubeconfig.
  issue ca "$1" "$2"
  local config=(kubectl --kubeconfig="$1.kubeconfig" config)
  "${config[@]}" set-cluster it --server=https://172.31.255.1:6443 --certificate-authority=ca.crt --embed-certs
  "${config[@]}" set-credentials it --client-certificate="$1.crt" --client-key="$1.key" --embed-certs
  "${config[@]}" set-context it --cluster=it --user=it
  "${config[@]}" use-context it
} >/dev/null
user admin /O=system:masters/CN=admin
user controllers /CN=system:kube-controller-manager
user scheduler /CN=system:kube-scheduler
user proxy /CN=system:kube-proxy

# The images that are not the project's own, each with a few static programs.
image() { # image NAME FOLDER [ENTRYPOINT...] writes NAME.image.tar with the files of a folder, and removes the folder.
  local id
  tar --owner=0 --group=0 -C "$2" -cf layer.tar .
  id=$(sha256sum layer.tar | cut -d' ' -f1)
  jq -n '{architecture: $arch, os: "linux", config: {Env: ["PATH=/bin"], Entrypoint: $ARGS.positional},
    rootfs: {type: "layers", diff_ids: ["sha256:\($id)"]}}' --arg id "$id" --arg arch "$(go env GOARCH)" --args "${@:3}" >config.json
  jq -n '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' --arg name "$1" >manifest.json
  tar -cf "$2.image.tar" manifest.json config.json layer.tar
  rm -rf layer.tar "$2"
}
mkdir -p {busybox,etcd,coredns}/bin
cp "$(command -v busybox)" busybox/bin/busybox
for applet in sh sleep tar rm cp ls cat; do ln -s busybox busybox/bin/$applet; done
cp -r busybox pause
cp "$root"/bin/pods/{etcd,etcdctl,etcdutl} etcd/bin/
cp "$root/bin/pods/coredns" coredns/bin/
image docker.io/library/busybox:latest busybox
image docker.io/library/pause:test pause /bin/sleep 2000000000
image docker.io/library/coredns:test coredns /bin/coredns
image "$(sed -n 's/^ *image: \(registry.k8s.io.etcd:.*\)/\1/p' "$root/deploy/kustomize/components/etcd-cluster/etcd.yaml")" etcd
export LOAD="$work/*.image.tar $root/bin/pods/*-linux-$(go env GOARCH).tar"

# Node 0 is this network, with the control plane in it. The others hang on the bridge.
for ((i = 0; i < nodes; i++)); do
  user "node-$i" "/O=system:nodes/CN=system:node:node-$i"
  group "$cgroup/node-$i"
  link=nodes
  if [[ $i -gt 0 ]]; then
    link=eth0
    ip netns add "node-$i"
    ip link add "node-$i" type veth peer name eth0 netns "node-$i"
    ip link set "node-$i" master nodes up
  fi
  enter=()
  [[ $i = 0 ]] || enter=(nsenter --net=/run/netns/node-$i)
  start "node-$i" "${enter[@]}" unshare --mount "$root/test/pods/node.sh" "$i" "$nodes" "$work" "$cgroup" "$link"
done
until_ok 30 grep -q "^ok" node-0.log

say "the control plane"
start etcd etcd --data-dir=control-plane --listen-client-urls=http://127.0.0.1:12379 --advertise-client-urls=http://127.0.0.1:12379 \
  --listen-peer-urls=http://127.0.0.1:12380 # The usual ports are for those who follow the page.
start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:12379 --advertise-address=172.31.255.1 --allow-privileged \
  --kubelet-preferred-address-types=InternalIP --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --client-ca-file=ca.crt \
  --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key \
  --kubelet-client-certificate=admin.crt --kubelet-client-key=admin.key \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.key \
  --service-account-signing-key-file=accounts.key \
  --proxy-client-cert-file=aggregator.crt --proxy-client-key-file=aggregator.key \
  --requestheader-client-ca-file=front-proxy-ca.crt --requestheader-allowed-names=front-proxy-client \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra-
until_ok 60 kubectl get --raw /readyz
start kube-controller-manager kube-controller-manager --kubeconfig=controllers.kubeconfig --leader-elect=false \
  --use-service-account-credentials --service-account-private-key-file=accounts.key --root-ca-file=ca.crt
start kube-scheduler kube-scheduler --kubeconfig=scheduler.kubeconfig --leader-elect=false

say "the nodes"
kubectl apply -f "$root/test/pods/cluster.yaml" >/dev/null
for ((i = 0; i < nodes * 20; i++)); do # Volumes: folders, 20 on each node.
  mkdir -p "volumes/$i"
  cat <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: volume-$i}
spec:
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local: {path: $work/volumes/$i}
  nodeAffinity:
    required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-$((i % nodes))]}]}]}
---
END
done | kubectl apply -f - >/dev/null
for ((i = 0; i < nodes; i++)); do
  until_ok 180 kubectl wait --for=condition=Ready "node/node-$i" --timeout=1s
done
until_ok 120 kubectl -n kube-system rollout status deployment/coredns --timeout=1s
say "ready after $SECONDS s: Kubernetes $(kubectl version -o json 2>/dev/null | jq -r .serverVersion.gitVersion)," \
  "$(containerd --version | cut -d' ' -f3,4), $(runc --version | head -1)"
cd "$root"
"$@"
