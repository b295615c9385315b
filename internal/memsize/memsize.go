// Package memsize measures the memory that a value holds.
package memsize

import (
	"reflect"
	"unsafe"
)

// Of returns the octets of the struct that p points to and of all memory that
// leads from it: slices, strings and pointers. Memory with two owners counts
// once. Pointers of the shared types are not followed.
func Of[T any](p *T, shared ...reflect.Type) int64 {
	m := measurer{seen: make(map[unsafe.Pointer]bool), shared: make(map[reflect.Type]bool)}
	for _, t := range shared {
		m.shared[t] = true
	}
	return m.behind(reflect.ValueOf(p))
}

// OfSlice returns the octets of a slice's elements, without the memory that
// leads from them.
func OfSlice[T any](s []T) int64 {
	var v T
	return int64(cap(s)) * int64(unsafe.Sizeof(v))
}

// measurer adds up the memory behind a value.
type measurer struct {
	seen   map[unsafe.Pointer]bool
	shared map[reflect.Type]bool
}

func (m *measurer) behind(v reflect.Value) (octets int64) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || m.shared[v.Type()] || m.met(v.UnsafePointer()) {
			return 0
		}
		return int64(v.Type().Elem().Size()) + m.behind(v.Elem())
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		if v.Cap() == 0 || m.met(v.UnsafePointer()) {
			return 0
		}
		octets = int64(v.Cap()) * int64(v.Type().Elem().Size())
		fallthrough
	case reflect.Array:
		if hasPointers(v.Type().Elem()) {
			for i := range v.Len() {
				octets += m.behind(v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			octets += m.behind(v.Field(i))
		}
	}
	return octets
}

func (m *measurer) met(p unsafe.Pointer) bool {
	met := m.seen[p]
	m.seen[p] = true
	return met
}

// hasPointers reports whether values of a type lead to other memory. Tables of a
// million numbers are not walked because they have none.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.String, reflect.Slice, reflect.Map, reflect.Interface, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}
