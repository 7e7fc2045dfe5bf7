#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Regenerates everything that is generated: protobuf, deepcopy, conversion, defaults, OpenAPI, clients and the API
# reference. The generators are pinned in hack/tools/go.mod; protoc comes from PATH, else from the distribution.
set -euo pipefail

cd "$(dirname "$0")/.."
root=$PWD
module=ironcore.dev/networking
types=$module/apis/networking/v1alpha1
hub=$module/internal/apis/networking
header=$root/hack/boilerplate.go.txt
bin=$root/bin/tools

say() { echo "generate: $*" >&2; }

if ! command -v protoc >/dev/null; then
  say "protoc is missing; installing the distribution's protobuf-compiler"
  { apt-get update && apt-get install -y --no-install-recommends protobuf-compiler; } >/dev/null ||
    { say "could not install it: install protoc 3.21 or newer by hand"; exit 1; }
fi

say "building the generators (up to two minutes the first time)"
mkdir -p "$bin"
(cd hack/tools && GOBIN=$bin go install tool)
export PATH=$bin:$PATH

say "protobuf"
# protoc finds imports by Go import path; these links lay the modules out that way.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
link() { mkdir -p "$(dirname "$tree/$1")" && ln -s "$2" "$tree/$1"; }
link k8s.io/apimachinery "$(go list -m -f '{{.Dir}}' k8s.io/apimachinery)"
link github.com/gogo/protobuf "$(cd hack/tools && go list -m -f '{{.Dir}}' github.com/gogo/protobuf)"
link "$module" "$root"
# Entries that begin with "-" are imported, not generated.
imported=-k8s.io/apimachinery/pkg/util/intstr,-k8s.io/apimachinery/pkg/api/resource
imported+=,-k8s.io/apimachinery/pkg/runtime/schema,-k8s.io/apimachinery/pkg/runtime,-k8s.io/apimachinery/pkg/apis/meta/v1
rm -f apis/networking/v1alpha1/generated.p*
go-to-protobuf --go-header-file "$header" --packages "$types" --apimachinery-packages "$imported" \
  --proto-import "$tree" --proto-import "$tree/github.com/gogo/protobuf/protobuf" --output-dir "$tree"

mkdir -p pkg/openapi
say "deepcopy, conversion, defaults"
find apis internal pkg -name 'zz_generated.*' -delete
deepcopy-gen --go-header-file "$header" --output-file zz_generated.deepcopy.go "$types" "$hub"
defaulter-gen --go-header-file "$header" --output-file zz_generated.defaults.go "$hub/v1alpha1"
conversion-gen --go-header-file "$header" --output-file zz_generated.conversion.go "$hub/v1alpha1"

say "OpenAPI"
openapi-gen --go-header-file "$header" --output-dir pkg/openapi --output-pkg "$module/pkg/openapi" \
  --output-file zz_generated.openapi.go --output-model-name-file zz_generated.model_name.go \
  --report-filename /dev/null \
  "$types" k8s.io/apimachinery/pkg/apis/meta/v1 k8s.io/apimachinery/pkg/runtime k8s.io/apimachinery/pkg/version

say "clients"
rm -rf pkg/client
go run ./hack/openapi-schema >"$tree/schema.json"
applyconfiguration-gen --go-header-file "$header" --output-dir pkg/client/applyconfiguration \
  --output-pkg "$module/pkg/client/applyconfiguration" --openapi-schema "$tree/schema.json" "$types"
client-gen --go-header-file "$header" --output-dir pkg/client/clientset --output-pkg "$module/pkg/client/clientset" \
  --clientset-name versioned --input-base "$module/apis" --input networking/v1alpha1 \
  --apply-configuration-package "$module/pkg/client/applyconfiguration" --prefers-protobuf
lister-gen --go-header-file "$header" --output-dir pkg/client/listers --output-pkg "$module/pkg/client/listers" "$types"
informer-gen --go-header-file "$header" --output-dir pkg/client/informers --output-pkg "$module/pkg/client/informers" \
  --versioned-clientset-package "$module/pkg/client/clientset/versioned" --listers-package "$module/pkg/client/listers" \
  "$types"

say "API reference"
crd-ref-docs --source-path apis --config hack/api-docs/config.yaml --templates-dir hack/api-docs/templates \
  --renderer markdown --max-depth 20 --output-path docs/api.md --log-level ERROR
