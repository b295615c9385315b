package fuzz

import (
	"bytes"
	"testing"

	"glean/stack/header"
)

func FuzzARP(f *testing.F) {
	seed(f,
		"",
		"0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001",
		"0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002 000000000000",
		"0006 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001",
		"0001 0800 ff ff 0001 020000000002 0a000002 000000000000 0a000001",
	)
	f.Fuzz(func(t *testing.T, packet []byte) {
		r, err := header.ParseARP(packet)
		if err != nil {
			checkError(t, err)
			return
		}
		b := dirty(r.Size())
		if n := r.Emit(b); n != header.ARPSize || !bytes.Equal(b, packet[:n]) {
			t.Fatalf("%d octets, %x from %x", n, b, packet)
		}
	})
}
