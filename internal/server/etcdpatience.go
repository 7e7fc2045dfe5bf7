// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// errNoAnswer ends the calls to etcd of a request that has waited long enough.
var errNoAnswer = fmt.Errorf("no answer within %s: %w", etcdCallTimeout, context.DeadlineExceeded)

// patience is the time that etcd has to answer one request. While the request does something else, such as to ask webhooks in
// the middle of an update, the time stands still. A member that stops, or a cluster that elects a leader, would otherwise keep a
// request for as long as etcd's own limit of 7 seconds, and again for each attempt.
type patience struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	left   time.Duration
	since  time.Time
}

func newPatience(ctx context.Context) (context.Context, *patience) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &patience{cancel: cancel, left: etcdCallTimeout, since: time.Now()}
	p.timer = time.AfterFunc(p.left, func() { cancel(errNoAnswer) })
	return ctx, p
}

// during runs something that etcd has no part in.
func (p *patience) during(something func()) {
	p.timer.Stop()
	p.left -= time.Since(p.since)
	something()
	p.since = time.Now()
	p.timer.Reset(p.left)
}

// end returns the error of the request, for its client.
func (p *patience) end(ctx context.Context, err error) error {
	p.timer.Stop()
	defer p.cancel(nil)
	return explain(orNoAnswer(ctx, err))
}

// orNoAnswer returns the error of a call, or errNoAnswer if that is what ended it.
func orNoAnswer(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) && isCanceled(err) {
		return errNoAnswer
	}
	return err
}

// askPeriod is how often a call of any length asks whether etcd still answers.
const askPeriod = time.Second

// whileAnswering returns a context for a call of any length. It ends the call once etcd does not tell its revision in time.
func whileAnswering(ctx context.Context, etcd storage.Interface) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(askPeriod):
			}
			if _, err := (promptRevision{etcd}).GetCurrentResourceVersion(ctx); err != nil {
				cancel(errNoAnswer)
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// validating is a check of an object that does not count.
func (p *patience) validating(validate storage.ValidateObjectFunc) storage.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) (err error) {
		p.during(func() { err = validate(ctx, obj) })
		return err
	}
}

// updating is a change of an object that does not count.
func (p *patience) updating(update storage.UpdateFunc) storage.UpdateFunc {
	return func(input runtime.Object, meta storage.ResponseMeta) (output runtime.Object, ttl *uint64, err error) {
		p.during(func() { output, ttl, err = update(input, meta) })
		return output, ttl, err
	}
}

// promptRevision is a storage that tells its newest revision in time, or not at all. A watch cache asks for it before it
// answers a consistent list.
type promptRevision struct{ storage.Interface }

func (s promptRevision) GetCurrentResourceVersion(ctx context.Context) (uint64, error) {
	ctx, patience := newPatience(ctx)
	revision, err := s.Interface.GetCurrentResourceVersion(ctx)
	return revision, patience.end(ctx, err)
}
