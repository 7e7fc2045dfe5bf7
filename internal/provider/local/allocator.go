// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/types"
)

// errExhausted tells that nothing in the pool is free.
var errExhausted = errors.New("all are in use")

// inUseError tells that what is wanted belongs to another.
type inUseError struct{ owner types.UID }

func (e *inUseError) Error() string { return fmt.Sprintf("it is in use by %s", e.owner) }

// differsError tells that the owner has another value than the wanted one.
type differsError[T comparable] struct{ has T }

func (e *differsError[T]) Error() string { return fmt.Sprintf("its owner has %v", e.has) }

// pool has the values that can be allocated, in an order. The zero value is not in it.
type pool[T comparable] interface {
	// after returns what follows in the order, which begins again at its end.
	after(T) T
	// parse reads what fmt.Sprint writes, in the pool or not.
	parse(string) (T, error)
}

// allocator keeps three kinds of keys: <noun>/<value> holds the owner's UID, owner/<uid> holds its value and name, and cursor
// holds the last allocated value. The copy in memory saves reads; the transactions do not rely on it.
type allocator[T comparable] struct {
	etcd         *clientv3.Client
	prefix, noun string
	pool         pool[T]

	mu     sync.Mutex
	loaded bool
	cursor T
	byUID  map[types.UID]allocation[T]
	inUse  map[T]bool
}

// allocation is the value of an owner's key, written "<what> <name>".
type allocation[T comparable] struct {
	what T
	name string
}

func (a allocation[T]) String() string { return fmt.Sprintf("%v %s", a.what, a.name) }

func (a *allocator[T]) parse(text string) (allocation[T], error) {
	first, name, ok := strings.Cut(text, " ")
	what, err := a.pool.parse(first)
	if err != nil || !ok {
		return allocation[T]{}, fmt.Errorf("%q is not an allocation", text)
	}
	return allocation[T]{what: what, name: name}, nil
}

func (a *allocator[T]) key(what T) string { return path.Join(a.prefix, a.noun, fmt.Sprint(what)) }
func (a *allocator[T]) ownerKey(owner types.UID) string {
	return path.Join(a.prefix, "owner", string(owner))
}
func (a *allocator[T]) cursorKey() string { return path.Join(a.prefix, "cursor") }

// allocate returns the value of an owner. If it has none, it gets the wanted one or, for the zero value, the next free one.
func (a *allocator[T]) allocate(
	ctx context.Context, owner types.UID, name string, wanted T,
) (T, error) {
	var none T
	for {
		what, owned, err := a.candidate(ctx, owner, wanted)
		if err != nil {
			return none, err
		}
		if owned {
			return what, nil
		}
		allocated := allocation[T]{what: what, name: name}
		puts := []clientv3.Op{
			clientv3.OpPut(a.key(what), string(owner)),
			clientv3.OpPut(a.ownerKey(owner), allocated.String()),
		}
		if wanted == none {
			puts = append(puts, clientv3.OpPut(a.cursorKey(), fmt.Sprint(what)))
		}
		answer, err := a.etcd.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(a.key(what)), "=", 0),
				clientv3.Compare(clientv3.CreateRevision(a.ownerKey(owner)), "=", 0)).
			Then(puts...).
			Else(clientv3.OpGet(a.key(what)), clientv3.OpGet(a.ownerKey(owner))).
			Commit()
		switch {
		case err != nil:
			a.abandon(what)
			return none, fmt.Errorf("allocating %s %v: %w", a.noun, what, err)
		case answer.Succeeded:
			a.remember(owner, allocated)
			return what, nil
		}
		// Another allocation was first: read it and try again.
		if kvs := answer.Responses[1].GetResponseRange().Kvs; len(kvs) > 0 {
			a.abandon(what)
			allocated, err := a.parse(string(kvs[0].Value))
			if err != nil {
				return none, fmt.Errorf("reading %s: %w", a.ownerKey(owner), err)
			}
			a.remember(owner, allocated)
		} else if kvs := answer.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 && wanted != none {
			return none, &inUseError{owner: types.UID(kvs[0].Value)}
		}
	}
}

// candidate returns the value of an owner, else one to try, which it marks as in use.
func (a *allocator[T]) candidate(ctx context.Context, owner types.UID, wanted T) (what T, owned bool, err error) {
	var none T
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return none, false, err
	}
	if allocated, ok := a.byUID[owner]; ok {
		if wanted != none && wanted != allocated.what {
			return none, false, &differsError[T]{has: allocated.what}
		}
		return allocated.what, true, nil
	}
	if wanted != none {
		a.inUse[wanted] = true
		return wanted, false, nil
	}
	what = a.pool.after(a.cursor)
	for first := what; a.inUse[what]; {
		if what = a.pool.after(what); what == first {
			return none, false, errExhausted
		}
	}
	a.inUse[what] = true
	a.cursor = what
	return what, false, nil
}

// load reads the keys once. The caller holds the lock.
func (a *allocator[T]) load(ctx context.Context) error {
	if a.loaded {
		return nil
	}
	owners, err := a.etcd.Get(ctx, a.ownerKey("")+"/", clientv3.WithPrefix())
	if err != nil {
		return fmt.Errorf("reading what is allocated: %w", err)
	}
	cursor, err := a.etcd.Get(ctx, a.cursorKey())
	if err != nil {
		return fmt.Errorf("reading what was allocated last: %w", err)
	}
	a.byUID = make(map[types.UID]allocation[T], len(owners.Kvs))
	a.inUse = make(map[T]bool, len(owners.Kvs))
	for _, kv := range owners.Kvs {
		allocated, err := a.parse(string(kv.Value))
		if err != nil {
			return fmt.Errorf("reading %s: %w", kv.Key, err)
		}
		a.byUID[types.UID(path.Base(string(kv.Key)))] = allocated
		a.inUse[allocated.what] = true
	}
	if len(cursor.Kvs) > 0 {
		if a.cursor, err = a.pool.parse(string(cursor.Kvs[0].Value)); err != nil {
			return fmt.Errorf("reading %s: %w", a.cursorKey(), err)
		}
	}
	a.loaded = true
	return nil
}

func (a *allocator[T]) remember(owner types.UID, allocated allocation[T]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byUID[owner] = allocated
	a.inUse[allocated.what] = true
}

// abandon gives up a candidate that was not allocated.
func (a *allocator[T]) abandon(what T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.inUse, what)
}

// free deletes what an owner has.
func (a *allocator[T]) free(ctx context.Context, owner types.UID) error {
	a.mu.Lock()
	err := a.load(ctx)
	allocated, ok := a.byUID[owner]
	a.mu.Unlock()
	if err != nil {
		return err
	}
	if !ok {
		// An allocation that failed with a timeout may be in etcd.
		if allocated, ok, err = a.read(ctx, owner); err != nil || !ok {
			return err
		}
	}
	what := allocated.what
	_, err = a.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.Value(a.key(what)), "=", string(owner))).
		Then(clientv3.OpDelete(a.key(what)), clientv3.OpDelete(a.ownerKey(owner))).
		Commit()
	if err != nil {
		return fmt.Errorf("freeing %s %v: %w", a.noun, what, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byUID, owner)
	delete(a.inUse, what)
	return nil
}

// read reads the value of an owner from etcd.
func (a *allocator[T]) read(ctx context.Context, owner types.UID) (allocated allocation[T], ok bool, err error) {
	answer, err := a.etcd.Get(ctx, a.ownerKey(owner))
	if err != nil {
		return allocation[T]{}, false, fmt.Errorf("reading what %s has: %w", owner, err)
	}
	if len(answer.Kvs) == 0 {
		return allocation[T]{}, false, nil
	}
	if allocated, err = a.parse(string(answer.Kvs[0].Value)); err != nil {
		return allocation[T]{}, false, fmt.Errorf("reading %s: %w", a.ownerKey(owner), err)
	}
	return allocated, true, nil
}

// owners returns the names of all owners.
func (a *allocator[T]) owners(ctx context.Context) (map[types.UID]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	owners := make(map[types.UID]string, len(a.byUID))
	for owner, allocated := range a.byUID {
		owners[owner] = allocated.name
	}
	return owners, nil
}
