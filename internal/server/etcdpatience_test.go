// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// slow is a storage that takes its time for each call, before and after what the request does in between.
type slow struct {
	storage.Interface
	takes     time.Duration
	listTakes time.Duration
}

func (s slow) wait(ctx context.Context) error { return waitFor(ctx, s.takes) }

func waitFor(ctx context.Context, takes time.Duration) error {
	select {
	case <-time.After(takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slow) Create(ctx context.Context, _ string, _, _ runtime.Object, _ uint64) error {
	return s.wait(ctx)
}

func (s slow) Get(ctx context.Context, _ string, _ storage.GetOptions, _ runtime.Object) error {
	return s.wait(ctx)
}

func (s slow) GetList(ctx context.Context, _ string, _ storage.ListOptions, _ runtime.Object) error {
	return waitFor(ctx, s.listTakes)
}

func (s slow) GetCurrentResourceVersion(ctx context.Context) (uint64, error) { return 1, s.wait(ctx) }

func (s slow) Delete(ctx context.Context, _ string, _ runtime.Object, _ *storage.Preconditions, validate storage.ValidateObjectFunc,
	_ runtime.Object, _ storage.DeleteOptions) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	if err := validate(ctx, nil); err != nil {
		return err
	}
	return s.wait(ctx)
}

func (s slow) GuaranteedUpdate(ctx context.Context, _ string, _ runtime.Object, _ bool, _ *storage.Preconditions,
	update storage.UpdateFunc, _ runtime.Object) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	if _, _, err := update(nil, storage.ResponseMeta{}); err != nil {
		return err
	}
	return s.wait(ctx)
}

func TestPatience(t *testing.T) {
	type call func(s storage.Interface, webhook time.Duration) error
	background := context.Background()
	create := func(s storage.Interface, _ time.Duration) error { return s.Create(background, "", nil, nil, 0) }
	get := func(s storage.Interface, _ time.Duration) error {
		return s.Get(background, "", storage.GetOptions{}, nil)
	}
	list := func(s storage.Interface, _ time.Duration) error {
		return s.GetList(background, "", storage.ListOptions{}, nil)
	}
	update := func(s storage.Interface, webhook time.Duration) error {
		return s.GuaranteedUpdate(background, "", nil, false, nil,
			func(runtime.Object, storage.ResponseMeta) (runtime.Object, *uint64, error) {
				time.Sleep(webhook)
				return nil, nil, nil
			}, nil)
	}
	remove := func(s storage.Interface, webhook time.Duration) error {
		return s.Delete(background, "", nil, nil, func(context.Context, runtime.Object) error {
			time.Sleep(webhook)
			return nil
		}, nil, storage.DeleteOptions{})
	}
	revision := func(s storage.Interface, _ time.Duration) error {
		_, err := promptRevision{s}.GetCurrentResourceVersion(background)
		return err
	}
	for sentence, tc := range map[string]struct {
		call    call
		etcd    time.Duration // that each call takes, but for lists
		list    time.Duration // that a list takes
		webhook time.Duration // that the request takes in between
		ends    time.Duration
		fails   bool
	}{
		"a create that etcd answers":                   {call: create, etcd: 4 * time.Second, ends: 4 * time.Second},
		"a create that etcd does not answer":           {call: create, etcd: time.Minute, ends: etcdCallTimeout, fails: true},
		"a get that etcd does not answer":              {call: get, etcd: time.Minute, ends: etcdCallTimeout, fails: true},
		"an update that etcd does not answer":          {call: update, etcd: time.Minute, ends: etcdCallTimeout, fails: true},
		"a delete that etcd does not answer":           {call: remove, etcd: time.Minute, ends: etcdCallTimeout, fails: true},
		"a revision that etcd does not tell":           {call: revision, etcd: time.Minute, ends: etcdCallTimeout, fails: true},
		"a long list":                                  {call: list, list: 20 * time.Second, ends: 20 * time.Second},
		"a list that etcd does not answer":             {call: list, etcd: time.Minute, list: time.Minute, ends: askPeriod + etcdCallTimeout, fails: true},
		"an update with a slow webhook":                {call: update, etcd: time.Second, webhook: 20 * time.Second, ends: 22 * time.Second},
		"a delete with a slow webhook":                 {call: remove, etcd: time.Second, webhook: 20 * time.Second, ends: 22 * time.Second},
		"an update whose calls take too long together": {call: update, etcd: 3 * time.Second, webhook: time.Second, ends: 6 * time.Second, fails: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				err := tc.call(explainedStorage{slow{takes: tc.etcd, listTakes: tc.list}}, tc.webhook)
				if took := time.Since(begin); took != tc.ends {
					t.Errorf("it took %s, want %s", took, tc.ends)
				}
				if tc.fails != (err != nil) {
					t.Fatalf("got %v, want a failure: %t", err, tc.fails)
				}
				if tc.fails {
					seconds, retry := apierrors.SuggestsClientDelay(err)
					if !apierrors.IsTimeout(err) || !retry || seconds != retryAfter {
						t.Errorf("got %v, want 504 with Retry-After", err)
					}
				}
			})
		})
	}
}

// TestACallerThatGoesAwayIsNoFaultOfEtcd: its error stays what it is.
func TestACallerThatGoesAwayIsNoFaultOfEtcd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone, leave := context.WithCancel(ctx)
		leave()
		if err := (explainedStorage{slow{takes: time.Minute}}).Get(gone, "", storage.GetOptions{}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
}
