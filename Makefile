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

test: unit integration e2e ## run all tests

unit: ## run the tests of the packages
	@echo "unit: testing the packages"
	go test ./...
