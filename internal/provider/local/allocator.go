// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/types"
)

// errExhausted tells that the range has no free VNI.
var errExhausted = errors.New("all VNIs of --local-vni-range are in use: delete Networks or widen the range")

// inUseError tells that a VNI belongs to another Network.
type inUseError struct {
	vni   uint32
	owner types.UID
}

func (e *inUseError) Error() string {
	return fmt.Sprintf("VNI %d is in use by the Network with UID %s.", e.vni, e.owner)
}

// allocator keeps three kinds of keys: vni/<number> holds the owner's UID, owner/<uid> holds the number and the owner's
// namespace and name, and cursor holds the number allocated last. What it knows of them in memory saves reads; the
// transactions do not rely on it.
type allocator struct {
	etcd   *clientv3.Client
	prefix string
	vnis   Range

	mu     sync.Mutex
	loaded bool
	cursor uint32
	byUID  map[types.UID]allocation
	inUse  map[uint32]bool
}

// allocation is the value of an owner's key, written "number namespace/name".
type allocation struct {
	vni  uint32
	name types.NamespacedName
}

func (a allocation) String() string { return fmt.Sprintf("%d %s", a.vni, a.name) }

func parseAllocation(text string) (allocation, error) {
	number, name, _ := strings.Cut(text, " ")
	namespace, name, ok := strings.Cut(name, "/")
	vni, err := strconv.ParseUint(number, 10, 24)
	if err != nil || !ok {
		return allocation{}, fmt.Errorf("%q is not an allocation", text)
	}
	return allocation{vni: uint32(vni), name: types.NamespacedName{Namespace: namespace, Name: name}}, nil
}

func (a *allocator) vniKey(vni uint32) string {
	return path.Join(a.prefix, "vni", strconv.Itoa(int(vni)))
}
func (a *allocator) ownerKey(owner types.UID) string {
	return path.Join(a.prefix, "owner", string(owner))
}
func (a *allocator) cursorKey() string { return path.Join(a.prefix, "cursor") }

// allocate returns the VNI of an owner; it takes the wanted one if the owner has none, or the next free one for 0.
func (a *allocator) allocate(
	ctx context.Context, owner types.UID, name types.NamespacedName, wanted uint32,
) (uint32, error) {
	for {
		vni, owned, err := a.candidate(ctx, owner, wanted)
		if err != nil {
			return 0, err
		}
		if owned {
			return vni, nil
		}
		allocated := allocation{vni: vni, name: name}
		puts := []clientv3.Op{
			clientv3.OpPut(a.vniKey(vni), string(owner)),
			clientv3.OpPut(a.ownerKey(owner), allocated.String()),
		}
		if wanted == 0 {
			puts = append(puts, clientv3.OpPut(a.cursorKey(), strconv.Itoa(int(vni))))
		}
		answer, err := a.etcd.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(a.vniKey(vni)), "=", 0),
				clientv3.Compare(clientv3.CreateRevision(a.ownerKey(owner)), "=", 0)).
			Then(puts...).
			Else(clientv3.OpGet(a.vniKey(vni)), clientv3.OpGet(a.ownerKey(owner))).
			Commit()
		switch {
		case err != nil:
			a.abandon(vni)
			return 0, fmt.Errorf("allocating VNI %d: %w", vni, err)
		case answer.Succeeded:
			a.remember(owner, allocated)
			return vni, nil
		}
		// Somebody else was first: learn what is there and look again.
		if kvs := answer.Responses[1].GetResponseRange().Kvs; len(kvs) > 0 {
			a.abandon(vni)
			allocated, err := parseAllocation(string(kvs[0].Value))
			if err != nil {
				return 0, fmt.Errorf("reading %s: %w", a.ownerKey(owner), err)
			}
			a.remember(owner, allocated)
		} else if kvs := answer.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 && wanted != 0 {
			return 0, &inUseError{vni: vni, owner: types.UID(kvs[0].Value)}
		}
	}
}

// candidate returns the VNI that an owner has, else one to try, which is then marked as in use.
func (a *allocator) candidate(ctx context.Context, owner types.UID, wanted uint32) (vni uint32, owned bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return 0, false, err
	}
	if allocated, ok := a.byUID[owner]; ok {
		if wanted != 0 && wanted != allocated.vni {
			return 0, false, fmt.Errorf("the Network has VNI %d, but its spec.providerID says %d", allocated.vni, wanted)
		}
		return allocated.vni, true, nil
	}
	if wanted != 0 {
		a.inUse[wanted] = true
		return wanted, false, nil
	}
	vni = a.vnis.after(a.cursor)
	for first := vni; a.inUse[vni]; {
		if vni = a.vnis.after(vni); vni == first {
			return 0, false, errExhausted
		}
	}
	a.inUse[vni] = true
	a.cursor = vni
	return vni, false, nil
}

// load reads the keys once. The caller holds the lock.
func (a *allocator) load(ctx context.Context) error {
	if a.loaded {
		return nil
	}
	owners, err := a.etcd.Get(ctx, a.ownerKey("")+"/", clientv3.WithPrefix())
	if err != nil {
		return fmt.Errorf("reading the allocated VNIs: %w", err)
	}
	cursor, err := a.etcd.Get(ctx, a.cursorKey())
	if err != nil {
		return fmt.Errorf("reading the VNI allocated last: %w", err)
	}
	a.byUID = make(map[types.UID]allocation, len(owners.Kvs))
	a.inUse = make(map[uint32]bool, len(owners.Kvs))
	for _, kv := range owners.Kvs {
		allocated, err := parseAllocation(string(kv.Value))
		if err != nil {
			return fmt.Errorf("reading %s: %w", kv.Key, err)
		}
		a.byUID[types.UID(path.Base(string(kv.Key)))] = allocated
		a.inUse[allocated.vni] = true
	}
	if len(cursor.Kvs) > 0 {
		vni, err := strconv.ParseUint(string(cursor.Kvs[0].Value), 10, 24)
		if err != nil {
			return fmt.Errorf("reading %s: %w", a.cursorKey(), err)
		}
		a.cursor = uint32(vni)
	}
	a.loaded = true
	return nil
}

func (a *allocator) remember(owner types.UID, allocated allocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byUID[owner] = allocated
	a.inUse[allocated.vni] = true
}

// abandon gives up a candidate that was not allocated.
func (a *allocator) abandon(vni uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.inUse, vni)
}

// free deletes what an owner has.
func (a *allocator) free(ctx context.Context, owner types.UID) error {
	a.mu.Lock()
	err := a.load(ctx)
	allocated, ok := a.byUID[owner]
	vni := allocated.vni
	a.mu.Unlock()
	if err != nil || !ok {
		return err
	}
	_, err = a.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.Value(a.vniKey(vni)), "=", string(owner))).
		Then(clientv3.OpDelete(a.vniKey(vni)), clientv3.OpDelete(a.ownerKey(owner))).
		Commit()
	if err != nil {
		return fmt.Errorf("freeing VNI %d: %w", vni, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byUID, owner)
	delete(a.inUse, vni)
	return nil
}

// owners returns the names of those that have a VNI.
func (a *allocator) owners(ctx context.Context) (map[types.UID]types.NamespacedName, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	owners := make(map[types.UID]types.NamespacedName, len(a.byUID))
	for owner, allocated := range a.byUID {
		owners[owner] = allocated.name
	}
	return owners, nil
}
