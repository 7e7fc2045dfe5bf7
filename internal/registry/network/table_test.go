// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
)

func TestTableRows(t *testing.T) {
	type ref = networking.NetworkPeeringNetworkRef
	hourOld := func(change func(*networking.Network)) *networking.Network {
		network := inState(networking.NetworkStateAvailable)
		network.CreationTimestamp = metav1.NewTime(time.Now().Add(-61 * time.Minute))
		change(network)
		return network
	}
	for sentence, tc := range map[string]struct {
		network *networking.Network
		want    []any
	}{
		"a Network without peerings and provider ID": {
			network: hourOld(func(*networking.Network) {}),
			want:    []any{"a", "Available", "0/0", "61m", "<none>", int64(0), "<none>"},
		},
		"a Network that the provider has realized": {
			network: hourOld(func(n *networking.Network) { n.Spec.ProviderID = "local://5" }),
			want:    []any{"a", "Available", "0/0", "61m", "local://5", int64(0), "<none>"},
		},
		"the first peering that is pending tells why": {
			network: hourOld(func(n *networking.Network) {
				with(n, "b", ref{Name: "b"}, boundItem(), "uid-of-b")
				with(n, "c", ref{Name: "c"}, pendingItem(), "")
				with(n, "d", ref{Name: "d"}, newItem("Evaluating", undecided), "")
			}),
			want: []any{"a", "Available", "1/3", "61m", "<none>", int64(0), "PeerNotFound"},
		},
		"all peerings are bound": {
			network: hourOld(func(n *networking.Network) { with(n, "b", ref{Name: "b"}, boundItem(), "uid-of-b") }),
			want:    []any{"a", "Available", "1/1", "61m", "<none>", int64(0), "<none>"},
		},
		"a Network that is being deleted": {
			network: hourOld(func(n *networking.Network) { n.DeletionTimestamp = &now }),
			want:    []any{"a", "Terminating", "0/0", "61m", "<none>", int64(0), "<none>"},
		},
		"a Network whose deletion waits for its interfaces": {
			network: hourOld(func(n *networking.Network) {
				with(n, "c", ref{Name: "c"}, pendingItem(), "")
				n.DeletionTimestamp = &now
				n.Finalizers = []string{v1alpha1.NetworkInterfacesFinalizer}
				applyMembership(n, &networking.NetworkMembership{NetworkInterfaces: 2, Holders: []networking.NetworkHolders{{
					Kind: "NetworkInterface", Count: 2, Names: []string{"one", "two"},
				}}}, now)
			}),
			want: []any{"a", "Terminating,InUse", "0/1", "61m", "<none>", int64(2), "NetworkInterfacesExist"},
		},
		"a Network without a creation time": {
			network: hourOld(func(n *networking.Network) { n.CreationTimestamp = metav1.Time{} }),
			want:    []any{"a", "Available", "0/0", "<unknown>", "<none>", int64(0), "<none>"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			table, err := table.ConvertToTable(t.Context(), tc.network, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, table.Rows[0].Cells); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
			if len(table.Rows) != 1 || table.ResourceVersion != "7" {
				t.Errorf("the table is not that of the Network: %+v", table)
			}
			if got := len(table.ColumnDefinitions); got != len(tc.want) {
				t.Errorf("there are %d columns for %d cells", got, len(tc.want))
			}
		})
	}
}

func TestTableRowsHaveMetadataWithoutManagedFields(t *testing.T) {
	network := inState(networking.NetworkStateAvailable)
	network.Labels = map[string]string{"team": "a"}
	network.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	for include, want := range map[metav1.IncludeObjectPolicy]runtime.Object{
		"": &metav1.PartialObjectMetadata{ObjectMeta: func() metav1.ObjectMeta {
			metadata := network.ObjectMeta
			metadata.ManagedFields = nil
			return metadata
		}()},
		metav1.IncludeObject: network,
	} {
		table, err := table.ConvertToTable(t.Context(), network, &metav1.TableOptions{IncludeObject: include})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, table.Rows[0].Object.Object); diff != "" {
			t.Errorf("what a row has of the object with includeObject=%q (-want +got):\n%s", include, diff)
		}
	}
	if network.ManagedFields == nil {
		t.Error("the object of the cache lost its managedFields")
	}
}

func TestTableColumns(t *testing.T) {
	table, err := table.ConvertToTable(t.Context(), &networking.NetworkList{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var narrow, wide []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			narrow = append(narrow, column.Name)
		} else {
			wide = append(wide, column.Name)
		}
		if column.Description == "" {
			t.Errorf("column %s is not described", column.Name)
		}
	}
	if diff := cmp.Diff([]string{"Name", "State", "Peerings", "Age"}, narrow); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Provider ID", "Interfaces", "Pending Reason"}, wide); diff != "" {
		t.Errorf("wide columns (-want +got):\n%s", diff)
	}
}

func TestTableOfAList(t *testing.T) {
	remaining := int64(5)
	list := &networking.NetworkList{
		ListMeta: metav1.ListMeta{ResourceVersion: "9", Continue: "more", RemainingItemCount: &remaining},
		Items:    []networking.Network{*inState(networking.NetworkStatePending), *inState(networking.NetworkStateError)},
	}
	table, err := table.ConvertToTable(t.Context(), list, &metav1.TableOptions{NoHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list.ListMeta, table.ListMeta); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if table.ColumnDefinitions != nil {
		t.Errorf("there are headers: %v", table.ColumnDefinitions)
	}
	if len(table.Rows) != 2 || table.Rows[0].Cells[1] != "Pending" || table.Rows[1].Cells[1] != "Error" {
		t.Errorf("got rows %v", table.Rows)
	}
}

func TestTableOfSomethingElse(t *testing.T) {
	_, err := table.ConvertToTable(t.Context(), &networking.NetworkBinding{}, nil)
	want := "got a *networking.NetworkBinding where a *networking.Network was expected"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestALastColumnTellsHowManyAsk(t *testing.T) {
	asked := withRequests(table, func(_ context.Context, network *networking.Network) any { return "asked of " + network.Name })
	got, err := asked.ConvertToTable(t.Context(), inState(networking.NetworkStatePending), nil)
	if err != nil {
		t.Fatal(err)
	}
	last := len(got.ColumnDefinitions) - 1
	if column := got.ColumnDefinitions[last]; column.Name != "Requests" || column.Priority != 1 || got.Rows[0].Cells[last] != "asked of a" {
		t.Errorf("the last column is %s with %v", column.Name, got.Rows[0].Cells)
	}
	if len(table.Columns) != last {
		t.Error("the column was added to the table of others too")
	}
}
