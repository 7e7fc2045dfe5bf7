#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Does what docs/operate.md says, in the words of the page, on a cluster with Pods. docs_test.go runs what needs none.
#
#   test/docs/pods.sh kustomize    mode ha: install, back up, rotate, replace a member, restore, upgrade, uninstall; 15 minutes
#   test/docs/pods.sh helm         mode ha by the chart: install, test, back up, uninstall; 5 minutes
#   test/docs/pods.sh single       mode single by the overlay: install, uninstall; 3 minutes
#   test/docs/pods.sh release      dist of "make release VERSION=v0.2.0" by the chart; the image is loaded as the page says
#
# It needs an empty cluster (three nodes for all but single) with a default storage class, by KUBECONFIG: your own, or that of
# test/pods/run.sh, as in "test/pods/run.sh test/docs/pods.sh kustomize". Your own needs the image of the server on its nodes, and
# those of etcd and busybox; here kubectl, helm, curl, jq, etcdctl and etcdutl, and bin/network-etcd.
# It ends with the line "all well", or at the first command that fails.
set -euo pipefail

cd "$(dirname "$0")/../.."
page=$PWD/docs/operate.md
block=$PWD/test/docs/block.sh
work=$(mktemp -d)
ln -s "$PWD/deploy" "$PWD/bin" "$work/"
if [[ ${1-} == release ]]; then ln -s "$PWD/dist" "$work/"; else test/docs/dist.sh "$work/dist"; fi
cd "$work"
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

say() { printf '\n== %s\n' "$*" >&2; }

# run HEADING N [SED...] does the n-th block below a heading, in this shell: a later block may use what an earlier one made.
run() {
  say "$1 $2"
  local commands
  commands=$("$block" "$page" "$1" "$2")
  [[ $# -lt 3 ]] || commands=$(sed "${@:3}" <<<"$commands")
  eval "$commands"
}

# networks prints what has to outlive everything: names and UIDs.
networks() { kubectl get networks -A -o jsonpath='{range .items[*]}{.metadata.name}={.metadata.uid} {end}'; }

sample() {
  say "two Networks"
  kubectl apply -n default -f - <<EOF
apiVersion: networking.ironcore.dev/v1alpha1
kind: Network
metadata: {name: one}
spec: {peerings: [{name: other, networkRef: {name: other}}]}
---
apiVersion: networking.ironcore.dev/v1alpha1
kind: Network
metadata: {name: other}
spec: {peerings: [{name: one, networkRef: {name: one}}]}
EOF
  before=$(networks)
}

kept() {
  local now
  now=$(networks)
  [[ $now == "$before" ]] || { echo "the Networks were $before and are $now" >&2; exit 1; }
}

# forwards ends the port-forwards of the page.
forwards() { kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; }

# until_open PORT waits for a port-forward of the block that runs: the page's reader types slower than this script.
until_open() { for _ in {1..100}; do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; return 1; }
export -f until_open

gone() { kubectl wait --for=delete namespace/network-system --timeout=5m; }

case ${1-} in
kustomize)
  run "With kustomize" 1
  run "With kustomize" 3
  run "Check it" 1
  sample
  run "Encryption at rest" 1
  run "Encryption at rest" 2
  run "The server is not ready" 1 -e '/port-forward/a until_open 6443'
  forwards
  run "Back up" 3 -e '/port-forward/a until_open 2379'
  forwards
  run "Certificates of etcd" 1
  kept
  run "The serving certificate" 1
  kept

  say "the volume of network-etcd-2 is lost"
  id=$(kubectl -n network-system exec network-etcd-0 -c etcd -- etcdctl member list | sed -n 's/, .*network-etcd-2, .*//p')
  kubectl -n network-system delete pvc/data-network-etcd-2 pod/network-etcd-2
  until kubectl -n network-system logs network-etcd-2 -c prepare 2>/dev/null | grep "has lost its data"; do sleep 1; done
  run "Replace a lost member" 1 -e "s/member remove ID/member remove $id/"
  unset -f etcdctl
  kubectl -n network-system rollout status statefulset/network-etcd --timeout=5m
  kept

  run "NetworkStorageFillingUp" 1
  kept

  run "Restore" 1
  SECONDS=0
  run "Restore" 2
  say "the restore took $SECONDS s without an answer"
  run "Check it" 1
  kept
  run "Upgrade" 1
  kept
  kubectl delete networks --all -n default
  run "Uninstall" 1
  ;;
helm)
  run "With Helm" 1
  run "Check it" 1
  sample
  helm test network-apiserver -n network-system
  helm upgrade network-apiserver deploy/charts/network-apiserver -n network-system --reuse-values --set backup.enabled=true
  run "Back up" 1
  run "Back up" 2
  for file in network-etcd-*.db; do etcdutl snapshot status "$file"; done
  kept
  kubectl delete networks --all -n default
  run "Uninstall" 2
  kubectl delete namespace network-system
  ;;
single)
  run "With kustomize" 1
  run "With kustomize" 2
  run "Check it" 1
  sample
  kept
  kubectl delete networks --all -n default
  run "Uninstall" 1 -e 's|overlays/ha|overlays/single|'
  ;;
release)
  # "The image" 1 and 2 differ in how the image comes to the nodes, and that is done by now.
  run "The image" 2 -e '/^make release/d; /^ctr /d'
  run "Check it" 1
  sample
  kept
  kubectl delete networks --all -n default
  run "Uninstall" 2
  kubectl delete namespace network-system
  ;;
*)
  sed -n '/^# Does/,/^# It ends/s/^# \{0,1\}//p' "$(dirname "$block")/pods.sh"
  exit 2
  ;;
esac
gone
say "all well"
