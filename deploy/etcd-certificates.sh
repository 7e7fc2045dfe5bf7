#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Issues the certificates of the three-member etcd and prints them as Secrets:
#   deploy/etcd-certificates.sh DIR | kubectl apply -f -
# DIR keeps the CA with its key, which never enters the cluster: put it where only you can read it. Run again with the
# same DIR, it renews the certificates under the same CA; etcd and the server take them up without a restart.
# Everything is valid for ten years: renewing is for the day a key gets out, not a yearly chore to forget.
set -euo pipefail

namespace=network-system
days=3650

if [[ $# != 1 ]]; then
  echo "usage: $0 DIR" >&2
  exit 2
fi
command -v openssl >/dev/null || { echo "$0: openssl is missing: install it" >&2; exit 1; }
umask 077
mkdir -p "$1"
cd "$1"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

if [[ ! -e ca.key ]]; then
  key ca.key
  openssl req -x509 -new -key ca.key -sha256 -days $days -subj /CN=network-etcd-ca -out ca.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
fi

# issue NAME COMMON-NAME EXTENDED-KEY-USAGE [SUBJECT-ALTERNATIVE-NAMES]
issue() {
  key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" |
    openssl x509 -req -sha256 -days $days -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" \
      -out "$1.crt" -extfile <(
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature"
        echo "extendedKeyUsage=$3"
        echo "${4:+subjectAltName=$4}"
      )
}

names=DNS:localhost,IP:127.0.0.1
for member in network-etcd-{0,1,2}; do
  names+=,DNS:$member.network-etcd.$namespace.svc
done
# Members let only this common name into the cluster.
issue network-etcd-tls network-etcd serverAuth,clientAuth "$names"
issue network-etcd-client-tls network-apiserver clientAuth

for secret in network-etcd-tls network-etcd-client-tls; do
  cat <<YAML
---
apiVersion: v1
kind: Secret
metadata:
  name: $secret
  namespace: $namespace
type: kubernetes.io/tls
data:
  ca.crt: $(openssl base64 -A -in ca.crt)
  tls.crt: $(openssl base64 -A -in $secret.crt)
  tls.key: $(openssl base64 -A -in $secret.key)
YAML
done
