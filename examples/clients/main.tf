# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

terraform {
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 2.30"
    }
  }
}

provider "kubernetes" {
  config_path = "~/.kube/config"
}

resource "kubernetes_manifest" "network" {
  manifest = {
    apiVersion = "networking.ironcore.dev/v1alpha1"
    kind       = "Network"
    metadata = {
      name      = "terraformed"
      namespace = "default"
    }
    spec = {
      peerings = [{
        name       = "hub"
        networkRef = { name = "hub" }
      }]
    }
  }
  # The server writes these.
  computed_fields = ["metadata.annotations", "metadata.labels", "spec.providerID", "spec.incomingPeerings"]
  wait {
    condition {
      type   = "Ready"
      status = "True"
    }
  }
}
