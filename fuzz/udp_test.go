package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
)

var (
	four1 = [4]byte{10, 0, 0, 1}
	four2 = [4]byte{10, 0, 0, 2}
)

func FuzzUDP(f *testing.F) {
	seed(f, "", "0fa00009000a00006869", "0fa00009000800006869", "0fa00009000700006869", "0fa00009000b00006869")
	f.Fuzz(func(t *testing.T, datagram []byte) {
		checkUDP(t, datagram)
		if len(datagram) < header.UDPSize {
			return
		}
		u := header.UDP(slices.Clone(datagram))
		length := max(header.UDPSize, min(int(u.Length()), len(u)))
		u.SetChecksum(0)
		u.SetChecksum(header.Checksum(u[:length], header.SumIPv4Pseudo(four1, four2, header.ProtocolUDP, length)))
		checkUDP(t, u)
		u.SetChecksum(0)
		u.SetChecksum(header.Checksum(u[:length], header.SumIPv6Pseudo(conversation.Src, conversation.Dst, header.ProtocolUDP, length)))
		checkUDP(t, u)
	})
}

func checkUDP(t *testing.T, datagram []byte) {
	r, payload, err := header.ParseUDPv4(four1, four2, datagram)
	if err != nil {
		checkError(t, err)
	} else {
		checkInside(t, datagram, payload)
		b := append(dirty(r.Size()), payload...)
		r.EmitUDPv4(b, four1, four2)
		if got, again, err := header.ParseUDPv4(four1, four2, b); err != nil || got != r || !bytes.Equal(again, payload) {
			t.Fatalf("%+v, %x, %v from %x", got, again, err, datagram)
		}
	}
	src, dst := conversation.Src, conversation.Dst
	r, payload, err = header.ParseUDPv6(src, dst, datagram)
	if err != nil {
		checkError(t, err)
		return
	}
	checkInside(t, datagram, payload)
	b := append(dirty(r.Size()), payload...)
	r.EmitUDPv6(b, src, dst)
	if got, again, err := header.ParseUDPv6(src, dst, b); err != nil || got != r || !bytes.Equal(again, payload) {
		t.Fatalf("%+v, %x, %v from %x", got, again, err, datagram)
	}
}
