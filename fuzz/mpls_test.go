package fuzz

import (
	"bytes"
	"testing"

	"glean/stack/header"
)

func FuzzMPLS(f *testing.F) {
	seed(f, "", "00010140", "fffff0ff 00010140 45")
	f.Fuzz(func(t *testing.T, stack []byte) {
		r, payload, err := header.ParseMPLS(stack)
		if err != nil {
			checkError(t, err)
			return
		}
		b := append(dirty(r.Size()), payload...)
		if n := r.Emit(b); n != header.MPLSSize || !bytes.Equal(b, stack) {
			t.Fatalf("%d octets, %x from %x", n, b, stack)
		}
	})
}
