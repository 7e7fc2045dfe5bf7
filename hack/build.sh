#!/usr/bin/env bash
# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Builds programs as they are shipped: go build, with the given arguments. With the tag fieldsv1string of k8s.io/apimachinery, objects
# whose managedFields are alike hold them only once.
exec go build -tags=fieldsv1string "$@"
