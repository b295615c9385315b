package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
)

func FuzzIPv4(f *testing.F) {
	seed(f,
		"",
		"4500001c 00004000 40110000 0a000001 0a000002 0001000200080000",
		"46000020 00000000 40010000 0a000001 0a000002 01010100 0001000200080000",
		"4500001c 00002000 40110000 0a000001 0a000002 0001000200080000",
		"4500001c 00004000 40110000 e0000001 0a000002 0001000200080000",
	)
	f.Fuzz(func(t *testing.T, packet []byte) {
		checkIPv4(t, packet)
		sealed := slices.Clone(packet)
		if len(sealed) >= header.IPv4Size {
			p := header.IPv4(sealed)
			length := max(header.IPv4Size, min(p.HeaderLength(), len(p)))
			p.SetChecksum(0)
			p.SetChecksum(header.Checksum(p[:length], 0))
			checkIPv4(t, sealed)
		}
	})
}

func checkIPv4(t *testing.T, packet []byte) {
	r, payload, err := header.ParseIPv4(packet)
	if err != nil {
		checkError(t, err)
	}
	if err != nil && err != header.ErrFragment {
		return
	}
	checkInside(t, packet, payload)
	b := append(dirty(r.Size()), payload...)
	n := r.Emit(b)
	got, again, err := header.ParseIPv4(b)
	if err != nil || n != r.Size() || got != r || !bytes.Equal(again, payload) {
		t.Fatalf("%+v, %x, %v from %x; want %+v", got, again, err, packet, r)
	}
}
