// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"ironcore.dev/networking/apis/networking/v1alpha1"
	"ironcore.dev/networking/internal/apis/networking"
)

// checkPresentable returns what keeps a stored object from being cached or sent in any of the encodings.
func checkPresentable(obj runtime.Object, checked *checkedFields) error {
	object, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	if object.GetNamespace() == "" || object.GetName() == "" || len(content.IsPathSegmentName(object.GetName())) > 0 {
		return fmt.Errorf("it can't have the name %q in namespace %q", object.GetName(), object.GetNamespace())
	}
	if bad := checked.unpresentable(reflect.ValueOf(obj)); bad != nil {
		return fmt.Errorf("its %s is %q and %s", bad.path, bad.value, bad.rule)
	}
	return nil
}

// unpresentable is a field that some encoding can't show, or no client can read in it.
type unpresentable struct{ path, value, rule string }

// in returns the same field, by its path from outside.
func (u *unpresentable) in(outer string) *unpresentable {
	if outer != "" && u.path != "" && u.path[0] != '[' {
		outer += "."
	}
	u.path = outer + u.path
	return u
}

var (
	timeType   = reflect.TypeFor[metav1.Time]()
	fieldsType = reflect.TypeFor[metav1.FieldsV1]()
)

// checkedFields has the fields of a struct type that may be unpresentable, for each type that was met.
type checkedFields struct{ known sync.Map }

// unpresentable returns the first field that can't be shown, or nil: a year that has more than four digits, or managed fields that are
// not JSON.
func (c *checkedFields) unpresentable(v reflect.Value) *unpresentable {
	switch {
	case v.Type() == timeType:
		if at := v.Interface().(metav1.Time).UTC(); at.Year() < 0 || at.Year() > 9999 {
			return &unpresentable{value: at.Format(time.RFC3339), rule: "must be in a year from 0 to 9999 (UTC)"}
		}
	case v.Type() == fieldsType:
		if raw := v.Addr().Interface().(*metav1.FieldsV1).GetRawBytes(); len(raw) > 0 && !json.Valid(raw) {
			return &unpresentable{value: string(raw[:min(len(raw), 50)]), rule: "must be JSON"}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return c.unpresentable(v.Elem())
	case v.Kind() == reflect.Struct:
		for _, f := range c.of(v.Type()) {
			if bad := c.unpresentable(v.Field(f.index)); bad != nil {
				return bad.in(f.name)
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if bad := c.unpresentable(v.Index(i)); bad != nil {
				return bad.in(fmt.Sprintf("[%d]", i))
			}
		}
	}
	return nil
}

// checkedField is a field of a struct by its index and by its name in JSON.
type checkedField struct {
	index int
	name  string
}

// of returns the fields of a struct type that lead to times and managed fields.
func (c *checkedFields) of(structType reflect.Type) []checkedField {
	if known, ok := c.known.Load(structType); ok {
		return known.([]checkedField)
	}
	var fields []checkedField
	for i := range structType.NumField() {
		inside := structType.Field(i).Type
		for inside.Kind() == reflect.Pointer || inside.Kind() == reflect.Slice {
			inside = inside.Elem()
		}
		if inside == timeType || inside == fieldsType || inside.Kind() == reflect.Struct && len(c.of(inside)) > 0 {
			name, _, _ := strings.Cut(structType.Field(i).Tag.Get("json"), ",")
			fields = append(fields, checkedField{i, name})
		}
	}
	c.known.Store(structType, fields)
	return fields
}

// refusalOf is the answer to a write of an object that has something unpresentable in it, by the name that users know it by.
func (c *checkedFields) refusalOf(obj runtime.Object) error {
	versioned, err := scheme.ConvertToVersion(obj, v1alpha1.SchemeGroupVersion)
	if err != nil {
		return err
	}
	object, err := meta.Accessor(versioned)
	if err != nil {
		return err
	}
	bad, kind := c.unpresentable(reflect.ValueOf(versioned)), reflect.TypeOf(versioned).Elem().Name()
	return apierrors.NewInvalid(networking.Kind(kind), object.GetName(),
		field.ErrorList{field.Invalid(field.NewPath(bad.path), bad.value, bad.rule)})
}
