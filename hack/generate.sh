#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Regenerates everything that is generated: protobuf, deepcopy, conversion, defaults, OpenAPI, clients and the API
# reference. The generators are pinned in hack/tools/go.mod, those of the clients in hack/tools/clients/go.mod: at the release of
# Kubernetes that pkg/client asks for, because newer ones write code that needs newer libraries. protoc comes from PATH, else from
# the distribution.
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
(cd hack/tools/clients && GOBIN=$bin go install tool)
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
# Those of OVN's tables come from another schema, by hack/ovn-models.
find apis internal pkg -name 'zz_generated.*' -not -path 'internal/provider/ovn/*' -delete
deepcopy-gen --go-header-file "$header" --output-file zz_generated.deepcopy.go "$types" "$hub"
defaulter-gen --go-header-file "$header" --output-file zz_generated.defaults.go "$hub/v1alpha1"
conversion-gen --go-header-file "$header" --output-file zz_generated.conversion.go "$hub/v1alpha1"

say "OpenAPI"
apimachinery=(k8s.io/apimachinery/pkg/{apis/meta/v1,runtime,version})
# The generator would write the names of the models into the packages of apimachinery, in the module cache.
openapi-gen --readonly-pkg "$(IFS=,; echo "${apimachinery[*]}")" --go-header-file "$header" --output-dir pkg/openapi --output-pkg "$module/pkg/openapi" \
  --output-file zz_generated.openapi.go --output-model-name-file zz_generated.model_name.go \
  --report-filename /dev/null \
  "$types" "${apimachinery[@]}"

say "clients"
find pkg/client -name '*.go' -delete
go run ./hack/openapi-schema >"$tree/schema.json"
(
  cd pkg/client
  applyconfiguration-gen --go-header-file "$header" --output-dir applyconfiguration \
    --output-pkg "$module/pkg/client/applyconfiguration" --openapi-schema "$tree/schema.json" "$types"
  client-gen --go-header-file "$header" --output-dir clientset --output-pkg "$module/pkg/client/clientset" \
    --clientset-name versioned --input-base "$module/apis" --input networking/v1alpha1 \
    --apply-configuration-package "$module/pkg/client/applyconfiguration" --prefers-protobuf
  lister-gen --go-header-file "$header" --output-dir listers --output-pkg "$module/pkg/client/listers" "$types"
  informer-gen --go-header-file "$header" --output-dir informers --output-pkg "$module/pkg/client/informers" \
    --versioned-clientset-package "$module/pkg/client/clientset/versioned" --listers-package "$module/pkg/client/listers" \
    "$types"
)

say "API reference"
go run ./hack/api-docs >docs/api.md

say "Helm chart"
hack/chart.sh

say "reference of the flags"
go run ./hack/flags >docs/flags.md

say "reference of the metrics"
go run ./hack/metrics >docs/metrics.md
