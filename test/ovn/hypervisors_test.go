// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/test/ovn/lab"
)

// TestTheLongestPacketPassesBetweenHypervisors has guests on two hypervisors, whose network has the usual MTU. What
// NetworkInterfaces tell in status.mtu passes, and not a byte more.
func TestTheLongestPacketPassesBetweenHypervisors(t *testing.T) {
	w := newWorld(t)
	other, err := w.StartBeside(1500)
	closeAfter(t, other, err)
	w.network("a/one", to("a/two"))
	w.network("a/two", to("a/one"))
	guest := w.guest("a/one", "one", "10.0.0.1", "2001:db8::1")
	neighbour := w.nic("a/one", "neighbour", nil, "10.0.0.2", "2001:db8::2")
	peer := w.nic("a/two", "peer", nil, "10.1.0.1", "2001:db8:1::1")
	w.ready("a/one", "a/two")
	var there *lab.Guest
	for _, nic := range []*v1alpha1.NetworkInterface{neighbour, peer} {
		if there, err = other.Plug(nic); err != nil {
			t.Fatal(err)
		}
	}
	longest := int(peer.Status.MTU)
	for _, address := range append(neighbour.Status.IPs, peer.Status.IPs...) {
		w.reaches(guest, address)
		eventually(t, fmt.Sprintf("%d bytes reach %s", longest, address), func() (bool, string) {
			return guest.PingWhole(t.Context(), address, longest, answer)
		})
	}

	// Megabytes in both directions, in segments as long as they may be.
	stop, err := there.Serve(8080)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	connection, err := guest.Dial("tcp", "10.1.0.1:8080", patience)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("a Network carries packets. "), 100_000)
	writing := make(chan error, 1)
	go func() {
		_, err := connection.Write(sent)
		writing <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(connection, got); err != nil || !bytes.Equal(sent, got) {
		t.Errorf("what comes back is not what was sent: %v", err)
	}
	if err := <-writing; err != nil {
		t.Error(err)
	}

	for _, g := range []*lab.Guest{guest, there} {
		if err := g.SetMTU(longest + 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range peer.Status.IPs {
		if ok, _ := guest.PingWhole(t.Context(), address, longest+1, answer); ok {
			t.Errorf("%d bytes reach %s: status.mtu is less than what passes", longest+1, address)
		}
	}
}

// TestATraceShowsTheWayOfAPacket asks ovn-trace as docs/ovn.md says.
func TestATraceShowsTheWayOfAPacket(t *testing.T) {
	w := newWorld(t)
	w.network("a/one", to("b/two"))
	w.network("b/two", to("a/one"))
	one := w.nic("a/one", "one", nil, "10.0.0.1")
	two := w.nic("b/two", "two", nil, "10.1.0.1")
	w.ready("a/one", "b/two")
	own, theirs := w.uid("a/one"), w.uid("b/two")
	router, err := w.NBCtl("--bare", "--columns=mac", "list", "logical_router_port", "lan-"+own)
	if err != nil {
		t.Fatal(err)
	}
	leaves := fmt.Sprintf("inport == %q && eth.src == %s && eth.dst == %s && ip.ttl == 64 && ip4.src == 10.0.0.1 && ip4.dst == ",
		strings.TrimPrefix(one.Spec.ProviderID, "ovn://"), one.Status.MACAddress, router)
	arrives := fmt.Sprintf("inport == %q && eth.dst == %s && ip.ttl == 62 && ip4.src == 10.0.0.1 && ip4.dst == 10.1.0.1",
		"gateway-"+theirs, two.Status.MACAddress)
	for _, trace := range []struct{ from, packet, shows string }{
		{"switch-" + own, leaves + "10.1.0.1", fmt.Sprintf("output to %q", "lan-"+theirs)},
		{"switch-" + theirs, arrives, fmt.Sprintf("output to %q", strings.TrimPrefix(two.Spec.ProviderID, "ovn://"))},
		{"switch-" + own, leaves + "10.1.0.2", "drop;"},
	} {
		eventually(t, trace.packet+" leads to "+trace.shows, func() (bool, string) {
			way, err := w.Trace(trace.from, trace.packet)
			return err == nil && strings.Contains(way, trace.shows), fmt.Sprint(way, err)
		})
	}
}
