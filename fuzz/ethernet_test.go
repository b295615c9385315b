package fuzz

import (
	"bytes"
	"testing"

	"glean/stack/header"
)

func FuzzEthernet(f *testing.F) {
	seed(f,
		"",
		"020000000001 020000000002 0806 aabb",
		"020000000001 020000000002 8100 b064 0806 aabb",
		"020000000001 020000000002 88a8 0001 8100 0002 0800 aabb",
		"020000000001 020000000002 88a8 0001 8100 0002 8100 0003 0800",
		"0180c2000000 020000000002 0026 424203",
	)
	f.Fuzz(func(t *testing.T, frame []byte) {
		r, payload, err := header.ParseEthernet(frame)
		if err != nil {
			checkError(t, err)
			return
		}
		b := append(dirty(r.Size()), payload...)
		if n := r.Emit(b); n != r.Size() || !bytes.Equal(b, frame) {
			t.Fatalf("%d octets, %x from %x", n, b, frame)
		}
	})
}
