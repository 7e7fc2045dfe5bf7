# SPDX-FileCopyrightText: The network-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Makes a Network, waits until it is ready, and prints its peerings. Needs the package kubernetes.
from kubernetes import client, config, watch

config.load_kube_config()
api = client.CustomObjectsApi()
networks = dict(group="networking.ironcore.dev", version="v1alpha1", namespace="default", plural="networks")

api.create_namespaced_custom_object(
    body={
        "apiVersion": "networking.ironcore.dev/v1alpha1",
        "kind": "Network",
        "metadata": {"name": "snake"},
        "spec": {"peerings": [{"name": "nobody", "networkRef": {"name": "nobody"}}]},
    },
    **networks,
)

for event in watch.Watch().stream(
    api.list_namespaced_custom_object, field_selector="metadata.name=snake", timeout_seconds=60, **networks
):
    status = event["object"].get("status", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    peerings = status.get("peerings", [])
    if ready and all(peering["reason"] != "Evaluating" for peering in peerings):
        for peering in peerings:
            print("snake, peering {name}: {phase}: {message}".format(**peering))
        break
