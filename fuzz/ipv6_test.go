package fuzz

import (
	"bytes"
	"testing"

	"glean/stack/header"
)

const addresses = " fe80000000000000000000000000000a fe80000000000000000000000000000b "

func FuzzIPv6(f *testing.F) {
	seed(f,
		"",
		"60000000 0008 11ff"+addresses+"0001000200080000",
		"6a512345 0000 3b40"+addresses,
		"60000000 0010 0001"+addresses+"3a00 05020000 0100 8f00000000000000",
		"60000000 0018 3cff"+addresses+"2b00 010400000000 1100 0400 00000000 0001000200080000",
		"60000000 0010 2cff"+addresses+"3a00 0000 00000001 8700000000000000",
		"60000000 0010 00ff"+addresses+"1100 c20400010000 0001000200080000",
	)
	f.Fuzz(func(t *testing.T, packet []byte) {
		r, payload, err := header.ParseIPv6(packet)
		if err != nil {
			checkError(t, err)
		}
		if err != nil && err != header.ErrFragment {
			return
		}
		checkInside(t, packet, payload)
		b := append(dirty(r.Size()), payload...)
		n := r.Emit(b)
		got, again, parseErr := header.ParseIPv6(b)
		if parseErr != err || n != r.Size() || got != r || !bytes.Equal(again, payload) {
			t.Fatalf("%+v, %x, %v from %x; want %+v, %v", got, again, parseErr, packet, r, err)
		}
	})
}
