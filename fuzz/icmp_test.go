package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
)

// conversation is the IPv6 header of the fuzzed messages.
var conversation = header.IPv6Repr{
	Src: [16]byte{0: 0xfe, 1: 0x80, 15: 0xa}, Dst: [16]byte{0: 0xfe, 1: 0x80, 15: 0xb},
	NextHeader: header.ProtocolICMPv6, HopLimit: 255,
}

// original is the packet that ICMP errors quote.
const original = "4500001c 00004000 00110000 0a000001 0a000002 0001000200080000"

func FuzzICMPv4(f *testing.F) {
	seed(f, "", "0800 0000 0001 0002 616263", "0000 0000 0001 0002", "0801 0000 0001 0002",
		"0b00 0000 00000000"+original, "0301 0000 00000000"+original, "0304 0000 00000514"+original)
	f.Fuzz(func(t *testing.T, message []byte) {
		checkICMPv4(t, message)
		if sealed := slices.Clone(message); len(sealed) >= header.ICMPSize {
			header.ICMPv4(sealed).SetChecksum(0)
			header.ICMPv4(sealed).SetChecksum(header.Checksum(sealed, 0))
			checkICMPv4(t, sealed)
		}
	})
}

func checkICMPv4(t *testing.T, message []byte) {
	if r, err := header.ParseICMPv4Echo(message); err != nil {
		checkError(t, err)
	} else {
		b := dirty(r.Size())
		r.EmitICMPv4(b)
		checkMessage(t, b, message)
	}
	if r, err := header.ParseICMPv4Error(message); err != nil {
		checkError(t, err)
	} else {
		b := dirty(r.SizeICMPv4())
		r.EmitICMPv4(b)
		got, err := header.ParseICMPv4Error(b)
		checkICMPError(t, got, r, err)
	}
}

func FuzzICMPv6(f *testing.F) {
	seed(f, "", "8000 0000 0001 0002 616263", "8100 0000 0001 0002", "8001 0000 0001 0002",
		"0100 0000 00000000"+original, "0300 0000 00000000"+original, "0200 0000 00000500"+original)
	f.Fuzz(func(t *testing.T, message []byte) {
		checkICMPv6(t, message)
		if len(message) >= header.ICMPSize {
			checkICMPv6(t, sealICMPv6(conversation, message))
		}
	})
}

// sealICMPv6 returns a copy of a message with the right checksum.
func sealICMPv6(ip header.IPv6Repr, message []byte) []byte {
	m := header.ICMPv6(slices.Clone(message))
	m.SetChecksum(0)
	m.SetChecksum(header.ChecksumICMPv6(ip.Src, ip.Dst, m))
	return m
}

func checkICMPv6(t *testing.T, message []byte) {
	ip := conversation
	if r, err := header.ParseICMPv6Echo(ip, message); err != nil {
		checkError(t, err)
	} else {
		b := dirty(r.Size())
		r.EmitICMPv6(b, ip.Src, ip.Dst)
		checkMessage(t, b, message)
	}
	if r, err := header.ParseICMPv6Error(ip, message); err != nil {
		checkError(t, err)
	} else {
		b := dirty(r.SizeICMPv6())
		r.EmitICMPv6(b, ip.Src, ip.Dst)
		got, err := header.ParseICMPv6Error(ip, b)
		checkICMPError(t, got, r, err)
	}
}

// checkMessage compares messages without the checksum, because a checksum of zero can be
// written in two ways.
func checkMessage(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got[:2], want[:2]) || !bytes.Equal(got[4:], want[4:]) {
		t.Fatalf("%x, want %x", got, want)
	}
}

// checkICMPError compares ICMP errors without the end of the quoted packet, which may be
// cut.
func checkICMPError(t *testing.T, got, want header.ICMPErrorRepr, err error) {
	t.Helper()
	if err != nil || got.Kind != want.Kind || got.Code != want.Code || got.MTU != want.MTU ||
		!bytes.HasPrefix(want.Original, got.Original) || len(got.Original) < min(len(want.Original), 548) {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
}
