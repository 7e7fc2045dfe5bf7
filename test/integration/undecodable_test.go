// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"ironcore.dev/networking/apis/networking/v1alpha1"
)

// damaged is a stored object of which some bytes have changed, and perhaps the end is missing. It may be readable all the same.
func damaged(random *rand.Rand, whole string) string {
	value := []byte(whole)
	for range 1 + random.IntN(8) {
		value[random.IntN(len(value))] = byte(random.Uint32())
	}
	if random.IntN(3) == 0 {
		value = value[:random.IntN(len(value))]
	}
	return string(value)
}

// manyUnreadable are more objects than a list names when it can't read them.
const manyUnreadable = 120

// What etcd has of an object that can't be read is nobody's to guess: reads say which object it is, and a deletion that asks for
// it by option takes it away. All else goes on, and starts again, meanwhile; what realizes such a Network stays its own.
func TestAnObjectThatCannotBeReadIsNamedAndRemoved(t *testing.T) {
	t.Parallel()
	for how, flags := range map[string][]string{
		"with a watch cache":     nil,
		"without a watch cache":  {"--watch-cache=false"},
		"without that of a kind": {"--watch-cache-sizes=networks.networking.ironcore.dev#0"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			testUnreadable(t, flags...)
		})
	}
}

func testUnreadable(t *testing.T, flags ...string) {
	n := newNamespace(t, ownServer(t, append(flags, "--local-vni-range=1-3")...))
	n.create(t, newNetwork("net"))
	n.create(t, newNetwork("lost"))
	n.await(t, "lost", available)
	n.createNIC(t, newNIC("nic", "net", "10.0.0.1"))
	etcd := n.etcd(t)
	const prefix = "/registry/networking.ironcore.dev/"
	for kind, tc := range plainKinds {
		n.kubectlWithInput(t, fmt.Sprintf(`{"apiVersion":"networking.ironcore.dev/v1alpha1","kind":%q,"metadata":{"name":"whole"},%s}`,
			displayOf[kind], tc.spec), "create", "-f-")
	}
	// What is damaged are objects of each kind as they are stored.
	kinds := []string{"loadbalancers", "loadbalancerroutings", "natgateways", "networkinterfaces", "networkpolicies", "networks", "virtualips"}
	whole := make(map[string]string)
	for _, kind := range kinds {
		name := map[string]string{"networks": "net", "networkinterfaces": "nic"}[kind]
		stored, err := etcd.Get(t.Context(), prefix+kind+"/"+n.name+"/"+cmp.Or(name, "whole"))
		if err != nil || len(stored.Kvs) != 1 {
			t.Fatalf("%s: %v, %d values", kind, err, len(stored.Kvs))
		}
		whole[kind] = string(stored.Kvs[0].Value)
	}
	client, err := dynamic.NewForConfig(n.config(t))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"truncated": "", // Half of an object of the kind.
		"random":    "k8s\x00\x01\xff\xfe garbage",
		"empty":     "",
		"json":      `{"kind":"Network","apiVersion":"networking.ironcore.dev/v1alpha1","spec":[]}`,
		"foreign":   `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"foreign"}}`,
	}
	for _, kind := range kinds {
		for name, value := range values {
			if name == "truncated" {
				value = whole[kind][:len(whole[kind])/2]
			}
			if _, err := etcd.Put(t.Context(), prefix+kind+"/"+n.name+"/"+name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 2 * manyUnreadable {
		for _, kind := range kinds {
			value := "broken"
			if i >= manyUnreadable {
				value = damaged(random, whole[kind])
			}
			if _, err := etcd.Put(t.Context(), fmt.Sprintf("%s%s/other/broken-%d", prefix, kind, i), value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := etcd.Put(t.Context(), prefix+"networks/"+n.name+"/lost", whole["networks"][:len(whole["networks"])/2]); err != nil {
		t.Fatal(err)
	}
	for _, restart := range []func(){func() {}, func() { n.stop(t); n.mustStart(t) }} {
		restart()
		for _, kind := range kinds {
			poll(t, patience, func() error { // As informers do.
				_, err := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(kind)).
					List(t.Context(), metav1.ListOptions{ResourceVersion: "0"})
				return err
			})
		}
	}
	n.create(t, newNetwork("meanwhile"))
	n.await(t, "meanwhile", available)
	n.create(t, newNetwork("after"))
	n.await(t, "after", func(network *v1alpha1.Network) error {
		if available := meta.FindStatusCondition(network.Status.Conditions, "Available"); available == nil || available.Reason != "VNIsExhausted" {
			return fmt.Errorf("the conditions are %v, want all VNIs in use, one of them by the Network that can't be read", network.Status.Conditions)
		}
		return nil
	})
	values["lost"] = ""
	for _, kind := range kinds {
		objects := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(kind)).Namespace(n.name)
		poll(t, patience, func() error {
			_, err := objects.List(t.Context(), metav1.ListOptions{})
			if err == nil || !strings.Contains(err.Error(), prefix+kind+"/"+n.name+"/") {
				return fmt.Errorf("%s: a list was answered with %v, want the name of what can't be read", kind, err)
			}
			return nil
		})
		for name := range values {
			if name == "lost" && kind != "networks" {
				continue
			}
			if _, err := objects.Get(t.Context(), name, metav1.GetOptions{}); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s: a get was answered with %v", kind, name, err)
			}
			options := metav1.DeleteOptions{IgnoreStoreReadErrorWithClusterBreakingPotential: new(true)}
			if err := objects.Delete(t.Context(), name, options); err != nil {
				t.Errorf("%s %s: the deletion: %v", kind, name, err)
			}
		}
	}
	for _, kind := range kinds {
		if _, err := etcd.Delete(t.Context(), prefix+kind+"/other/", clientv3.WithPrefix()); err != nil {
			t.Fatal(err)
		}
		poll(t, patience, func() error {
			_, err := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(kind)).List(t.Context(), metav1.ListOptions{})
			return err
		})
	}
	n.await(t, "after", available)
	if n.get(t, "net").Status.NetworkInterfaces != 1 {
		t.Error("the controllers do not go on")
	}
}

// What can't be read may hold what it held before. What depends on it stays as it is until it is repaired or removed.
func TestNothingIsReleasedThatDependsOnWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for how, flags := range map[string][]string{"with a watch cache": nil, "without a watch cache": {"--watch-cache=false"}} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			n := newNamespace(t, ownServer(t, flags...))
			n.peered(t, "a", "b")
			n.createNIC(t, newNIC("nic", "a", "10.0.0.1"))
			n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateAvailable, "Available")
			for _, manifest := range []string{
				`"kind":"VirtualIP","metadata":{"name":"vip"},"spec":{"type":"Public","ipFamily":"IPv4"}`,
				`"kind":"LoadBalancer","metadata":{"name":"lb"},"spec":{"type":"Internal","ips":[{"value":"10.0.0.9"}],
					"networkRef":{"name":"a"},"networkInterfaceSelector":{}}`,
				`"kind":"NetworkPolicy","metadata":{"name":"policy"},"spec":{"networkRef":{"name":"a"},"policyTypes":["Ingress"],
					"networkInterfaceSelector":{}}`,
			} {
				n.kubectlWithInput(t, `{"apiVersion":"networking.ironcore.dev/v1alpha1",`+manifest+`}`, "create", "-f-")
			}
			public := newNIC("public", "a", "10.0.0.2")
			public.Spec.VirtualIP = &v1alpha1.VirtualIPSource{VirtualIPRef: &v1alpha1.LocalObjectReference{Name: "vip"}}
			n.createNIC(t, public)
			n.kubectl(t, "patch", "networkpolicy", "policy", "--subresource=status", "--type=merge", "--patch", `{"status":{"conditions":[
				{"type":"Ready","status":"False","observedGeneration":1,"reason":"Refused","message":"",
				 "lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`)
			const policyReason = "get networkpolicy policy -o jsonpath={.status.conditions[*].reason}"
			want := map[string]string{
				policyReason: "Refused",
				"get network b -o jsonpath={.status.peerings[0].phase}{.spec.incomingPeerings[*].name}": "Bounda",
				"get virtualip vip -o jsonpath={.spec.targetRef.name}":                                  "public",
				"get loadbalancerrouting lb -o jsonpath={.destinations[*].ip}":                          "10.0.0.1 10.0.0.2",
			}
			asBefore := func() (err error) {
				for args, wanted := range want {
					got, failure := n.runKubectl(t, "", append([]string{"--namespace=" + n.name}, strings.Fields(args)...)...)
					if failure != nil || got != wanted {
						err = fmt.Errorf("%s says %q, want %q", args, got, wanted)
					}
				}
				return err
			}
			poll(t, patience, asBefore)

			etcd := n.etcd(t)
			whole := make(map[string]string)
			const prefix = "/registry/networking.ironcore.dev/"
			for _, object := range []string{"networks a", "networkinterfaces nic", "networkinterfaces public"} {
				kind, name, _ := strings.Cut(object, " ")
				key := prefix + kind + "/" + n.name + "/" + name
				stored, err := etcd.Get(t.Context(), key)
				if err != nil || len(stored.Kvs) != 1 {
					t.Fatalf("%s: %v", key, err)
				}
				whole[key] = string(stored.Kvs[0].Value)
				if _, err := etcd.Put(t.Context(), key, "broken"); err != nil {
					t.Fatal(err)
				}
			}
			for _, restart := range []func(){func() {}, func() { n.stop(t); n.mustStart(t) }} {
				restart()
				// The controllers work: they see a change that concerns each of what depends on the broken objects.
				n.kubectl(t, "label", "network/b", "virtualip/vip", "loadbalancer/lb", "--overwrite", fmt.Sprintf("changed=%d", rand.Uint64()))
				name := fmt.Sprintf("new-%d", rand.Uint64())
				n.create(t, newNetwork(name))
				n.await(t, name, available)
				n.createNIC(t, newNIC(name, name, "10.0.0.1"))
				n.awaitNIC(t, name, v1alpha1.NetworkInterfaceStatePending, v1alpha1.NetworkInterfaceReasonAddressUnknown)
				if err := asBefore(); err != nil {
					t.Error(err)
				}
			}
			for key, value := range whole {
				if _, err := etcd.Put(t.Context(), key, value); err != nil {
					t.Fatal(err)
				}
			}
			poll(t, patience, asBefore)
			n.kubectl(t, "delete", "network", "a", "--wait=false")
			n.kubectl(t, "delete", "nic/nic", "nic/public", "loadbalancer/lb")
			poll(t, patience, func() error {
				if got := n.kubectl(t, "get", "network", "b", "-o", "jsonpath={.spec.incomingPeerings[*].name}") +
					n.kubectl(t, "get", "virtualip", "vip", "-o", "jsonpath={.spec.targetRef.name}"); got != "" {
					return fmt.Errorf("%q is left of what is gone for good", got)
				}
				if got := n.kubectl(t, strings.Fields(policyReason)...); got != "NetworkNotFound" {
					return fmt.Errorf("the reason of the policy is %q, want that its Network is gone", got)
				}
				return nil
			})
		})
	}
}

// What can't be read may be in the Network. Nothing tells when it is gone, so the deletion looks again.
func TestTheDeletionOfANetworkEndsOnceWhatCannotBeReadIsGone(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t))
	n.create(t, newNetwork("net"))
	n.await(t, "net", available)
	etcd, key := n.etcd(t), "/registry/networking.ironcore.dev/networkinterfaces/"+n.name+"/broken"
	if _, err := etcd.Put(t.Context(), key, "broken"); err != nil {
		t.Fatal(err)
	}
	n.kubectl(t, "delete", "network", "net", "--wait=false")
	poll(t, patience, func() error {
		const failure = "Looking for the members of a Network failed"
		if log, err := os.ReadFile(n.LogFile); err != nil || strings.Count(string(log), failure) < 2 {
			return fmt.Errorf("the deletion and the controller have not both looked for members (%v)", err)
		}
		return nil
	})
	if _, err := etcd.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	poll(t, patience, func() error {
		if _, err := n.networks.Get(t.Context(), "net", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the Network is still there: %v", err)
		}
		return nil
	})
}

// An interface whose stored address is none is told once, and works as soon as somebody corrects it.
func TestAnInterfaceWithAMalformedAddressSaysSo(t *testing.T) {
	t.Parallel()
	n := newNamespace(t, ownServer(t))
	n.create(t, newNetwork("net"))
	n.createNIC(t, newNIC("nic", "net", "10.0.0.91"))
	n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateAvailable, "Available")
	etcd, key := n.etcd(t), "/registry/networking.ironcore.dev/networkinterfaces/"+n.name+"/nic"
	stored, err := etcd.Get(t.Context(), key)
	if err != nil || len(stored.Kvs) != 1 {
		t.Fatalf("%v, %d values", err, len(stored.Kvs))
	}
	if _, err := etcd.Put(t.Context(), key, strings.ReplaceAll(string(stored.Kvs[0].Value), "10.0.0.91", "10.0.0.9x")); err != nil {
		t.Fatal(err)
	}
	n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateError, v1alpha1.NetworkInterfaceReasonAddressMalformed)
	n.kubectl(t, "patch", "nic", "nic", "--type=merge", "--patch", `{"spec":{"ips":[{"value":"10.0.0.91"}]}}`)
	n.awaitNIC(t, "nic", v1alpha1.NetworkInterfaceStateAvailable, "Available")
}

// etcd returns a client of the server's embedded etcd.
func (s *server) etcd(t *testing.T) *clientv3.Client {
	t.Helper()
	etcd, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"unix://" + filepath.Join(s.Dir, "etcd.sock")}, Logger: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = etcd.Close() })
	return etcd
}
