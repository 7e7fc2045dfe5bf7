// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package ovn tests the provider ovn with packets: the real server on a real OVN, with guests in network namespaces. It
// needs Linux, root and OVN's packages; where they are not, every test is skipped and says why.
package ovn

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	clientset "ironcore.dev/networking/pkg/client/clientset/versioned/typed/networking/v1alpha1"
	"ironcore.dev/networking/test/await"
	"ironcore.dev/networking/test/ovn/lab"
	"ironcore.dev/networking/test/standalone"
)

const (
	// patience is how long what has to happen soon may take on a busy machine.
	patience = 30 * time.Second
	// answer is how long a guest waits for one.
	answer = 300 * time.Millisecond
)

var (
	networkAPIServer string
	// obstacle is why no test can run here.
	obstacle = lab.Obstacle()
)

func TestMain(m *testing.M) {
	if obstacle != "" {
		fmt.Println("ovn: skipped:", obstacle)
	}
	dir, err := os.MkdirTemp("", "network-apiserver-ovn-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "ovn:", err)
		os.Exit(1)
	}
	if obstacle == "" {
		if networkAPIServer, err = standalone.Program("../..", dir); err != nil {
			fmt.Fprintln(os.Stderr, "ovn:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // It is a temporary one.
	os.Exit(code)
}

// world is an OVN and a server that uses it.
type world struct {
	t *testing.T
	*lab.Lab
	server *server
	clientset.NetworkingV1alpha1Interface
}

func newLab(t *testing.T, only ...string) *lab.Lab {
	t.Helper()
	if obstacle != "" {
		t.Skip(obstacle)
	}
	l, err := lab.Start(only...)
	closeAfter(t, l, err)
	return l
}

// closeAfter ends a lab with the test.
func closeAfter(t *testing.T, l *lab.Lab, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(l.Logs())
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldIn(t, newLab(t))
}

func newWorldIn(t *testing.T, l *lab.Lab) *world {
	t.Helper()
	w := &world{t: t, Lab: l}
	w.server = newServer(t, w.NBAddress())
	w.server.start(t)
	w.NetworkingV1alpha1Interface = w.server.client(t)
	return w
}

// server is one with what the tests do to it.
type server struct{ *standalone.Server }

func newServer(t *testing.T, nb string, args ...string) *server {
	t.Helper()
	return &server{standalone.New(networkAPIServer, filepath.Join(t.TempDir(), "data"),
		append([]string{"--network-provider=ovn", "--ovn-nb=" + nb, "-v=2"}, args...)...)}
}

// start returns once the server is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.LogTail())
		}
	})
}

func (s *server) client(t *testing.T) clientset.NetworkingV1alpha1Interface {
	t.Helper()
	config, err := s.Config()
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// eventually waits until what is so; try returns whether it is, and what there is in place of it.
func eventually(t *testing.T, what string, try func() (bool, string)) {
	t.Helper()
	await.Success(t, patience, func(context.Context) error {
		if ok, state := try(); !ok {
			return fmt.Errorf("%s: %s", what, state)
		}
		return nil
	})
}

// network makes a Network, or changes its peerings if it is there.
func (w *world) network(name string, peerings ...v1alpha1.NetworkPeering) {
	w.t.Helper()
	namespace, name, _ := strings.Cut(name, "/")
	ctx := w.t.Context()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		network, err := w.Networks(namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = w.Networks(namespace).Create(ctx, &v1alpha1.Network{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.NetworkSpec{Peerings: peerings},
			}, metav1.CreateOptions{})
			return err
		}
		if err != nil {
			return err
		}
		network.Spec.Peerings = peerings
		_, err = w.Networks(namespace).Update(ctx, network, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) uid(network string) string {
	w.t.Helper()
	namespace, name, _ := strings.Cut(network, "/")
	got, err := w.Networks(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(got.UID)
}

func to(peer string, prefixes ...string) v1alpha1.NetworkPeering {
	namespace, name, _ := strings.Cut(peer, "/")
	peering := v1alpha1.NetworkPeering{Name: "to-" + namespace + "-" + name,
		NetworkRef: v1alpha1.NetworkPeeringNetworkRef{Namespace: namespace, Name: name}}
	for i, prefix := range prefixes {
		peering.Prefixes = append(peering.Prefixes, v1alpha1.PeeringPrefix{Name: "p" + strconv.Itoa(i), Prefix: prefix})
	}
	return peering
}

// nic makes a NetworkInterface, waits until it is Available and returns it.
func (w *world) nic(network, name string, change func(*v1alpha1.NetworkInterface), ips ...string) *v1alpha1.NetworkInterface {
	w.t.Helper()
	namespace, network, _ := strings.Cut(network, "/")
	nic := &v1alpha1.NetworkInterface{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.NetworkInterfaceSpec{NetworkRef: v1alpha1.LocalObjectReference{Name: network}},
	}
	for _, ip := range ips {
		family := v1alpha1.IPv4Protocol
		if strings.Contains(ip, ":") {
			family = v1alpha1.IPv6Protocol
		}
		nic.Spec.IPFamilies = append(nic.Spec.IPFamilies, family)
		nic.Spec.IPs = append(nic.Spec.IPs, v1alpha1.IPSource{Value: ip})
	}
	if change != nil {
		change(nic)
	}
	if _, err := w.NetworkInterfaces(namespace).Create(w.t.Context(), nic, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	return w.available(namespace, name, ips...)
}

func (w *world) available(namespace, name string, ips ...string) (nic *v1alpha1.NetworkInterface) {
	w.t.Helper()
	eventually(w.t, namespace+"/"+name+" is Available", func() (bool, string) {
		var err error
		nic, err = w.NetworkInterfaces(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return nic.Status.State == v1alpha1.NetworkInterfaceStateAvailable && nic.Spec.ProviderID != "" &&
			fmt.Sprint(nic.Status.IPs) == fmt.Sprint(ips), fmt.Sprintf("%s %+v", nic.Spec.ProviderID, nic.Status)
	})
	return nic
}

// guest makes a NetworkInterface and plugs a guest in.
func (w *world) guest(network, name string, ips ...string) *lab.Guest {
	w.t.Helper()
	guest, err := w.Plug(w.nic(network, name, nil, ips...))
	if err != nil {
		w.t.Fatal(err)
	}
	return guest
}

// peering waits until a peering is in a state.
func (w *world) peering(network, peer string, phase v1alpha1.NetworkPeeringPhase, state v1alpha1.NetworkPeeringState) {
	w.t.Helper()
	namespace, name, _ := strings.Cut(network, "/")
	eventually(w.t, network+" "+string(state), func() (bool, string) {
		got, err := w.Networks(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		for _, item := range got.Status.Peerings {
			if item.Name == to(peer).Name && item.Phase == phase && item.State == state {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%+v", got.Status.Peerings)
	})
}

func (w *world) ready(a, b string) {
	w.t.Helper()
	w.peering(a, b, v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStateReady)
	w.peering(b, a, v1alpha1.NetworkPeeringPhaseBound, v1alpha1.NetworkPeeringStateReady)
}

// reaches waits until an address answers.
func (w *world) reaches(guest *lab.Guest, address string) {
	w.t.Helper()
	eventually(w.t, address+" answers", func() (bool, string) { return guest.Ping(w.t.Context(), address, answer), "" })
}

// silent fails if an address answers any of a few packets.
func (w *world) silent(guest *lab.Guest, addresses ...string) {
	w.t.Helper()
	for _, address := range addresses {
		for range 2 {
			if guest.Ping(w.t.Context(), address, answer) {
				w.t.Errorf("%s answers", address)
			}
		}
	}
}

// stops does something and fails unless an address that answered before is silent within a second from then on.
func (w *world) stops(what string, guest *lab.Guest, address string, do func()) {
	w.t.Helper()
	w.reaches(guest, address)
	done := make(chan time.Time, 1)
	go func() {
		// The last answer, once there were none for a second.
		last := time.Now()
		for time.Since(last) < 1500*time.Millisecond {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			if guest.Ping(ctx, address, 100*time.Millisecond) {
				last = time.Now()
			}
			cancel()
		}
		done <- last
	}()
	began := time.Now()
	do()
	select {
	case last := <-done:
		if took := last.Sub(began); took > time.Second {
			w.t.Errorf("%s: the last answer comes %s after it", what, took)
		} else {
			w.t.Logf("%s: the last answer comes %s after it", what, took.Round(time.Millisecond))
		}
	case <-time.After(patience):
		w.t.Fatalf("%s: packets still pass", what)
	}
}
