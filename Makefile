# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null | sed 's/^[^v]/v0.1.0-dev+&/')
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS := -s -w \
  -X k8s.io/component-base/version.gitVersion=$(VERSION) \
  -X k8s.io/component-base/version.gitCommit=$(COMMIT) \
  -X k8s.io/component-base/version.gitTreeState=$(if $(findstring dirty,$(VERSION)),dirty,clean)

.PHONY: help build run test unit integration e2e bench bench-quick generate verify image clean
.DEFAULT_GOAL := help

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build bin/network-apiserver (the first build takes a few minutes)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/network-apiserver ./cmd/network-apiserver

run: build ## run the server on its own, with its state in .run/
	bin/network-apiserver --standalone --data-dir=.run

test: unit integration e2e ## run all tests: 20 to 30 minutes the first time, most of it building Kubernetes

unit: ## test the packages
	@echo "unit: building and testing the packages (the first build takes a few minutes)"
	go test $$(go list ./... | grep -v /test/)
	go test -race ./internal/binding/... ./internal/controllers/... ./internal/loopback/... ./internal/provider/local/...

integration: build ## test the server on its own, with kubectl and the generated client
	@command -v kubectl >/dev/null || hack/kubernetes/build.sh kubectl
	@echo "integration: testing the real server in standalone mode"
	NETWORK_APISERVER_BIN=$(CURDIR)/bin/network-apiserver go test -count=1 -timeout 20m ./test/integration/...

e2e: build ## test the server behind a real kube-apiserver
	hack/kubernetes/build.sh
	@echo "e2e: testing behind kube-apiserver"
	cd test/e2e && go test -count=1 -timeout 40m ./...

bench: build ## measure against raw etcd and a CRD, up to 15 minutes
	test/bench/run.sh

bench-quick: build ## the same, smaller, in under two minutes
	test/bench/run.sh --quick

generate: ## regenerate code, OpenAPI, clients and docs/api.md
	hack/generate.sh

verify: ## check format, headers, modules, import rules and generated files
	hack/verify.sh

image: ## build an OCI image archive without a daemon
	VERSION=$(VERSION) hack/image/build.sh

clean: ## remove what was built; the state in .run/ stays
	rm -rf bin
