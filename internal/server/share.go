// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"

	"ironcore.dev/networking/internal/registry"
)

// The strings that a pool knows: up to twice this many, none longer than this. That is a few megabytes.
const (
	pooledStrings = 1 << 14
	pooledLength  = 200
)

// stringPool lets the objects in the caches hold equal strings only once. Most of their strings are alike: the words of conditions, the
// names of peers, and what a version has in common with the one before. Package unique would forget a string at the next collection of
// garbage, as no object keeps a handle. The zero value is ready.
type stringPool struct {
	lock          sync.Mutex
	recent, older map[string]string
}

// share replaces the strings of an object that nobody else has yet, and gives back what decoding left free in its slices.
func (p *stringPool) share(obj runtime.Object) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.shareAll(reflect.ValueOf(obj))
}

// forControllers also leaves out what no controller reads. A write without managedFields keeps those stored.
func (p *stringPool) forControllers(obj any) (any, error) {
	if object, ok := obj.(registry.Object); ok {
		object.SetManagedFields(nil)
		p.share(object)
	}
	return obj, nil
}

func (p *stringPool) shareAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(p.shared(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			p.shareAll(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() {
				p.shareAll(field)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return // It has no strings.
		}
		if v.Len() < v.Cap() {
			whole := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(whole, v)
			v.Set(whole)
		}
		for i := range v.Len() {
			p.shareAll(v.Index(i))
		}
	case reflect.Map:
		if texts, ok := reflect.TypeAssert[map[string]string](v); ok {
			for key, text := range texts {
				texts[p.shared(key)] = p.shared(text)
			}
		}
	}
}

// shared returns the known string that is equal to this one. A string that was not met for a while is forgotten.
func (p *stringPool) shared(text string) string {
	if text == "" || len(text) > pooledLength {
		return text
	}
	if known, ok := p.recent[text]; ok {
		return known
	}
	if known, ok := p.older[text]; ok {
		text = known
	}
	if p.recent == nil || len(p.recent) == pooledStrings {
		p.recent, p.older = make(map[string]string), p.recent
	}
	p.recent[text] = text
	return text
}
