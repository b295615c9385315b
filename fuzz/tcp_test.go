package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
)

func FuzzTCP(f *testing.F) {
	seed(f, "", "0fa0005000000001000000025018200000000000 6869", "0fa0005000000001000000026002200000000000 020405b4",
		"0fa0005000000001000000024018200000000000", "0fa000500000000100000002f018200000000000")
	f.Fuzz(func(t *testing.T, segment []byte) {
		checkTCP(t, segment)
		if len(segment) < header.TCPSize {
			return
		}
		s := header.TCP(slices.Clone(segment))
		s.SetChecksum(0)
		s.SetChecksum(header.Checksum(s, header.SumIPv4Pseudo(four1, four2, header.ProtocolTCP, len(s))))
		checkTCP(t, s)
	})
}

func checkTCP(t *testing.T, segment []byte) {
	r, payload, err := header.ParseTCPv4(four1, four2, segment)
	if err != nil {
		checkError(t, err)
		return
	}
	checkInside(t, segment, payload)
	b := append(dirty(r.Size()), payload...)
	r.EmitTCPv4(b, four1, four2)
	if got, again, err := header.ParseTCPv4(four1, four2, b); err != nil || got != r || !bytes.Equal(again, payload) {
		t.Fatalf("%+v, %x, %v from %x", got, again, err, segment)
	}
}
