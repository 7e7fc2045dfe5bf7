// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const group = `"apiVersion":"networking.ironcore.dev/v1alpha1"`

// manifest is an object in JSON.
func manifest(kind, name, spec string) string {
	return fmt.Sprintf(`{%s,"kind":%q,"metadata":{"name":%q},"spec":{%s}}`, group, kind, name, spec)
}

func TestTheLocalProviderHasAddressesForTheWholeGroup(t *testing.T) {
	t.Parallel()
	s := ownServer(t, "--local-virtual-ip-range=198.51.100.0/28,2001:db8:1::/48")
	n := newNamespace(t, s)
	const vip = `"type":"Public","ipFamily":"IPv4"`
	n.kubectlWithInput(t, strings.Join([]string{
		// The members come first: they wait for their Network.
		manifest("LoadBalancer", "public", `"type":"Public","ipFamilies":["IPv4","IPv6"],"networkRef":{"name":"net"}`),
		manifest("LoadBalancer", "internal", `"type":"Internal","ips":[{"value":"10.0.0.9"}],"networkRef":{"name":"net"}`),
		manifest("LoadBalancer", "from-prefix", `"type":"Internal","ipFamilies":["IPv4","IPv6"],"networkRef":{"name":"net"},"ips":[
			{"ephemeral":{"prefixTemplate":{"spec":{"parentRef":{"name":"root"}}}}},
			{"ephemeral":{"prefixTemplate":{"spec":{"prefix":"fd00::9/128"}}}}]`),
		manifest("NATGateway", "nat", `"type":"Public","ipFamily":"IPv6","networkRef":{"name":"net"}`),
	}, "\n"), "create", "-f-")
	n.kubectl(t, "wait", "lb/public", "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}=NetworkNotFound", "--timeout=60s")
	n.kubectlWithInput(t, strings.Join([]string{
		`{` + group + `,"kind":"Network","metadata":{"name":"net"}}`,
		manifest("VirtualIP", "vip", vip),
		manifest("NetworkInterface", "by-name", `"networkRef":{"name":"net"},"ips":[{"value":"10.0.0.1"}],"virtualIP":{"virtualIPRef":{"name":"vip"}}`),
		manifest("NetworkInterface", "of-its-own", `"networkRef":{"name":"net"},"ips":[{"value":"10.0.0.2"}],
			"virtualIP":{"ephemeral":{"virtualIPTemplate":{"spec":{`+vip+`}}}}`),
		manifest("NetworkInterface", "too-late", `"networkRef":{"name":"net"},"ips":[{"value":"10.0.0.3"}],"virtualIP":{"virtualIPRef":{"name":"none"}}`),
	}, "\n"), "create", "-f-")
	n.kubectl(t, "wait", "lb/public", "lb/internal", "lb/from-prefix", "ngw/nat", "vip/vip", "--for=condition=Ready", "--timeout=60s")
	n.kubectl(t, "wait", "nic/by-name", "nic/of-its-own", "--for=jsonpath={.status.state}=Available", "--timeout=60s")

	seen := map[string]string{}
	get := func(object, path string) string {
		t.Helper()
		return n.kubectl(t, "get", object, "-o", "jsonpath={"+path+"}")
	}
	for object, paths := range map[string][]string{
		"lb/public": {".status.ips[0]", ".status.ips[1]"}, "lb/from-prefix": {".status.ips[0]"}, "ngw/nat": {".status.ips[0]"}, "vip/vip": {".status.ip"}, "vip/of-its-own": {".status.ip"},
	} {
		for _, path := range paths {
			address := get(object, path)
			if !strings.HasPrefix(address, "198.51.100.") && !strings.HasPrefix(address, "2001:db8:1:") {
				t.Errorf("%s of %s is %q, which is in no range", path, object, address)
			}
			if other, ok := seen[address]; ok {
				t.Errorf("%s and %s both have %s", object, other, address)
			}
			seen[address] = object
		}
	}
	if got := get("lb/internal", ".status.ips"); got != `["10.0.0.9"]` {
		t.Errorf("an Internal LoadBalancer has %s, want the address that it brings", got)
	}
	if got := get("lb/from-prefix", ".status.ips[1]"); got != "fd00::9" {
		t.Errorf("the Prefix of a LoadBalancer is to have fd00::9, and the LoadBalancer has %s", got)
	}
	for _, name := range []string{"vip", "of-its-own"} {
		nic := strings.Replace(name, "vip", "by-name", 1)
		if got, want := get("nic/"+nic, ".status.virtualIP"), get("vip/"+name, ".status.ip"); got != want {
			t.Errorf("NetworkInterface %s has the virtual IP %q, want %q", nic, got, want)
		}
	}
	if got := get("nic/too-late", ".status.conditions[0].message"); got != "There is no VirtualIP none: create it." {
		t.Errorf("a NetworkInterface without its VirtualIP says %q", got)
	}

	// Nothing moves at rest, and all is the same after a restart.
	versions := func() string {
		return n.kubectl(t, "get", "lb,ngw,vip,nic", "-o", "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}")
	}
	before := versions()
	s.stop(t)
	s.mustStart(t)
	n.kubectl(t, "wait", "lb/public", "--for=condition=Ready", "--timeout=60s")
	n.kubectlWithInput(t, manifest("VirtualIP", "later", vip), "create", "-f-")
	n.kubectl(t, "wait", "vip/later", "--for=condition=Ready", "--timeout=60s")
	if other, ok := seen[get("vip/later", ".status.ip")]; ok {
		t.Errorf("after a restart VirtualIP later has the address of %s", other)
	}
	n.kubectl(t, "delete", "vip", "later")
	if after := versions(); after != before {
		t.Errorf("objects were written at rest:\n%s\nthen\n%s", before, after)
	}
}

func TestALocalAddressIsGivenBackWithItsObject(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--local-virtual-ip-range=198.51.100.4/31"))
	vip := func(name, family string) string {
		return manifest("VirtualIP", name, `"type":"Public","ipFamily":"`+family+`"`)
	}
	reason := func(name, want string) {
		t.Helper()
		n.kubectl(t, "wait", "vip/"+name, "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].reason}="+want, "--timeout=60s")
	}
	n.kubectlWithInput(t, vip("a", "IPv4")+vip("b", "IPv4"), "create", "-f-")
	n.kubectl(t, "wait", "vip/a", "vip/b", "--for=condition=Ready", "--timeout=60s")
	freed := n.kubectl(t, "get", "vip", "a", "-o", "jsonpath={.status.ip}")
	n.kubectlWithInput(t, vip("c", "IPv4")+vip("d", "IPv6"), "create", "-f-")
	reason("c", "AddressesExhausted")
	reason("d", "NoAddressRange")
	n.kubectl(t, "delete", "vip", "a")
	n.kubectl(t, "wait", "vip/c", "--for=condition=Ready", "--timeout=60s")
	if got := n.kubectl(t, "get", "vip", "c", "-o", "jsonpath={.status.ip}"); got != freed {
		t.Errorf("VirtualIP c has %s, want %s, which was freed", got, freed)
	}
}

func TestIroncoreNetSaysWhoRealizesTheOtherKinds(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t, "--network-provider=ironcore-net", "--ironcore-net-namespace=nowhere",
		"--ironcore-net-kubeconfig="+unreachableKubeconfig(t)))
	for kind, spec := range map[string]string{
		"LoadBalancer":  `"type":"Public","ipFamilies":["IPv4"],"networkRef":{"name":"net"}`,
		"NATGateway":    `"type":"Public","ipFamily":"IPv4","networkRef":{"name":"net"}`,
		"NetworkPolicy": `"networkRef":{"name":"net"},"policyTypes":["Ingress"]`,
		"VirtualIP":     `"type":"Public","ipFamily":"IPv4"`,
	} {
		n.kubectlWithInput(t, manifest(kind, "a", spec), "create", "-f-")
		got := n.kubectl(t, "get", kind, "a", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].reason}: {.status.conditions[?(@.type=="Ready")].message}`)
		if !strings.HasPrefix(got, "LeftToAgent: ") || !strings.Contains(got, "to apinetlet") {
			t.Errorf("a %s says %q", kind, got)
		}
	}
}

// unreachableKubeconfig names a server that does not answer.
func unreachableKubeconfig(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	content := `{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],
		"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],"users":[{"name":"a","user":{"token":"a"}}]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
