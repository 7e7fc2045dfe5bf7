# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null | sed 's/^[^v]/v0.1.0-dev+&/')
# Registry and repository of the image, in what make image and make release make.
IMAGE   ?= network-apiserver
# The race detector needs a C compiler; go says 0 when it finds none.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
# The server that make integration and make e2e test.
NETWORK_APISERVER_BIN ?= $(CURDIR)/bin/$(if $(RACE),race/)network-apiserver
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS := -s -w \
  -X k8s.io/component-base/version.gitVersion=$(VERSION) \
  -X k8s.io/component-base/version.gitCommit=$(COMMIT) \
  -X k8s.io/component-base/version.gitTreeState=$(if $(findstring dirty,$(VERSION)),dirty,clean)

.PHONY: help build race run test unit integration page pictures ovn demo e2e pods chaos chaos-short bench bench-quick bench-ovn generate verify image release clean
.DEFAULT_GOAL := help

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build bin/network-apiserver and the other programs (the first build takes a few minutes)
	CGO_ENABLED=0 hack/build.sh -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

race: ## build the server with the race detector into bin/race (the first build takes a few minutes)
ifdef RACE
	hack/build.sh -race -ldflags '$(LDFLAGS)' -o bin/race/ ./cmd/network-apiserver
else
	@echo "race: there is no C compiler, so the server is tested without the race detector"
endif

run: build ## run the server on its own, with its state in .run/
	bin/network-apiserver --standalone --data-dir=.run

test: unit integration page ovn e2e chaos-short ## run all tests: 40 to 60 minutes the first time, most of it building Kubernetes

unit: ## test the packages
	@echo "unit: building and testing the packages (the first build takes a few minutes)"
	go test -timeout 30m $$(go list ./... | grep -v /test/)
	go test $(RACE) ./internal/rules/... ./internal/controllers/... ./internal/server/loopback/... ./internal/provider/local/...
	cd test/alerts && go test ./...
	cd apis && go build ./...
	cd pkg/client && go build ./...

integration: build race ## test the server on its own, with kubectl and the generated client
	@command -v kubectl >/dev/null || hack/kubernetes/build.sh kubectl
	@echo "integration: testing the real server in standalone mode"
	NETWORK_APISERVER_BIN=$(NETWORK_APISERVER_BIN) go test -count=1 -timeout 40m ./test/process/ ./test/race/ ./test/integration/...
	@examples/clients/install.sh
	cd examples/clients && NETWORK_APISERVER_BIN=$(NETWORK_APISERVER_BIN) go test -count=1 -timeout 20m ./...

page: build ## test the page of kubectl network ui in a browser (chromium; else skipped)
	@test/ui/install.sh
	@echo "page: testing in a browser, about a minute"
	cd test/ui && NETWORK_APISERVER_BIN=$(CURDIR)/bin/network-apiserver go test -count=1 -timeout 10m ./...

pictures: build ## take the pictures of the docs anew
	cd test/ui && NETWORK_APISERVER_BIN=$(CURDIR)/bin/network-apiserver go test -count=1 . -screenshots=$(CURDIR)/docs/images

ovn: build ## test Networks that carry packets, on a real OVN (Linux, root; else skipped)
	@test/ovn/install.sh
	@echo "ovn: testing with packets, two to five minutes"
	NETWORK_APISERVER_BIN=$(CURDIR)/bin/network-apiserver go test -count=1 -timeout 15m -v ./test/ovn/

demo: build ## show two Networks that carry packets, in under a minute (Linux; root, or a user namespace)
	@test/ovn/install.sh
	@go run ./test/ovn/demo bin/network-apiserver

e2e: build race ## test the server behind a real kube-apiserver
	hack/kubernetes/build.sh
	@test/ovn/install.sh
	@echo "e2e: testing behind kube-apiserver"
	cd test/e2e && NETWORK_APISERVER_BIN=$(NETWORK_APISERVER_BIN) go test -count=1 -timeout 60m -p 1 ./...
	@echo "e2e: doing what docs/operate.md says"
	cd test/docs && NETWORK_APISERVER_BIN=$(NETWORK_APISERVER_BIN) go test -count=1 -timeout 40m ./...

pods: build ## install and operate it in real Pods, as docs/operate.md says, about 30 minutes (Linux, root; else skipped)
	@test/pods/run.sh env PODS=1 go test -count=1 -v -timeout 60m ./test/pods/

CHAOS = 3m
chaos: CHAOS = 30m
chaos: chaos-short ## test under random faults for 30 minutes, as root to fill disks too (docs/reliability.md)

chaos-short: build ## the same, for three minutes
	hack/kubernetes/build.sh
	test/chaos/clocks/build.sh
	@echo "chaos: freezing, killing and cutting off processes for $(CHAOS)"
	cd test/chaos && go test -count=1 -timeout 60m -v . -chaos.duration=$(CHAOS)

bench: build ## measure behind a kube-apiserver and standalone, against raw etcd and a CRD, about 40 minutes
	test/bench/run.sh

bench-quick: build ## the same, smaller, in about four minutes
	test/bench/run.sh --quick

bench-ovn: build ## measure 1,000 Networks in a ring on a real OVN, up to ten minutes (Linux, root)
	@test/ovn/install.sh
	NETWORK_APISERVER_BIN=$(CURDIR)/bin/network-apiserver OVN_RING=1000 go test -count=1 -timeout 30m -v -run TestRing ./test/ovn/

generate: ## regenerate code, OpenAPI, clients and docs/api.md
	hack/generate.sh

verify: ## check format, headers, modules, import rules and generated files
	hack/verify.sh

release: ## make images, chart, programs, checksums and SBOM of VERSION for IMAGE in dist, without a daemon
	VERSION=$(VERSION) IMAGE=$(IMAGE) hack/release/build.sh

image: ## build an OCI image archive without a daemon
	VERSION=$(VERSION) IMAGE=$(IMAGE) hack/image/build.sh

clean: ## remove what was built; the state in .run/ stays
	rm -rf bin dist
