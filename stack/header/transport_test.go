package header_test

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

var (
	four1 = [4]byte{10, 0, 0, 1}
	four2 = [4]byte{10, 0, 0, 2}
)

// datagram4 returns a good datagram from four1 to four2, datagram6 one from hostA
// to hostB.
func datagram4(payload string) []byte {
	b := append(make([]byte, header.UDPSize), payload...)
	header.UDPRepr{SrcPort: 4000, DstPort: 9, PayloadLen: len(payload)}.EmitUDPv4(b, four1, four2)
	return b
}

func datagram6(payload string) []byte {
	b := append(make([]byte, header.UDPSize), payload...)
	header.UDPRepr{SrcPort: 4000, DstPort: 9, PayloadLen: len(payload)}.EmitUDPv6(b, hostA, hostB)
	return b
}

func udpRules() []rule {
	parse4 := func(b []byte) func() error {
		return func() error { return rejectPayload(header.ParseUDPv4(four1, four2, b)) }
	}
	parse6 := func(b []byte) func() error {
		return func() error { return rejectPayload(header.ParseUDPv6(hostA, hostB, b)) }
	}
	four, six := datagram4("hello"), datagram6("hello")
	without4, without6 := slices.Clone(four), slices.Clone(six)
	header.UDP(without4).SetChecksum(0)
	header.UDP(without6).SetChecksum(0)
	return []rule{
		{"UDP good v4", 0, parse4(four)},
		{"UDP good v6", 0, parse6(six)},
		{"UDP without payload", 0, parse4(datagram4(""))},
		{"UDP with padding", 0, parse4(append(slices.Clone(four), 1, 2, 3))},
		{"UDP no checksum v4", 0, parse4(without4)},
		{"UDP no checksum v6", header.ErrUDPChecksumMissing, parse6(without6)},
		{"UDP 7 octets v4", header.ErrUDPShort, parse4(four[:7])},
		{"UDP 7 octets v6", header.ErrUDPShort, parse6(six[:7])},
		{"UDP length 7", header.ErrUDPLength, parse4(change(four, 5, 7))},
		{"UDP length over the packet", header.ErrUDPLength, parse6(change(six, 5, 14))},
		{"UDP checksum v4", header.ErrUDPChecksum, parse4(change(four, 8, 'j'))},
		{"UDP checksum v6", header.ErrUDPChecksum, parse6(change(six, 8, 'j'))},
		{"UDP checksum covers addresses v4", header.ErrUDPChecksum, func() error { return rejectPayload(header.ParseUDPv4(four2, four2, four)) }},
		{"UDP checksum covers addresses v6", header.ErrUDPChecksum, func() error { return rejectPayload(header.ParseUDPv6(hostB, hostB, six)) }},
	}
}

func TestRoundTripUDP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := drawBytes(t, "payload", 0, 60)
		want := header.UDPRepr{SrcPort: rapid.Uint16().Draw(t, "src"), DstPort: rapid.Uint16().Draw(t, "dst"), PayloadLen: len(payload)}
		b := append(bytes.Repeat([]byte{0xee}, want.Size()), payload...)
		padding := drawBytes(t, "padding", 0, 5)

		src4, dst4 := drawIPv4(t, "src"), drawIPv4(t, "dst")
		n := want.EmitUDPv4(b, src4, dst4)
		got, data, err := header.ParseUDPv4(src4, dst4, slices.Concat(b, padding))
		if err != nil || n != want.Size() || got != want || !bytes.Equal(data, payload) || header.UDP(b).Checksum() == 0 {
			t.Fatalf("v4: %+v, %x, %v; want %+v", got, data, err, want)
		}
		src6, dst6 := drawIPv6(t, "src"), drawIPv6(t, "dst")
		n = want.EmitUDPv6(b, src6, dst6)
		got, data, err = header.ParseUDPv6(src6, dst6, slices.Concat(b, padding))
		if err != nil || n != want.Size() || got != want || !bytes.Equal(data, payload) {
			t.Fatalf("v6: %+v, %x, %v; want %+v", got, data, err, want)
		}
	})
}

// TestUDPChecksumZero checks that a checksum that comes out as 0 is sent as 0xffff
// (RFC 768, RFC 8200 section 8.1): two octets that hold the checksum make the sum
// 0xffff.
func TestUDPChecksumZero(t *testing.T) {
	r := header.UDPRepr{SrcPort: 1, DstPort: 2, PayloadLen: 2}
	b := make([]byte, header.UDPSize+2)
	u := header.UDP(b)

	r.EmitUDPv4(b, four1, four2)
	copy(u.Payload(), b[6:8])
	if r.EmitUDPv4(b, four1, four2); u.Checksum() != 0xffff {
		t.Errorf("v4: checksum %#x", u.Checksum())
	}
	if _, _, err := header.ParseUDPv4(four1, four2, b); err != nil {
		t.Error(err)
	}

	clear(b)
	r.EmitUDPv6(b, hostA, hostB)
	copy(u.Payload(), b[6:8])
	if r.EmitUDPv6(b, hostA, hostB); u.Checksum() != 0xffff {
		t.Errorf("v6: checksum %#x", u.Checksum())
	}
	if _, _, err := header.ParseUDPv6(hostA, hostB, b); err != nil {
		t.Error(err)
	}
}

func TestNoAllocsTransport(t *testing.T) {
	four, six := datagram4("hello"), datagram6("hello")
	r := header.UDPRepr{PayloadLen: 5}
	noAllocs(t, "ParseUDPv4", func() { header.ParseUDPv4(four1, four2, four) })
	noAllocs(t, "ParseUDPv6", func() { header.ParseUDPv6(hostA, hostB, six) })
	noAllocs(t, "EmitUDPv4", func() { r.EmitUDPv4(four, four1, four2) })
	noAllocs(t, "EmitUDPv6", func() { r.EmitUDPv6(six, hostA, hostB) })
}

// segment4 returns a good segment from four1 to four2 with 4 octets of options,
// segment6 one from hostA to hostB.
func segment4(payload string) []byte {
	b := append(make([]byte, header.TCPSize+4), payload...)
	s := header.TCP(b)
	s.SetDataOffset(24)
	copy(b[header.TCPSize:], "\x01\x01\x01\x00")
	s.SetChecksum(header.Checksum(b, header.SumIPv4Pseudo(four1, four2, header.ProtocolTCP, len(b))))
	return b
}

func segment6(payload string) []byte {
	b := append(make([]byte, header.TCPSize), payload...)
	header.TCPRepr{PayloadLen: len(payload)}.EmitTCPv6(b, hostA, hostB)
	return b
}

func tcpRules() []rule {
	parse4 := func(b []byte) func() error {
		return func() error { return rejectPayload(header.ParseTCPv4(four1, four2, b)) }
	}
	parse6 := func(b []byte) func() error {
		return func() error { return rejectPayload(header.ParseTCPv6(hostA, hostB, b)) }
	}
	four, six := segment4("hello"), segment6("hello")
	return []rule{
		{"TCP good v4 with options", 0, parse4(four)},
		{"TCP good v6", 0, parse6(six)},
		{"TCP without payload", 0, parse6(segment6(""))},
		{"TCP 19 octets v4", header.ErrTCPShort, parse4(four[:19])},
		{"TCP 19 octets v6", header.ErrTCPShort, parse6(six[:19])},
		{"TCP offset 16", header.ErrTCPOffset, parse4(change(four, 12, 0x40))},
		{"TCP offset over the segment", header.ErrTCPOffset, parse4(change(four, 12, 0xf0))},
		{"TCP checksum v4", header.ErrTCPChecksum, parse4(change(four, 24, 'j'))},
		{"TCP checksum v6", header.ErrTCPChecksum, parse6(change(six, 20, 'j'))},
	}
}

func drawTCPRepr(t *rapid.T, payload int) header.TCPRepr {
	return header.TCPRepr{
		SrcPort: rapid.Uint16().Draw(t, "src"), DstPort: rapid.Uint16().Draw(t, "dst"),
		Seq: rapid.Uint32().Draw(t, "seq"), Ack: rapid.Uint32().Draw(t, "ack"),
		Flags:  header.TCPFlags(rapid.Uint8().Draw(t, "flags")),
		Window: rapid.Uint16().Draw(t, "window"), Urgent: rapid.Uint16().Draw(t, "urgent"),
		PayloadLen: payload,
	}
}

func TestRoundTripTCP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := drawBytes(t, "payload", 0, 60)
		want := drawTCPRepr(t, len(payload))
		b := append(bytes.Repeat([]byte{0xee}, want.Size()), payload...)

		src4, dst4 := drawIPv4(t, "src"), drawIPv4(t, "dst")
		n := want.EmitTCPv4(b, src4, dst4)
		got, data, err := header.ParseTCPv4(src4, dst4, b)
		if err != nil || n != want.Size() || got != want || !bytes.Equal(data, payload) {
			t.Fatalf("v4: %+v, %x, %v; want %+v", got, data, err, want)
		}
		src6, dst6 := drawIPv6(t, "src"), drawIPv6(t, "dst")
		n = want.EmitTCPv6(b, src6, dst6)
		got, data, err = header.ParseTCPv6(src6, dst6, b)
		if err != nil || n != want.Size() || got != want || !bytes.Equal(data, payload) {
			t.Fatalf("v6: %+v, %x, %v; want %+v", got, data, err, want)
		}

		port := rapid.Uint16().Draw(t, "new port")
		s := header.TCP(b)
		s.UpdateChecksum(s.DstPort(), port)
		s.SetDstPort(port)
		if got, _, err := header.ParseTCPv6(src6, dst6, b); err != nil || got.DstPort != port {
			t.Fatalf("after a change of port: %+v, %v", got, err)
		}
	})
}

// TestTCPOptions checks that options are no part of the payload.
func TestTCPOptions(t *testing.T) {
	if r, data, err := header.ParseTCPv4(four1, four2, segment4("hello")); err != nil || string(data) != "hello" || r.PayloadLen != 5 {
		t.Errorf("%+v, %q, %v", r, data, err)
	}
}

func mplsRules() []rule {
	return []rule{
		{"MPLS good", 0, func() error { return rejectPayload(header.ParseMPLS(fromHex("00010140"))) }},
		{"MPLS 3 octets", header.ErrMPLSShort, func() error { return rejectPayload(header.ParseMPLS(fromHex("000101"))) }},
	}
}

func TestRoundTripMPLS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := header.MPLSRepr{
			Label:        rapid.Uint32Range(0, 1<<20-1).Draw(t, "label"),
			TrafficClass: rapid.Uint8Range(0, 7).Draw(t, "class"),
			Bottom:       rapid.Bool().Draw(t, "bottom"), TTL: rapid.Uint8().Draw(t, "ttl"),
		}
		b := append(bytes.Repeat([]byte{0xee}, want.Size()), drawBytes(t, "payload", 0, 8)...)
		n := want.Emit(b)
		got, payload, err := header.ParseMPLS(b)
		if err != nil || n != want.Size() || got != want || !bytes.Equal(payload, b[4:]) {
			t.Fatalf("%+v, %x, %v; want %+v", got, payload, err, want)
		}
	})
	b := fromHex("ffffffff")
	m := header.MPLS(b)
	m.SetLabel(0x112345)
	m.SetTrafficClass(0xfa)
	m.SetBottom(false)
	m.SetTTL(7)
	if !bytes.Equal(b, fromHex("12345407")) {
		t.Errorf("%x", b)
	}
}

func TestNoAllocsTCPAndMPLS(t *testing.T) {
	four, six, label := segment4("hello"), segment6("hello"), make([]byte, 4)
	r, m := header.TCPRepr{PayloadLen: 5}, header.MPLSRepr{Label: 16}
	noAllocs(t, "ParseTCPv4", func() { header.ParseTCPv4(four1, four2, four) })
	noAllocs(t, "ParseTCPv6", func() { header.ParseTCPv6(hostA, hostB, six) })
	noAllocs(t, "EmitTCPv4", func() { r.EmitTCPv4(four, four1, four2) })
	noAllocs(t, "EmitTCPv6", func() { r.EmitTCPv6(six, hostA, hostB) })
	noAllocs(t, "MPLS", func() { header.ParseMPLS(label[:m.Emit(label)]) })
}
