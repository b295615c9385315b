package header_test

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

// ipv4Packet returns a good packet with options of the given length, changed by
// edit before its checksum is made.
func ipv4Packet(options int, payload []byte, edit func(header.IPv4)) []byte {
	p := header.IPv4(append(make([]byte, header.IPv4Size+options), payload...))
	p.SetVersionAndHeaderLength(header.IPv4Size + options)
	p.SetTotalLength(uint16(len(p)))
	p.SetTTL(64)
	p.SetProtocol(header.ProtocolUDP)
	p.SetSrc([4]byte{10, 0, 0, 1})
	p.SetDst([4]byte{10, 0, 0, 2})
	for i := range options {
		p[header.IPv4Size+i] = 1 // no operation
	}
	if edit != nil {
		edit(p)
	}
	length := min(max(p.HeaderLength(), header.IPv4Size), len(p))
	p.SetChecksum(header.Checksum(p[:length], 0))
	return p
}

func ipv4Rules() []rule {
	parse := func(b []byte) func() error {
		return func() error { return rejectPayload(header.ParseIPv4(b)) }
	}
	edited := func(edit func(header.IPv4)) func() error { return parse(ipv4Packet(0, make([]byte, 8), edit)) }
	good := ipv4Packet(0, make([]byte, 8), nil)
	return []rule{
		{"IPv4 good", 0, parse(good)},
		{"IPv4 no payload", 0, parse(ipv4Packet(0, nil, nil))},
		{"IPv4 options", 0, parse(ipv4Packet(40, []byte{1}, nil))},
		{"IPv4 empty", header.ErrIPv4Short, parse(nil)},
		{"IPv4 19 octets", header.ErrIPv4Short, parse(good[:19])},
		{"IPv4 version 6", header.ErrIPv4Version, edited(func(p header.IPv4) { p[0] = 0x65 })},
		{"IPv4 header length 16", header.ErrIPv4HeaderLength, edited(func(p header.IPv4) { p[0] = 0x44 })},
		{"IPv4 header length over the packet", header.ErrIPv4HeaderLength, edited(func(p header.IPv4) { p[0] = 0x4f })},
		{"IPv4 total length under the header's", header.ErrIPv4TotalLength, edited(func(p header.IPv4) { p.SetTotalLength(19) })},
		{"IPv4 total length ends in the options", header.ErrIPv4TotalLength, parse(ipv4Packet(8, nil, func(p header.IPv4) { p.SetTotalLength(27) }))},
		{"IPv4 total length over the packet", header.ErrIPv4TotalLength, edited(func(p header.IPv4) { p.SetTotalLength(29) })},
		{"IPv4 checksum", header.ErrIPv4Checksum, parse(change(good, 11, good[11]+1))},
		{"IPv4 checksum covers options", header.ErrIPv4Checksum, parse(change(ipv4Packet(4, nil, nil), 22, 0))},
		{"IPv4 source 224.0.0.1", header.ErrIPv4Source, edited(func(p header.IPv4) { p.SetSrc([4]byte{224, 0, 0, 1}) })},
		{"IPv4 source 239.255.255.255", header.ErrIPv4Source, edited(func(p header.IPv4) { p.SetSrc([4]byte{239, 255, 255, 255}) })},
		{"IPv4 source 255.255.255.255", header.ErrIPv4Source, edited(func(p header.IPv4) { p.SetSrc([4]byte{255, 255, 255, 255}) })},
		{"IPv4 source 0.0.0.0", 0, edited(func(p header.IPv4) { p.SetSrc([4]byte{}) })},
		{"IPv4 first fragment", header.ErrFragment, edited(func(p header.IPv4) { p.SetFragment(false, true, 0) })},
		{"IPv4 last fragment", header.ErrFragment, edited(func(p header.IPv4) { p.SetFragment(false, false, 8) })},
		{"IPv4 don't fragment", 0, edited(func(p header.IPv4) { p.SetFragment(true, false, 0) })},
		{"IPv4 reserved flag is ignored", 0, edited(func(p header.IPv4) { p[6] |= 0x80 })},
	}
}

func TestIPv4Fields(t *testing.T) {
	// A packet of a Linux ping, with two octets of padding behind it.
	b := fromHex("4508 0020 1c46 4000 40 01 0a8d 0a000001 0a000002 0800f7ff0000000011223344 eeee")
	p := header.IPv4(b)
	p.SetChecksum(0)
	p.SetChecksum(header.Checksum(p[:20], 0))
	want := header.IPv4Repr{
		Src: [4]byte{10, 0, 0, 1}, Dst: [4]byte{10, 0, 0, 2}, Protocol: header.ProtocolICMPv4,
		TTL: 64, TOS: 8, ID: 0x1c46, DontFragment: true, PayloadLen: 12,
	}
	r, payload, err := header.ParseIPv4(b)
	if err != nil || r != want || !bytes.Equal(payload, b[20:32]) {
		t.Errorf("%+v, %x, %v; want %+v", r, payload, err, want)
	}
}

// TestIPv4Payload checks that options and padding are no part of the payload.
func TestIPv4Payload(t *testing.T) {
	b := append(ipv4Packet(8, []byte("data"), nil), "padding"...)
	if r, payload, err := header.ParseIPv4(b); err != nil || string(payload) != "data" || r.PayloadLen != 4 {
		t.Errorf("%+v, %q, %v", r, payload, err)
	}
}

// TestIPv4Fragment checks that a fragment's header is good, so that a router can
// forward it.
func TestIPv4Fragment(t *testing.T) {
	b := ipv4Packet(0, []byte("fragment"), func(p header.IPv4) { p.SetFragment(false, true, 16) })
	r, payload, err := header.ParseIPv4(append(b, "padding"...))
	if err != header.ErrFragment || string(payload) != "fragment" || r.Dst != [4]byte{10, 0, 0, 2} {
		t.Errorf("%+v, %q, %v", r, payload, err)
	}
	if p := header.IPv4(b); p.FragmentOffset() != 16 || !p.MoreFragments() || p.DontFragment() || !p.IsFragment() {
		t.Errorf("%x", b[:20])
	}
}

// ipv6Packet returns a good packet.
func ipv6Packet(next header.Protocol, payload []byte) []byte {
	r := header.IPv6Repr{
		Src: [16]byte{0: 0xfe, 1: 0x80, 15: 1}, Dst: [16]byte{0: 0xfe, 1: 0x80, 15: 2},
		NextHeader: next, HopLimit: 255, PayloadLen: len(payload),
	}
	b := append(make([]byte, r.Size()), payload...)
	r.Emit(b)
	return b
}

func ipv6Rules() []rule {
	parse := func(b []byte) func() error {
		return func() error { return rejectPayload(header.ParseIPv6(b)) }
	}
	good := ipv6Packet(header.ProtocolUDP, make([]byte, 8))
	extension := func(first header.Protocol, payload string) func() error {
		return parse(ipv6Packet(first, fromHex(payload)))
	}
	const hop, routing, fragment, options = header.ProtocolHopByHop, header.ProtocolRouting, header.ProtocolFragment, header.ProtocolDestinationOptions
	return []rule{
		{"IPv6 good", 0, parse(good)},
		{"IPv6 no payload", 0, parse(ipv6Packet(header.ProtocolNoNextHeader, nil))},
		{"IPv6 empty", header.ErrIPv6Short, parse(nil)},
		{"IPv6 39 octets", header.ErrIPv6Short, parse(good[:39])},
		{"IPv6 version 4", header.ErrIPv6Version, parse(change(good, 0, 0x45))},
		{"IPv6 payload length over the packet", header.ErrIPv6PayloadLength, parse(good[:47])},
		{"IPv6 multicast source", header.ErrIPv6Source, parse(change(good, 8, 0xff))},
		{"IPv6 hop-by-hop with router alert", 0, extension(hop, "3a00 05020000 0100 8000")},
		{"IPv6 pad 1 and pad N", 0, extension(options, "1101 00 00 010a 00000000000000000000 1122")},
		{"IPv6 routing header, used up", 0, extension(routing, "1100 0000 00000000 1122")},
		{"IPv6 three extension headers", 0, extension(hop, "3c00 010400000000 2b00 010400000000 1100 0400 00000000 11")},
		{"IPv6 extension header without octets", header.ErrIPv6Extension, extension(hop, "")},
		{"IPv6 extension header of 7 octets", header.ErrIPv6Extension, extension(options, "11000104000000")},
		{"IPv6 extension header over the packet", header.ErrIPv6Extension, extension(options, "11010104000000001122334455")},
		{"IPv6 hop-by-hop second", header.ErrIPv6Extension, extension(options, "0000 010400000000 1100 010400000000")},
		{"IPv6 option over its header", header.ErrIPv6Option, extension(hop, "1100 010500000000 11")},
		{"IPv6 option without a length", header.ErrIPv6Option, extension(hop, "1100 0103000000 05 11")},
		{"IPv6 unknown option, to be skipped", 0, extension(hop, "1100 3e0400000000 11")},
		{"IPv6 unknown option, to be discarded", header.ErrIPv6Option, extension(hop, "1100 7e0400000000 11")},
		{"IPv6 unknown option, to be reported", header.ErrIPv6Option, extension(options, "1100 be0400000000 11")},
		{"IPv6 jumbo payload", header.ErrIPv6Option, extension(hop, "1100 c20400010000 11")},
		{"IPv6 routing header with segments left", header.ErrIPv6Routing, extension(routing, "1100 0001 00000000 11")},
		{"K01 fragment header", header.ErrFragment, extension(fragment, "3a00 0001 00000001 8700")},
		{"K01 atomic fragment", header.ErrFragment, extension(fragment, "3a00 0000 00000001 8700")},
		{"K01 fragment header behind destination options", header.ErrFragment, extension(options, "2c00 010400000000 3a00 0000 00000001 8700")},
	}
}

func TestIPv6Fields(t *testing.T) {
	b := fromHex("6a5 12345 0007 00 40 fe800000000000000000000000000001 20010db8000000000000000000000002")
	b = append(b, fromHex("1122")...)
	b[5] = 10 // hop-by-hop options and two octets
	b = slices.Insert(b, 40, fromHex("1100 010400000000")...)
	b = append(b, "padding"...)
	want := header.IPv6Repr{
		Src: [16]byte{0: 0xfe, 1: 0x80, 15: 1}, Dst: [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 2},
		NextHeader: header.ProtocolUDP, HopLimit: 64, TrafficClass: 0xa5, FlowLabel: 0x12345, PayloadLen: 2,
	}
	r, payload, err := header.ParseIPv6(b)
	if err != nil || r != want || !bytes.Equal(payload, []byte{0x11, 0x22}) {
		t.Errorf("%+v, %x, %v; want %+v", r, payload, err, want)
	}
	p := header.IPv6(b)
	if p.Version() != 6 || p.TrafficClass() != 0xa5 || p.FlowLabel() != 0x12345 || p.PayloadLength() != 10 ||
		p.NextHeader() != header.ProtocolHopByHop || p.HopLimit() != 64 || p.Src() != want.Src || p.Dst() != want.Dst || len(p.Payload()) != 17 {
		t.Errorf("the view reads %x otherwise", b)
	}
}

func TestRoundTripIPv4(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawIPv4Repr(t)
		b := append(make([]byte, want.Size()), drawBytes(t, "payload", want.PayloadLen, want.PayloadLen)...)
		if n := want.Emit(b); n != want.Size() {
			t.Fatalf("Emit wrote %d octets, Size is %d", n, want.Size())
		}
		padded := append(slices.Clone(b), drawBytes(t, "padding", 0, 20)...)
		got, payload, err := header.ParseIPv4(padded)
		if err != nil || got != want || !bytes.Equal(payload, b[header.IPv4Size:]) {
			t.Fatalf("%+v, %x, %v; want %+v", got, payload, err, want)
		}
		again := slices.Clone(b)
		for i := range header.IPv4Size {
			again[i] = 0xee
		}
		if got.Emit(again); !bytes.Equal(again, b) {
			t.Fatalf("%x, want %x", again, b)
		}
	})
}

func TestRoundTripIPv6(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawIPv6Repr(t)
		b := append(make([]byte, want.Size()), drawBytes(t, "payload", want.PayloadLen, want.PayloadLen)...)
		if n := want.Emit(b); n != want.Size() {
			t.Fatalf("Emit wrote %d octets, Size is %d", n, want.Size())
		}
		padded := append(slices.Clone(b), drawBytes(t, "padding", 0, 20)...)
		got, payload, err := header.ParseIPv6(padded)
		if err != nil || got != want || !bytes.Equal(payload, b[header.IPv6Size:]) {
			t.Fatalf("%+v, %x, %v; want %+v", got, payload, err, want)
		}
		again := slices.Clone(b)
		for i := range header.IPv6Size {
			again[i] = 0xee
		}
		if got.Emit(again); !bytes.Equal(again, b) {
			t.Fatalf("%x, want %x", again, b)
		}
	})
}

// TestIPv4BitFlip checks that any bit of an IPv4 header that flips is noticed.
func TestIPv4BitFlip(t *testing.T) {
	good := ipv4Packet(0, []byte("payload"), nil)
	for bit := range header.IPv4Size * 8 {
		b := slices.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		if _, _, err := header.ParseIPv4(b); err == nil {
			t.Errorf("bit %d of octet %d flips unnoticed", bit%8, bit/8)
		}
	}
}

func TestEmitPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"IPv4 payload over 65,515":     func() { header.IPv4Repr{PayloadLen: 65516}.Emit(make([]byte, 20)) },
		"IPv4 negative payload length": func() { header.IPv4Repr{PayloadLen: -21}.Emit(make([]byte, 20)) },
		"IPv6 payload over 65,535":     func() { header.IPv6Repr{PayloadLen: 65536}.Emit(make([]byte, 40)) },
		"UDP payload over 65,527":      func() { header.UDPRepr{PayloadLen: 65528}.EmitUDPv4(make([]byte, 70000), [4]byte{}, [4]byte{}) },
		"Ethernet buffer of 13 octets": func() { header.EthernetRepr{}.Emit(make([]byte, 13)) },
		"ARP buffer of 27 octets":      func() { header.ARPRepr{}.Emit(make([]byte, 27)) },
		"IPv4 buffer of 19 octets":     func() { header.IPv4Repr{}.Emit(make([]byte, 19)) },
		"UDP buffer without payload":   func() { header.UDPRepr{PayloadLen: 1}.EmitUDPv4(make([]byte, 8), [4]byte{}, [4]byte{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestNoAllocsNetwork(t *testing.T) {
	b := make([]byte, 128)
	four, six := ipv4Packet(4, []byte("payload"), nil), ipv6Packet(header.ProtocolHopByHop, fromHex("3a00 05020000 0100 8000"))
	fragment := ipv6Packet(header.ProtocolFragment, make([]byte, 8))
	r4, _, err4 := header.ParseIPv4(four)
	r6, _, err6 := header.ParseIPv6(six)
	if err4 != nil || err6 != nil {
		t.Fatal(err4, err6)
	}
	noAllocs(t, "ParseIPv4", func() { header.ParseIPv4(four) })
	noAllocs(t, "ParseIPv4, error", func() { header.ParseIPv4(four[:22]) })
	noAllocs(t, "IPv4Repr.Emit", func() { r4.Emit(b) })
	noAllocs(t, "ParseIPv6", func() { header.ParseIPv6(six) })
	noAllocs(t, "ParseIPv6, error", func() { header.ParseIPv6(fragment) })
	noAllocs(t, "IPv6Repr.Emit", func() { r6.Emit(b) })
}
