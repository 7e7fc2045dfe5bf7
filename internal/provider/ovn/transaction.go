// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package ovn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"
)

const (
	// batchPeriod is how long a change waits for others, for instance of the other side of a peering. They become one
	// transaction, so ovn-northd computes only once.
	batchPeriod = 30 * time.Millisecond
	// commitTimeout bounds a transaction. A lost connection ends it sooner.
	commitTimeout = 15 * time.Second
)

// pendingChange is the change of one Network until its transaction is committed.
type pendingChange struct {
	connection client.Client
	operations []ovsdb.Operation
	done       chan result
}

// result is the number of its transaction, or why nothing was written.
type result struct {
	number int
	err    error
}

// transact commits the operations together with those of others, and returns the transaction's number once the copy holds
// what it wrote. If operations of others fail, these are committed without them.
func (d *database) transact(ctx context.Context, connection client.Client, operations []ovsdb.Operation) (number int, err error) {
	own := &pendingChange{connection, operations, make(chan result, 1)}
	d.mu.Lock()
	d.waiting = append(d.waiting, own)
	isFirst := len(d.waiting) == 1
	d.mu.Unlock()
	if isFirst {
		time.Sleep(batchPeriod)
		d.commitWaiting(context.WithoutCancel(ctx)) // Other changes are in it too.
	}
	select {
	case r := <-own.done:
		if r.err != nil {
			return 0, r.err
		}
		return r.number, d.follow(ctx, connection, r.number)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (d *database) commitWaiting(ctx context.Context) {
	d.committing.Lock()
	defer d.committing.Unlock()
	d.mu.Lock()
	group, alive := d.waiting, d.alive
	d.waiting = nil
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	defer context.AfterFunc(alive, cancel)()
	commit(ctx, group)
}

// commit commits a group of changes in one transaction, without those that fail.
func commit(ctx context.Context, group []*pendingChange) {
	for len(group) > 0 {
		connection := group[0].connection
		group = slices.DeleteFunc(group, func(w *pendingChange) bool {
			if w.connection == connection {
				return false
			}
			w.done <- result{err: &awayError{errors.New("the connection was lost")}}
			return true
		})
		number, culprit, err := commitOnce(ctx, connection, group)
		switch {
		case err == nil || culprit == everyone:
			for _, w := range group {
				w.done <- result{number, err}
			}
			return
		case culprit == someone:
			for i := range group {
				commit(ctx, group[i:i+1:i+1])
			}
			return
		}
		group[culprit].done <- result{err: err}
		group = slices.Delete(group, culprit, culprit+1)
	}
}

// The culprit of an error is the index of a change, or one of these.
const (
	everyone = -1 // Each change would fail alone, too.
	someone  = -2 // The database does not say which one.
)

// commitOnce commits a group of changes in one transaction and returns its number, or an error and its culprit.
func commitOnce(ctx context.Context, connection client.Client, group []*pendingChange) (number, culprit int, err error) {
	global, err := configuration(connection)
	if err != nil {
		return 0, everyone, err
	}
	var operations []ovsdb.Operation
	var origins []int
	for i, w := range group {
		operations = append(operations, w.operations...)
		origins = append(origins, slices.Repeat([]int{i}, len(w.operations))...)
	}
	itself := []ovsdb.Condition{ovsdb.NewCondition("_uuid", ovsdb.ConditionEqual, ovsdb.UUID{GoUUID: global.UUID})}
	operations = append(operations,
		ovsdb.Operation{Op: ovsdb.OperationMutate, Table: "NB_Global", Where: itself,
			Mutations: []ovsdb.Mutation{*ovsdb.NewMutation("nb_cfg", ovsdb.MutateOperationAdd, 1)}},
		ovsdb.Operation{Op: ovsdb.OperationSelect, Table: "NB_Global", Where: itself, Columns: []string{"nb_cfg"}})
	results, err := connection.Transact(ctx, operations...)
	switch {
	case errors.Is(err, client.ErrNotConnected):
		return 0, everyone, &awayError{err}
	case err != nil:
		return 0, everyone, err
	}
	if culprit, err := fault(results, operations, origins); err != nil {
		if culprit == someone && len(group) == 1 {
			culprit = everyone
		}
		return 0, culprit, err
	}
	last := results[len(operations)-1].Rows
	if len(last) != 1 {
		return 0, everyone, &awayError{errors.New("the database was made anew")}
	}
	value, ok := last[0]["nb_cfg"].(float64)
	if !ok {
		return 0, everyone, fmt.Errorf("nb_cfg is a %T", last[0]["nb_cfg"])
	}
	return int(value), 0, nil
}

// fault returns the error of a transaction and its culprit, given which change each operation is from.
func fault(results []ovsdb.OperationResult, operations []ovsdb.Operation, origins []int) (culprit int, err error) {
	faults, err := ovsdb.CheckOperationResults(results, operations)
	if err == nil {
		return 0, nil
	}
	culprit = someone
	for i := range min(len(results), len(origins)) {
		if results[i].Error != "" {
			culprit = origins[i]
			break
		}
	}
	var conflict *ovsdb.TimedOut
	for _, fault := range faults {
		if errors.As(fault, &conflict) {
			return culprit, errConflict
		}
		err = fault
	}
	return culprit, err
}
