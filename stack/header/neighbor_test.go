package header_test

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

const (
	plainNS = "8700 0000 00000000 fe80000000000000000000000000000b"
	plainNA = "8800 0000 60000000 fe80000000000000000000000000000b"
	source  = " 01 01 020000000001"
	target  = " 02 01 020000000002"
	nonce   = " 0e 01 112233445566"
)

// message is an ICMPv6 message in a packet; the checksum is made right.
type message struct {
	ip   header.IPv6Repr
	icmp []byte
}

func newMessage(s string, edit func(*message)) message {
	m := message{header.IPv6Repr{Src: hostA, Dst: hostB, HopLimit: 255}, fromHex(s)}
	if edit != nil {
		edit(&m)
	}
	if len(m.icmp) >= header.ICMPSize {
		seal6(m.ip, m.icmp)
	}
	return m
}

// fromUnspecified makes the message one of duplicate address detection.
func fromUnspecified(m *message) { m.ip.Src, m.ip.Dst = [16]byte{}, header.SolicitedNode(hostB) }

func solicitationRules() []rule {
	parse := func(s string, edit func(*message)) func() error {
		return func() error {
			m := newMessage(s, edit)
			return reject(header.ParseNeighborSolicitation(m.ip, m.icmp))
		}
	}
	badChecksum := newMessage(plainNS+source, nil)
	badChecksum.icmp[31] ^= 1
	return []rule{
		{"NS good", 0, parse(plainNS, nil)},
		{"NS good with source", 0, parse(plainNS+source, nil)},
		{"NS good to the solicited-node address", 0, parse(plainNS+source, func(m *message) { m.ip.Dst = header.SolicitedNode(hostB) })},
		{"NS is another type", header.ErrICMPType, parse(plainNA, nil)},
		{"E02 hop limit 254", header.ErrNDHopLimit, parse(plainNS, func(m *message) { m.ip.HopLimit = 254 })},
		{"E02 hop limit 0", header.ErrNDHopLimit, parse(plainNS, func(m *message) { m.ip.HopLimit = 0 })},
		{"E03 checksum", header.ErrNDChecksum, func() error {
			return reject(header.ParseNeighborSolicitation(badChecksum.ip, badChecksum.icmp))
		}},
		{"E04 code 1", header.ErrNDCode, parse(plainNS, func(m *message) { m.icmp[1] = 1 })},
		{"E05 23 octets", header.ErrNDLength, parse(plainNS, func(m *message) { m.icmp = m.icmp[:23] })},
		{"E05 empty", header.ErrNDLength, parse("", nil)},
		{"E06 multicast target", header.ErrNDTarget, parse(plainNS, func(m *message) { m.icmp[8] = 0xff })},
		{"E07 option of length 0", header.ErrNDOptionZero, parse(plainNS+" 01 00 020000000001", nil)},
		{"E07 unknown option of length 0", header.ErrNDOptionZero, parse(plainNS+source+" fe 00 000000000000", nil)},
		{"E07 option cut off", header.ErrNDOptionTruncated, parse(plainNS+" 01 02 020000000001", nil)},
		{"E07 option of one octet", header.ErrNDOptionTruncated, parse(plainNS+source+" 01", nil)},
		{"E08 from :: to its solicited-node address", 0, parse(plainNS, fromUnspecified)},
		{"E08 from :: to the target", header.ErrNSUnspecifiedDst, parse(plainNS, func(m *message) { m.ip.Src = [16]byte{} })},
		{"E08 from :: to all nodes", header.ErrNSUnspecifiedDst, parse(plainNS, func(m *message) { m.ip.Src, m.ip.Dst = [16]byte{}, header.AllNodes })},
		{"E09 from :: with source", header.ErrNSUnspecifiedLink, parse(plainNS+source, fromUnspecified)},
		{"E10 reserved bits", 0, parse(plainNS, func(m *message) { copy(m.icmp[4:], "\xff\xff\xff\xff") })},
		{"E10 nonce (RFC 7527)", 0, parse(plainNS+nonce+source, nil)},
		{"E10 nonce from ::", 0, parse(plainNS+nonce, fromUnspecified)},
		{"E10 target option from ::", 0, parse(plainNS+target, fromUnspecified)},
		{"E10 unknown option", 0, parse(plainNS+" fd 02 00000000000000000000000000ff", nil)},
		{"E10 target option of another length", 0, parse(plainNS+" 02 02 0000000000000000000000000000"+source, nil)},
		{"E19 source of another length", header.ErrNDLinkOption, parse(plainNS+" 01 02 0200000000010000000000000000", nil)},
		{"E19 second source of another length", header.ErrNDLinkOption, parse(plainNS+source+" 01 02 0200000000010000000000000000", nil)},
	}
}

func advertisementRules() []rule {
	parse := func(s string, edit func(*message)) func() error {
		return func() error {
			m := newMessage(s, edit)
			return reject(header.ParseNeighborAdvertisement(m.ip, m.icmp))
		}
	}
	toAll := func(m *message) { m.ip.Dst = header.AllNodes }
	badChecksum := newMessage(plainNA+target, nil)
	badChecksum.icmp[31] ^= 1
	return []rule{
		{"NA good", 0, parse(plainNA, nil)},
		{"NA good with target", 0, parse(plainNA+target, nil)},
		{"NA is another type", header.ErrICMPType, parse(plainNS, nil)},
		{"E11 hop limit 254", header.ErrNDHopLimit, parse(plainNA, func(m *message) { m.ip.HopLimit = 254 })},
		{"E12 checksum", header.ErrNDChecksum, func() error {
			return reject(header.ParseNeighborAdvertisement(badChecksum.ip, badChecksum.icmp))
		}},
		{"E13 code 1", header.ErrNDCode, parse(plainNA, func(m *message) { m.icmp[1] = 1 })},
		{"E14 23 octets", header.ErrNDLength, parse(plainNA, func(m *message) { m.icmp = m.icmp[:23] })},
		{"E15 multicast target", header.ErrNDTarget, parse(plainNA, func(m *message) { m.icmp[8] = 0xff })},
		{"E16 option of length 0", header.ErrNDOptionZero, parse(plainNA+" 02 00 020000000001", nil)},
		{"E16 unknown option of length 0", header.ErrNDOptionZero, parse(plainNA+target+" fe 00 000000000000", nil)},
		{"E16 option cut off", header.ErrNDOptionTruncated, parse(plainNA+" 02 01 0200000000", nil)},
		{"E17 solicited, to all nodes", header.ErrNASolicited, parse(plainNA+target, toAll)},
		{"E17 solicited, to a solicited-node address", header.ErrNASolicited, parse(plainNA, func(m *message) { m.ip.Dst = header.SolicitedNode(hostA) })},
		{"E17 unsolicited, to all nodes", 0, parse(plainNA+target, func(m *message) { toAll(m); m.icmp[4] = 0x20 })},
		{"E18 from another source than the target", 0, parse(plainNA+target, func(m *message) { m.ip.Src[14] = 7 })},
		{"E10 reserved bits of NA", 0, parse(plainNA, func(m *message) { copy(m.icmp[4:], "\x5f\xff\xff\xff") })},
		{"E10 source option in NA", 0, parse(plainNA+source+target, nil)},
		{"E10 unknown option in NA", 0, parse(plainNA+" fd 01 000000000000"+target, nil)},
		{"E19 target of another length", header.ErrNDLinkOption, parse(plainNA+" 02 03"+" 00000000000000000000000000000000000000000000", nil)},
	}
}

// TestNeighborOptions checks E10 and E19: ignored options do not change the result; of
// several options the first counts.
func TestNeighborOptions(t *testing.T) {
	first, second := header.MAC{2, 0, 0, 0, 0, 1}, " 01 01 02000000000f"
	for name, s := range map[string]string{
		"E19 first of two":    plainNS + source + second,
		"E10 behind a nonce":  plainNS + nonce + source,
		"E10 before a target": plainNS + source + target,
	} {
		m := newMessage(s, nil)
		r, err := header.ParseNeighborSolicitation(m.ip, m.icmp)
		if err != nil || !r.HasSourceLink || r.SourceLink != first || r.Target != hostB {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	m := newMessage(plainNS+target, nil)
	if r, err := header.ParseNeighborSolicitation(m.ip, m.icmp); err != nil || r.HasSourceLink || r.SourceLink != (header.MAC{}) {
		t.Errorf("a target option is a source: %+v, %v", r, err)
	}
	m = newMessage(plainNA+source+target+" 02 01 02000000000f", nil)
	if r, err := header.ParseNeighborAdvertisement(m.ip, m.icmp); err != nil || r.TargetLink != (header.MAC{2, 0, 0, 0, 0, 2}) || !r.HasTargetLink {
		t.Errorf("E19 first of two targets: %+v, %v", r, err)
	}
}

// TestE01NeighborMessagesHaveTheBytesOfTheRFC checks the octets of a solicitation, and
// the flags of an advertisement.
func TestE01NeighborMessagesHaveTheBytesOfTheRFC(t *testing.T) {
	b := make([]byte, 32)
	ns := header.NeighborSolicitation{Target: hostB, HasSourceLink: true, SourceLink: header.MAC{2, 0, 0, 0, 0, 1}}
	ns.Emit(b, hostA, header.SolicitedNode(hostB))
	b[2], b[3] = 0, 0
	if !bytes.Equal(b, fromHex(plainNS+source)) {
		t.Errorf("%x", b)
	}
	for flags, r := range map[byte]header.NeighborAdvertisement{
		0x00: {},
		0x80: {Router: true},
		0x40: {Solicited: true},
		0x20: {Override: true},
		0xe0: {Router: true, Solicited: true, Override: true},
	} {
		r.Target = hostB
		n := r.Emit(b, hostB, hostA)
		if n != header.NeighborSize || b[4] != flags || b[0] != header.ICMPv6NeighborAdvertisement {
			t.Errorf("%+v: %x", r, b[:n])
		}
	}
}

func TestRoundTripSolicitation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, ip := drawSolicitation(t)
		b := bytes.Repeat([]byte{0xee}, 40)
		n := want.Emit(b, ip.Src, ip.Dst)
		got, err := header.ParseNeighborSolicitation(ip, b[:n])
		if err != nil || n != want.Size() || got != want {
			t.Fatalf("%d octets, %+v, %v; want %+v", n, got, err, want)
		}
		again := make([]byte, n)
		if got.Emit(again, ip.Src, ip.Dst); !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x, want %x", again, b[:n])
		}
	})
}

func TestRoundTripAdvertisement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, ip := drawAdvertisement(t)
		b := bytes.Repeat([]byte{0xee}, 40)
		n := want.Emit(b, ip.Src, ip.Dst)
		got, err := header.ParseNeighborAdvertisement(ip, b[:n])
		if err != nil || n != want.Size() || got != want {
			t.Fatalf("%d octets, %+v, %v; want %+v", n, got, err, want)
		}
		again := make([]byte, n)
		if got.Emit(again, ip.Src, ip.Dst); !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x, want %x", again, b[:n])
		}
	})
}

// TestNeighborBitFlip checks that any bit of a message that flips is noticed, and so
// is any of its addresses.
func TestNeighborBitFlip(t *testing.T) {
	good := newMessage(plainNA+target, nil)
	for bit := range len(good.icmp) * 8 {
		b := slices.Clone(good.icmp)
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := header.ParseNeighborAdvertisement(good.ip, b); err == nil {
			t.Errorf("bit %d of octet %d flips unnoticed", bit%8, bit/8)
		}
	}
	for bit := range 256 {
		ip := good.ip
		if bit < 128 {
			ip.Src[bit/8] ^= 1 << (bit % 8)
		} else {
			ip.Dst[bit/8-16] ^= 1 << (bit % 8)
		}
		if _, err := header.ParseNeighborAdvertisement(ip, good.icmp); err == nil {
			t.Errorf("bit %d of the addresses flips unnoticed", bit)
		}
	}
}

// TestK01FragmentedSolicitationIsRefused checks that Neighbor Discovery messages in
// fragments, atomic ones too, are not parsed.
func TestK01FragmentedSolicitationIsRefused(t *testing.T) {
	m := newMessage(plainNS+source, nil)
	m.ip.NextHeader = header.ProtocolFragment
	m.ip.PayloadLen = 8 + len(m.icmp)
	b := make([]byte, header.IPv6Size)
	m.ip.Emit(b)
	b = slices.Concat(b, fromHex("3a00 0000 00000001"), m.icmp)
	if r, _, err := header.ParseIPv6(b); err != header.ErrFragment || r.NextHeader == header.ProtocolICMPv6 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNoAllocsNeighbor(t *testing.T) {
	b, ip := make([]byte, 64), header.IPv6Repr{Src: hostA, Dst: hostB, HopLimit: 255}
	ns := header.NeighborSolicitation{Target: hostB, HasSourceLink: true}
	na := header.NeighborAdvertisement{Target: hostB, HasTargetLink: true}
	noAllocs(t, "NS", func() { header.ParseNeighborSolicitation(ip, b[:ns.Emit(b, ip.Src, ip.Dst)]) })
	noAllocs(t, "NA", func() { header.ParseNeighborAdvertisement(ip, b[:na.Emit(b, ip.Src, ip.Dst)]) })
	noAllocs(t, "a wrong NS", func() { header.ParseNeighborSolicitation(ip, b[:23]) })
}

// BenchmarkNeighborResolution measures the headers of one resolution: a solicitation
// built, an advertisement read.
func BenchmarkNeighborResolution(b *testing.B) {
	buf, answer := make([]byte, 128), make([]byte, 128)
	e := header.EthernetRepr{Type: header.EtherTypeIPv6}
	ip := header.IPv6Repr{Src: hostB, Dst: hostA, NextHeader: header.ProtocolICMPv6, HopLimit: 255, PayloadLen: 32}
	na := header.NeighborAdvertisement{Target: hostB, Solicited: true, HasTargetLink: true}
	at := e.Emit(answer)
	at += ip.Emit(answer[at:])
	at += na.Emit(answer[at:], ip.Src, ip.Dst)
	answer = answer[:at]
	ns := header.NeighborSolicitation{Target: hostB, HasSourceLink: true}
	b.ReportAllocs()
	for b.Loop() {
		at := e.Emit(buf)
		at += ip.Emit(buf[at:])
		ns.Emit(buf[at:], ip.Src, ip.Dst)
		_, packet, err := header.ParseEthernet(answer)
		if err != nil {
			b.Fatal(err)
		}
		got, icmp, err := header.ParseIPv6(packet)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := header.ParseNeighborAdvertisement(got, icmp); err != nil {
			b.Fatal(err)
		}
	}
}
