// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package pods

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const chart = "network-apiserver deploy/charts/network-apiserver --namespace shared --create-namespace"

// TestSingle installs the overlay single, and stops its only Pod.
func TestSingle(t *testing.T) {
	d := newDesk(t)
	d.page(t, "With kustomize", 1)
	d.page(t, "With kustomize", 2)
	t.Cleanup(func() {
		d.page(t, "Uninstall", 1, "overlays/ha", "overlays/single")
		d.sh(t, "kubectl wait --for=delete namespace/network-system --timeout=5m")
	})
	d.page(t, "Check it", 1)
	s := startStream(t, d.kubeconfig, "default")
	s.settle(t)
	r := s.during(t, func() {
		d.sh(t, "kubectl -n network-system rollout restart deployment/network-apiserver; "+apiserver)
	})
	t.Logf("restart in mode single: %s", r)
	if r.outage > 30*time.Second {
		t.Errorf("no service for %s", r.outage)
	}
	s.verify(t)
}

// TestChartInASharedNamespace installs the chart with its default values beside Pods of others.
func TestChartInASharedNamespace(t *testing.T) {
	d := newDesk(t)
	d.chart(t, "")
	if out := d.sh(t, "kubectl -n shared get networkpolicy -o jsonpath='{.items[*].spec.podSelector}' | grep -c '{}' || true"); out != "0" {
		t.Errorf("a NetworkPolicy selects every Pod of the namespace")
	}
	d.sh(t, "kubectl label namespace shared --overwrite pod-security.kubernetes.io/enforce=restricted")
	d.network(t, "Pending")
	d.sh(t, "helm upgrade "+chart+" --reuse-values --set networkProvider.name=local --wait --timeout=5m")
	d.network(t, "Available")
}

// TestChartHighAvailability installs mode ha by the chart, backs it up and upgrades it.
func TestChartHighAvailability(t *testing.T) {
	d := newDesk(t)
	d.chart(t, "--set mode=ha --set backup.enabled=true --set networkProvider.name=local")
	d.network(t, "Available")
	d.page(t, "Back up", 1, "network-system", "shared")
	s := startStream(t, d.kubeconfig, "default")
	s.settle(t)
	r := s.during(t, func() {
		d.sh(t, "helm upgrade "+chart+" --reuse-values --set image.tag=v0.1.1 --wait --timeout=10m")
	})
	t.Logf("helm upgrade in mode ha: %s", r)
	if err := repeatable(r); err != nil {
		t.Error(err)
	}
	s.verify(t)
}

// TestProviders installs the chart with each provider that needs something outside.
func TestProviders(t *testing.T) {
	t.Run("ovn by TLS", func(t *testing.T) {
		const schema = "/usr/share/ovn/ovn-nb.ovsschema"
		if _, err := os.Stat(schema); err != nil {
			t.Skip("skipped: no OVN; run test/ovn/install.sh")
		}
		d := newDesk(t)
		d.sh(t, `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ovn-ca -keyout ca.key -out ca.crt
			openssl req -newkey rsa:2048 -nodes -subj /CN=ovn-nb -keyout tls.key -out tls.csr
			openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out tls.crt -extfile <(echo subjectAltName=IP:172.31.255.1)
			ovsdb-tool create nb.db `+schema+`
			kubectl create namespace shared
			kubectl -n shared create secret generic ovn --from-file=ca.crt --from-file=tls.crt --from-file=tls.key`)
		nb := exec.Command("ovsdb-server", "nb.db", "--remote=pssl:6641", "--remote=punix:"+filepath.Join(d.dir, "nb.sock"), "--unixctl="+filepath.Join(d.dir, "nb.ctl"),
			"--private-key=tls.key", "--certificate=tls.crt", "--ca-cert=ca.crt")
		nb.Dir = d.dir
		if err := nb.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nb.Process.Kill(); _ = nb.Wait() })
		d.until(t, "ovn-nbctl --db=unix:$PWD/nb.sock init >/dev/null 2>&1 && echo initialized || true", "initialized")
		d.chart(t, "--set networkProvider.name=ovn --set networkProvider.ovn.nb=ssl:172.31.255.1:6641 --set networkProvider.ovn.tlsSecretName=ovn")
		d.network(t, "Available")
		d.until(t, "ovn-nbctl --db=unix:$PWD/nb.sock --bare --columns=name list logical_router | grep -c .", "1")
	})
	t.Run("ironcore-net that has not its API", func(t *testing.T) {
		d := newDesk(t)
		d.sh(t, `kubectl create namespace shared
			kubectl -n shared create secret generic apinet --from-file=kubeconfig="$KUBECONFIG"`)
		d.chart(t, "--set networkProvider.name=ironcore-net --set networkProvider.ironcoreNet.namespace=default "+
			"--set networkProvider.ironcoreNet.kubeconfigSecretName=apinet")
		d.network(t, "Error")
	})
}

// chart installs the chart in the namespace shared with values, until the test ends.
func (d *desk) chart(t *testing.T, values string) {
	t.Helper()
	t.Cleanup(func() {
		d.sh(t, "kubectl delete networks --all -A --timeout=1m || true") // They may not be served.
		d.page(t, "Uninstall", 2, "network-system", "shared")
		d.sh(t, "kubectl delete namespace shared --timeout=5m")
		d.sh(t, `left=$(kubectl get clusterroles,clusterrolebindings,roles,rolebindings,apiservices -A -o name | grep -c 'network-apiserver\|networking.ironcore.dev' || true); [[ $left = 0 ]]`)
	})
	d.sh(t, "helm install "+chart+" "+values+" --timeout=10m")
	d.page(t, "Check it", 1)
	d.sh(t, "helm test network-apiserver -n shared")
}

// network makes a Network, which has to become what the provider makes of it.
func (d *desk) network(t *testing.T, state string) {
	t.Helper()
	d.sh(t, `kubectl apply -n default -f - <<EOF
apiVersion: networking.ironcore.dev/v1alpha1
kind: Network
metadata: {name: tried}
EOF`)
	d.until(t, "kubectl -n default get network tried -o jsonpath={.status.state}", state)
}
