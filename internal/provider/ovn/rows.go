// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"ironcore.dev/networking/internal/provider/ovn/nb"
)

var (
	// errConflict tells that another writer was first.
	errConflict = errors.New("another writer was first")
	// errTorn tells that the copy has only a part of a transaction yet.
	errTorn = errors.New("a transaction is on its way")
)

// realized are the rows of a Network that are in the database.
type realized struct {
	rows []found
	// router and logicalSwitch are the rows that the others belong to, nil if there are none.
	router        *nb.LogicalRouter
	logicalSwitch *nb.LogicalSwitch
	// ports are the names of the switch's ports, by UUID.
	ports map[string]string
	// plugged are the NetworkInterfaces whose port is bound to a chassis, or false if it is not.
	plugged map[types.UID]bool
}

func (r *realized) revision() int {
	if r.router == nil {
		return 0
	}
	revision, err := strconv.Atoi(r.router.ExternalIDs[idRevision])
	if err != nil {
		return 0
	}
	return revision
}

// read returns the rows that realize a Network. Rows of others are not among them.
func read(connection client.Client, network types.UID) (*realized, error) {
	r := &realized{ports: make(map[string]string), plugged: make(map[types.UID]bool)}
	ids := map[string]string{idUID: string(network)}
	router, err := first(connection, tableRouter, &nb.LogicalRouter{ExternalIDs: ids})
	if err != nil {
		return nil, err
	}
	if router != nil {
		r.router = router.(*nb.LogicalRouter)
		r.take(r.router, network)
	}
	logicalSwitch, err := first(connection, tableSwitch, &nb.LogicalSwitch{ExternalIDs: ids})
	if err != nil {
		return nil, err
	}
	if logicalSwitch != nil {
		r.logicalSwitch = logicalSwitch.(*nb.LogicalSwitch)
		r.take(r.logicalSwitch, network)
	}
	for tableName, uuids := range r.children() {
		rows, err := table(connection, tableName)
		if err != nil {
			return nil, err
		}
		for _, uuid := range uuids {
			child := rows.Row(uuid)
			if child == nil {
				return nil, errTorn
			}
			r.take(child, network)
		}
	}
	if err := r.takeBindings(connection, network); err != nil {
		return nil, err
	}
	return r, r.takeGroups(connection, network)
}

func (r *realized) children() map[string][]string {
	children := make(map[string][]string)
	if r.router != nil {
		children[tableRouterPort] = r.router.Ports
		children[tableRoute] = r.router.StaticRoutes
		children[tableRouterPolicy] = r.router.Policies
	}
	if r.logicalSwitch != nil {
		children[tableSwitchPort] = r.logicalSwitch.Ports
		children[tableACL] = r.logicalSwitch.ACLs
	}
	return children
}

// first returns a row that has the same indexed columns, or nil.
func first(connection client.Client, tableName string, like model.Model) (model.Model, error) {
	rows, err := table(connection, tableName)
	if err != nil {
		return nil, err
	}
	matching, err := rows.RowsByModels([]model.Model{like})
	if err != nil {
		return nil, err
	}
	for _, row := range matching {
		return row, nil
	}
	return nil, nil
}

// takeBindings adds the MAC bindings. They have no external_ids: they belong to the same part as the route to their address.
func (r *realized) takeBindings(connection client.Client, network types.UID) error {
	rows, err := table(connection, tableMACBinding)
	if err != nil {
		return err
	}
	matching, err := rows.RowsByModels([]model.Model{&nb.StaticMACBinding{LogicalPort: lanPort(network)}})
	if err != nil {
		return err
	}
	parts := make(map[string]string)
	for _, f := range r.rows {
		if f.table == tableRoute && f.columns["output_port"] == lanPort(network) {
			parts[f.columns["nexthop"].(string)] = f.part
		}
	}
	for _, match := range matching {
		binding := match.(*nb.StaticMACBinding)
		r.rows = append(r.rows, found{row{tableMACBinding, binding.IP, parts[binding.IP], map[string]any{
			"logical_port": binding.LogicalPort, "ip": binding.IP, "mac": binding.MAC,
			"override_dynamic_mac": binding.OverrideDynamicMAC,
		}}, binding.UUID})
	}
	return nil
}

// takeGroups adds the port groups and address sets.
func (r *realized) takeGroups(connection client.Client, network types.UID) error {
	ids := map[string]string{idUID: string(network)}
	for tableName, like := range map[string]model.Model{
		tablePortGroup: &nb.PortGroup{ExternalIDs: ids}, tableAddressSet: &nb.AddressSet{ExternalIDs: ids},
	} {
		rows, err := table(connection, tableName)
		if err != nil {
			return err
		}
		matching, err := rows.RowsByModels([]model.Model{like})
		if err != nil {
			return err
		}
		for _, match := range matching {
			r.take(match, network)
		}
	}
	return nil
}

// portNames returns the names of switch ports of the Network. One that is not the Network's keeps its UUID.
func (r *realized) portNames(uuids []string) []string {
	names := make([]string, 0, len(uuids))
	for _, uuid := range uuids {
		names = append(names, cmp.Or(r.ports[uuid], uuid))
	}
	return names
}

// take adds a row, if it is one that the provider made for the Network.
func (r *realized) take(m model.Model, network types.UID) {
	ids := maps.Clone(externalIDs(m))
	if ids[idUID] != string(network) {
		return
	}
	delete(ids, idRevision)
	f := found{row: row{part: ids[idPart], columns: map[string]any{"external_ids": ids}}}
	set := func(tableName, uuid, key string, columns map[string]any) {
		f.table, f.uuid, f.key = tableName, uuid, key
		maps.Copy(f.columns, columns)
	}
	switch m := m.(type) {
	case *nb.LogicalRouter:
		set(tableRouter, m.UUID, singleKey, map[string]any{"name": m.Name})
	case *nb.LogicalSwitch:
		set(tableSwitch, m.UUID, singleKey, map[string]any{"name": m.Name})
	case *nb.LogicalRouterPort:
		set(tableRouterPort, m.UUID, m.Name, map[string]any{
			"name": m.Name, "mac": m.MAC, "networks": m.Networks, "peer": ptr.Deref(m.Peer, "")})
	case *nb.LogicalRouterStaticRoute:
		port := ptr.Deref(m.OutputPort, "")
		set(tableRoute, m.UUID, m.IPPrefix+" "+port, map[string]any{
			"ip_prefix": m.IPPrefix, "nexthop": m.Nexthop, "output_port": port})
	case *nb.LogicalRouterPolicy:
		set(tableRouterPolicy, m.UUID, fmt.Sprintf("%d %s", m.Priority, m.Match), map[string]any{
			"priority": m.Priority, "match": m.Match, "action": string(m.Action)})
	case *nb.LogicalSwitchPort:
		set(tableSwitchPort, m.UUID, m.Name, map[string]any{
			"name": m.Name, "type": m.Type, "addresses": m.Addresses, "port_security": m.PortSecurity, "options": m.Options})
		r.ports[m.UUID] = m.Name
		if _, nic, ok := interfaceOfPart(f.part); ok {
			r.plugged[nic] = ptr.Deref(m.Up, false)
		}
	case *nb.ACL:
		set(tableACL, m.UUID, aclKey(string(m.Direction), m.Priority, m.Match), map[string]any{
			"direction": string(m.Direction), "priority": m.Priority, "match": m.Match, "action": string(m.Action)})
	case *nb.PortGroup:
		set(tablePortGroup, m.UUID, m.Name, map[string]any{"name": m.Name, "ports": r.portNames(m.Ports)})
	case *nb.AddressSet:
		set(tableAddressSet, m.UUID, m.Name, map[string]any{"name": m.Name, "addresses": m.Addresses})
	}
	r.rows = append(r.rows, f)
}

func externalIDs(m model.Model) map[string]string {
	switch m := m.(type) {
	case *nb.LogicalRouter:
		return m.ExternalIDs
	case *nb.LogicalSwitch:
		return m.ExternalIDs
	case *nb.LogicalRouterPort:
		return m.ExternalIDs
	case *nb.LogicalRouterStaticRoute:
		return m.ExternalIDs
	case *nb.LogicalRouterPolicy:
		return m.ExternalIDs
	case *nb.LogicalSwitchPort:
		return m.ExternalIDs
	case *nb.ACL:
		return m.ExternalIDs
	case *nb.PortGroup:
		return m.ExternalIDs
	case *nb.AddressSet:
		return m.ExternalIDs
	}
	return nil
}

// parents has the table and column that list the rows of a table. Rows of other tables are in no list.
var parents = map[string]struct{ table, column string }{
	tableRouterPort:   {tableRouter, "ports"},
	tableRoute:        {tableRouter, "static_routes"},
	tableRouterPolicy: {tableRouter, "policies"},
	tableSwitchPort:   {tableSwitch, "ports"},
	tableACL:          {tableSwitch, "acls"},
}

// operations returns the transaction that makes a change, provided that nobody has written since the rows were read.
func (r *realized) operations(network types.UID, c change) []ovsdb.Operation {
	b := &batch{
		operations: []ovsdb.Operation{r.unchanged(network)},
		ports:      make(map[string]string, len(r.ports)), parents: make(map[string]string), lists: make(map[list][]any),
	}
	for uuid, name := range r.ports {
		b.ports[name] = uuid
	}
	if r.router != nil {
		b.parents[tableRouter] = r.router.UUID
	}
	if r.logicalSwitch != nil {
		b.parents[tableSwitch] = r.logicalSwitch.UUID
	}
	b.insert(network, c.insert)
	b.update(c.update, r.revision())
	b.remove(c.remove)
	b.mutateLists()
	if r.router != nil {
		b.operations = append(b.operations, ovsdb.Operation{
			Op: ovsdb.OperationMutate, Table: tableRouter, Where: where(r.router.UUID),
			Mutations: []ovsdb.Mutation{
				*ovsdb.NewMutation("external_ids", ovsdb.MutateOperationDelete, ovsdb.OvsSet{GoSet: []any{idRevision}}),
				*ovsdb.NewMutation("external_ids", ovsdb.MutateOperationInsert,
					ovsdb.OvsMap{GoMap: map[any]any{idRevision: strconv.Itoa(r.revision() + 1)}}),
			},
		})
	}
	return b.operations
}

// batch collects the operations of a change.
type batch struct {
	operations []ovsdb.Operation
	// ports are the UUIDs of the switch's ports by name, and parents those of the router and the switch by table. New rows have
	// a name in the transaction instead.
	ports, parents map[string]string
	lists          map[list][]any
}

// list is a list of rows that the router or the switch has, with what happens to it.
type list struct {
	table, column string
	mutator       ovsdb.Mutator
}

func (b *batch) insert(network types.UID, rows []row) {
	// The UID is part of the name because a transaction may have operations of several Networks.
	name := func(i int) string { return groupName("new", network) + "_" + strconv.Itoa(i) }
	for i, r := range rows {
		if r.table == tableSwitchPort {
			b.ports[r.key] = name(i)
		}
	}
	for i, r := range rows {
		columns := r.columns
		if r.table == tableRouter {
			columns = withRevision(columns, 1)
		}
		b.operations = append(b.operations, ovsdb.Operation{
			Op: ovsdb.OperationInsert, Table: r.table, Row: values(r.table, columns, b.ports), UUIDName: name(i),
		})
		if !b.list(r.table, ovsdb.MutateOperationInsert, name(i)) {
			b.parents[r.table] = name(i)
		}
	}
}

func (b *batch) update(updates []update, revision int) {
	for _, u := range updates {
		columns := u.columns
		if u.there.table == tableRouter && columns["external_ids"] != nil {
			columns = withRevision(columns, revision)
		}
		b.operations = append(b.operations, ovsdb.Operation{
			Op: ovsdb.OperationUpdate, Table: u.there.table, Where: where(u.there.uuid), Row: values(u.there.table, columns, b.ports),
		})
	}
}

// remove deletes rows. The database itself deletes those that are no longer in a list.
func (b *batch) remove(rows []found) {
	for _, r := range rows {
		if !b.list(r.table, ovsdb.MutateOperationDelete, r.uuid) {
			b.operations = append(b.operations, ovsdb.Operation{Op: ovsdb.OperationDelete, Table: r.table, Where: where(r.uuid)})
		}
	}
}

// list notes a change of the list that a row is in. It returns false for a row that is in none.
func (b *batch) list(table string, mutator ovsdb.Mutator, uuid string) bool {
	parent, ok := parents[table]
	if ok {
		key := list{parent.table, parent.column, mutator}
		b.lists[key] = append(b.lists[key], ovsdb.UUID{GoUUID: uuid})
	}
	return ok
}

func (b *batch) mutateLists() {
	for key, uuids := range b.lists {
		b.operations = append(b.operations, ovsdb.Operation{
			Op: ovsdb.OperationMutate, Table: key.table, Where: where(b.parents[key.table]),
			Mutations: []ovsdb.Mutation{*ovsdb.NewMutation(key.column, key.mutator, ovsdb.OvsSet{GoSet: uuids})},
		})
	}
}

// withRevision returns the columns of a router with its revision in external_ids.
func withRevision(columns map[string]any, revision int) map[string]any {
	columns = maps.Clone(columns)
	ids := maps.Clone(columns["external_ids"].(map[string]string))
	ids[idRevision] = strconv.Itoa(revision)
	columns["external_ids"] = ids
	return columns
}

// unchanged is the operation that fails if the router is not as it was read. Each transaction changes its revision.
func (r *realized) unchanged(network types.UID) ovsdb.Operation {
	operation := ovsdb.Operation{Op: ovsdb.OperationWait, Table: tableRouter, Timeout: new(0)}
	if r.router == nil {
		operation.Where = []ovsdb.Condition{ovsdb.NewCondition("name", ovsdb.ConditionEqual, routerName(network))}
		operation.Columns, operation.Until = []string{"name"}, string(ovsdb.WaitConditionNotEqual)
		operation.Rows = []ovsdb.Row{{"name": routerName(network)}}
		return operation
	}
	operation.Where = where(r.router.UUID)
	operation.Columns, operation.Until = []string{"external_ids"}, string(ovsdb.WaitConditionEqual)
	operation.Rows = []ovsdb.Row{values(tableRouter, map[string]any{"external_ids": r.router.ExternalIDs}, nil)}
	return operation
}

func where(uuid string) []ovsdb.Condition {
	return []ovsdb.Condition{ovsdb.NewCondition("_uuid", ovsdb.ConditionEqual, ovsdb.UUID{GoUUID: uuid})}
}

// values returns columns as the database takes them, given what it calls the ports of the switch.
func values(tableName string, columns map[string]any, ports map[string]string) ovsdb.Row {
	taken := make(ovsdb.Row, len(columns))
	for column, value := range columns {
		switch value := value.(type) {
		case []string:
			if column == "ports" && tableName == tablePortGroup {
				set := make([]any, len(value))
				for i, name := range value {
					set[i] = ovsdb.UUID{GoUUID: ports[name]}
				}
				taken[column] = ovsdb.OvsSet{GoSet: set}
				continue
			}
			set := make([]any, len(value))
			for i, item := range slices.Sorted(slices.Values(value)) {
				set[i] = item
			}
			taken[column] = ovsdb.OvsSet{GoSet: set}
		case map[string]string:
			m := make(map[any]any, len(value))
			for key, item := range value {
				m[key] = item
			}
			taken[column] = ovsdb.OvsMap{GoMap: m}
		case string:
			if column == "peer" && tableName == tableRouterPort {
				set := ovsdb.OvsSet{GoSet: []any{}}
				if value != "" {
					set.GoSet = append(set.GoSet, value)
				}
				taken[column] = set
				continue
			}
			taken[column] = value
		default:
			taken[column] = value
		}
	}
	return taken
}
