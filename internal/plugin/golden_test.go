// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// What the commands print, from testdata/objects.yaml to testdata/NAME.golden. go test -update writes the latter.
package plugin

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/plugin/doctor"
	"ironcore.dev/networking/internal/plugin/picture"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, time.August, 1, 12, 0, 0, 0, time.UTC)

type objects struct {
	Networks          []v1alpha1.Network
	NetworkInterfaces []v1alpha1.NetworkInterface
	LoadBalancers     []v1alpha1.LoadBalancer
	NATGateways       []v1alpha1.NATGateway
	VirtualIPs        []v1alpha1.VirtualIP
	Requests          []*v1alpha1.NetworkPeeringRequests
}

func readObjects(t *testing.T) (o objects) {
	t.Helper()
	data, err := os.ReadFile("testdata/objects.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestWhatIsPrinted(t *testing.T) {
	t.Parallel()
	o := readObjects(t)
	drawn := picture.Draw(o.Networks, o.NetworkInterfaces)
	red := &o.Networks[0]
	holders := func(out io.Writer, address string) error {
		found := holdersOf(netip.MustParseAddr(address), addressed{o.NetworkInterfaces, o.LoadBalancers, o.NATGateways, o.VirtualIPs})
		return printHolders(out, found, true)
	}
	diagnosis := func(out io.Writer, snapshot doctor.Snapshot) error {
		snapshot.Now = noon
		problems, err := doctor.Print(out, doctor.Diagnose(snapshot))
		fmt.Fprintf(out, "problems: %d\n", problems)
		return err
	}
	good, ending, ended := certificateFor(60*24*time.Hour), certificateFor(26*time.Hour), certificateFor(-time.Hour)
	for name, print := range map[string]func(out io.Writer) error{
		"peer": func(out io.Writer) error {
			change, err := decidePeer(red, peerOptions{target: at("team-d", "green")})
			fmt.Fprint(out, changeText("red", change, dryRunServer), nextSteps(red, at("team-d", "green"), requestAbsent))
			return err
		},
		"peer-asked-before": func(out io.Writer) error {
			change, err := decidePeer(red, peerOptions{target: at("team-d", "green")})
			fmt.Fprint(out, changeText("red", change, dryRunNone), nextSteps(red, at("team-d", "green"), requestPresent))
			return err
		},
		"peer-nothing-known": func(out io.Writer) error {
			_, err := fmt.Fprint(out, nextSteps(red, at("team-d", "green"), requestUnknown))
			return err
		},
		"peer-unchanged": func(out io.Writer) error {
			change, err := decidePeer(red, peerOptions{target: at("team-z", "unseen")})
			fmt.Fprint(out, changeText("red", change, dryRunClient), nextSteps(red, at("team-z", "unseen"), requestAbsent))
			return err
		},
		"peerings":       func(out io.Writer) error { return printPeerings(out, out, o.Networks[:1], false, noon) },
		"peerings-all":   func(out io.Writer) error { return printPeerings(out, out, o.Networks, true, noon) },
		"peerings-none":  func(out io.Writer) error { return printPeerings(out, out, o.Networks[4:], true, noon) },
		"requests":       func(out io.Writer) error { return printRequests(out, out, o.Requests, false, noon) },
		"requests-none":  func(out io.Writer) error { return printRequests(out, out, o.Requests[1:], false, noon) },
		"who-has-inside": func(out io.Writer) error { return holders(out, "10.0.0.1") },
		"who-has-range":  func(out io.Writer) error { return holders(out, "10.0.0.130") },
		"who-has-public": func(out io.Writer) error { return holders(out, "192.0.2.1") },
		"topology-tree":  drawn.Tree,
		"topology-dot":   func(out io.Writer) error { return show(t.Context(), drawn, "dot", out) },
		"topology-json":  func(out io.Writer) error { return show(t.Context(), drawn, "json", out) },
		"doctor-standalone": func(out io.Writer) error {
			return diagnosis(out, doctor.Snapshot{Standalone: true, Serving: good, Client: ending, Leading: new(true),
				Networks: o.Networks, Interfaces: o.NetworkInterfaces})
		},
		"doctor-cluster": func(out io.Writer) error {
			return diagnosis(out, doctor.Snapshot{Client: good, Networks: o.Networks[:1], APIService: &doctor.APIService{
				Namespace: "network-system", Name: "network-apiserver", Available: metav1.ConditionTrue,
				Trusted: []*x509.Certificate{ended, good}}})
		},
		"doctor-tenant": func(out io.Writer) error {
			return diagnosis(out, doctor.Snapshot{Client: &x509.Certificate{NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(23 * time.Hour)}})
		},
		"doctor-unavailable": func(out io.Writer) error {
			return diagnosis(out, doctor.Snapshot{APIService: &doctor.APIService{
				Namespace: "network-system", Name: "network-apiserver", Available: metav1.ConditionFalse,
				Reason: "FailedDiscoveryCheck", Message: "x509: certificate signed by unknown authority"}})
		},
		"doctor-no-provider-no-leader": func(out io.Writer) error {
			pending, undecided := *o.Networks[0].DeepCopy(), *o.Networks[1].DeepCopy()
			pending.Status.State, pending.Spec.ProviderID = "", ""
			pending.Status.Peerings = nil
			undecided.Generation = 9
			snapshot := doctor.Snapshot{Standalone: true, Leading: new(false), Networks: []v1alpha1.Network{pending}}
			if err := diagnosis(out, snapshot); err != nil {
				return err
			}
			snapshot.Networks = []v1alpha1.Network{undecided}
			return diagnosis(out, snapshot)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := print(&got); err != nil {
				t.Fatal(err)
			}
			compare(t, name, got.Bytes())
		})
	}
}

func certificateFor(left time.Duration) *x509.Certificate {
	return &x509.Certificate{NotAfter: noon.Add(left)}
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: want -, got +:\n%s", file, diff)
	}
}

func TestEveryCommandHelpsWithAnExample(t *testing.T) {
	t.Parallel()
	for _, command := range NewCommand(&bytes.Buffer{}, io.Discard, io.Discard).Commands() {
		if command.Example == "" || command.RunE == nil {
			t.Errorf("%s has no example, or does nothing", command.Name())
		}
	}
}

func TestTheJSONOfAnEmptyPictureHasLists(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(picture.Draw(nil, nil))
	if want := `{"networks":[],"peerings":[]}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
}
