# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

terraform {
  required_providers {
    # It reads $KUBECONFIG or ~/.kube/config.
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.19"
    }
  }
}

resource "kubectl_manifest" "network" {
  server_side_apply = true # the peerings of others stay as they are
  force_conflicts   = true # changes of others to these fields are put right
  wait              = true # destroy ends when the Network is gone
  yaml_body = yamlencode({
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
  })
}

resource "kubectl_manifest" "interface" {
  server_side_apply = true
  force_conflicts   = true
  wait              = true
  yaml_body = yamlencode({
    apiVersion = "networking.ironcore.dev/v1alpha1"
    kind       = "NetworkInterface"
    metadata = {
      name      = "terraformed"
      namespace = "default"
    }
    spec = {
      networkRef = { name = kubectl_manifest.network.name }
      ipFamilies = ["IPv4"]
      ips        = [{ value = "10.0.0.1" }]
    }
  })
}

# The provider does not wait for conditions. This waits, again after each change of a manifest.
resource "terraform_data" "ready" {
  for_each = {
    "network/terraformed"          = kubectl_manifest.network
    "networkinterface/terraformed" = kubectl_manifest.interface
  }
  triggers_replace = [each.value.uid, each.value.yaml_body_parsed]
  provisioner "local-exec" {
    command = "kubectl wait --namespace=default --for=condition=Ready --timeout=60s ${each.key}"
  }
}
