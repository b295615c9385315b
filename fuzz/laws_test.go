package fuzz

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"glean/stack/header"
)

// seed adds inputs to a target's corpus. They are hexadecimal and may have blanks.
func seed(f *testing.F, inputs ...string) {
	f.Helper()
	for _, s := range inputs {
		f.Add(unhex(s))
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// checkError fails unless err is a known header.Error.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e header.Error
	if !errors.As(err, &e) || e == 0 || e >= header.NumErrors {
		t.Fatalf("%v is no error of header", err)
	}
}

// checkInside fails unless payload is a part of b.
func checkInside(t *testing.T, b, payload []byte) {
	t.Helper()
	if !bytes.Contains(b, payload) || cap(payload) > cap(b) {
		t.Fatalf("payload %x is no part of %x", payload, b)
	}
}

// dirty returns a buffer of n octets that are not zero, so that an octet that Emit does
// not write is found.
func dirty(n int) []byte { return bytes.Repeat([]byte{0xa5}, n) }
