#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Makes a release in dist, without a daemon or a registry; the same commit, version and Go always give the same files:
#   network-apiserver-VERSION-linux-ARCH.tar   the image for one architecture, to load
#   network-apiserver-VERSION.oci.tar          the image for all, to push
#   network-apiserver-chart-VERSION.tgz        the Helm chart
#   network-apiserver-kustomize-VERSION.tar.gz the kustomize overlays
#   PROGRAM-VERSION-OS-ARCH                    the programs
#   PROGRAM-VERSION-OS-ARCH.cdx.json           what each is made of, in CycloneDX form
#   kubectl-network-VERSION-OS-ARCH.tar.gz     the plugin of kubectl, as krew takes it
#   kubectl-network-VERSION.krew.yaml          its manifest for krew
#   SHA256SUMS
# VERSION is one like v0.2.0. IMAGE is the registry and repository of the image, as the chart and the overlays name it; by
# default network-apiserver, for images that are loaded rather than pulled. With a registry they name the digest too.
# ETCD_DIGEST, as sha256:…, pins the image of etcd in the chart and the overlays. Its registry tells it:
#   skopeo inspect --format '{{.Digest}}' docker://registry.k8s.io/etcd:TAG
# DOWNLOAD_URL is where the files of dist will be, for the manifest of krew.
set -euo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
version=${VERSION:?release: VERSION is missing, one like v0.2.0}
image=${IMAGE:-network-apiserver}
download_url=${DOWNLOAD_URL:-https://example.com/network-apiserver}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$ ]] ||
  { echo "release: VERSION is $version, and must be one like v0.2.0" >&2; exit 1; }
etcd_digest=${ETCD_DIGEST:-}
[[ $etcd_digest =~ ^(sha256:[0-9a-f]{64})?$ ]] ||
  { echo "release: ETCD_DIGEST is $etcd_digest, and must be one like sha256:…, with 64 hexadecimal digits" >&2; exit 1; }
archs=amd64,arm64
tag=${version//+/-}
dist=$root/dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "release: $*" >&2; }

rm -rf "$dist"
mkdir -p "$dist"

say "images (the first build for an architecture takes some minutes)"
digest=$(VERSION=$version IMAGE=$image ARCHS=$archs OUTPUT=$dist/network-apiserver-$tag hack/image/build.sh)
reference_digest=
[[ $image == */* ]] && reference_digest=$digest

# pack DIR FOLDER FILE: a tarball of DIR/FOLDER that depends on nothing but the files. Its names begin with FOLDER, without
# "./", which Helm does not read.
pack() {
  tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - "$2" | gzip -n -9 >"$3"
}
hack/helm/build.sh

say "chart"
mkdir -p "$work/chart"
cp -r deploy/charts/network-apiserver "$work/chart/"
chart=$work/chart/network-apiserver
sed -i "s|^version:.*|version: ${version#v}|; s|^appVersion:.*|appVersion: $tag|" "$chart/Chart.yaml"
# The first repository and digest in the file are those of the server's image.
sed -i "0,/^  repository: .*/s||  repository: $image|; 0,/^  digest: .*/s||  digest: \"$reference_digest\"|" "$chart/values.yaml"
# The one in the section etcd is that of etcd's image.
sed -i "/^etcd:/,/^backup:/s|^    digest: .*|    digest: \"$etcd_digest\"|" "$chart/values.yaml"
pack "$work/chart" network-apiserver "$dist/network-apiserver-chart-$tag.tgz"
bin/tools/helm template network-apiserver "$dist/network-apiserver-chart-$tag.tgz" --set mode=ha |
  grep -F "image: $image:$tag" >/dev/null || { say "the chart does not render with image $image:$tag"; exit 1; }

say "kustomize overlays"
cp -r deploy/kustomize "$work/kustomize"
for overlay in "$work"/kustomize/overlays/*/kustomization.yaml; do
  {
    echo "images:"
    echo "- name: network-apiserver"
    echo "  newName: $image"
    echo "  newTag: $tag"
    if [[ $reference_digest ]]; then echo "  digest: $reference_digest"; fi
    if [[ $etcd_digest ]]; then printf '%s\n' "- name: registry.k8s.io/etcd" "  digest: $etcd_digest"; fi
  } >>"$overlay"
  bin/tools/kustomize build "$(dirname "$overlay")" | grep -F "image: $image:$tag" >/dev/null ||
    { say "$overlay does not render with image $image:$tag"; exit 1; }
done
pack "$work" kustomize "$dist/network-apiserver-kustomize-$tag.tar.gz"

say "programs"
(cd hack/release && go build -o "$root/bin/tools/cyclonedx-gomod" github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod)
for folder in cmd/*/; do
  program=$(basename "$folder")
  for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
    os=${platform%/*} arch=${platform#*/}
    # A client runs where its user is; the others run in Pods.
    [[ $os == linux || $program == kubectl-* ]] || continue
    file=$dist/$program-$tag-$os-$arch
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch hack/build.sh -trimpath -buildvcs=false \
      -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$file" "./$folder"
    bin/tools/cyclonedx-gomod bin -json -noserial -notimestamp -version "$version" -output "$file.cdx.json" "$file"
  done
done

say "plugin for krew"
cp deploy/krew/network.yaml "$work/krew.yaml"
sed -i "s|DOWNLOAD_URL|$download_url|; s|VERSION|$tag|g" "$work/krew.yaml"
for platform in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64; do
  mkdir -p "$work/$platform/kubectl-network"
  cp LICENSE "$work/$platform/kubectl-network/"
  install "$dist/kubectl-network-$tag-$platform" "$work/$platform/kubectl-network/kubectl-network"
  archive=$dist/kubectl-network-$tag-$platform.tar.gz
  pack "$work/$platform" kubectl-network "$archive"
  sed -i "s|SHA256-$platform|$(sha256sum "$archive" | cut -d' ' -f1)|" "$work/krew.yaml"
done
cp "$work/krew.yaml" "$dist/kubectl-network-$tag.krew.yaml"

say "checksums"
(cd "$dist" && sha256sum -- * >SHA256SUMS)
say "dist holds $version of $image, digest $digest"
