package header_test

import (
	"bytes"
	"slices"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

var (
	hostA = [16]byte{0: 0xfe, 1: 0x80, 15: 0xa}
	hostB = [16]byte{0: 0xfe, 1: 0x80, 15: 0xb}
)

// seal4 makes the ICMPv4 checksum right, seal6 the ICMPv6 checksum.
func seal4(b []byte) []byte {
	m := header.ICMPv4(b)
	m.SetChecksum(0)
	m.SetChecksum(header.Checksum(m, 0))
	return b
}

func seal6(ip header.IPv6Repr, b []byte) []byte {
	m := header.ICMPv6(b)
	m.SetChecksum(0)
	m.SetChecksum(header.ChecksumICMPv6(ip.Src, ip.Dst, m))
	return b
}

func icmpRules() []rule {
	ip := header.IPv6Repr{Src: hostA, Dst: hostB}
	echo4 := func(s string) func() error {
		return func() error { return reject(header.ParseICMPv4Echo(seal4(fromHex(s)))) }
	}
	echo6 := func(s string) func() error {
		return func() error { return reject(header.ParseICMPv6Echo(ip, seal6(ip, fromHex(s)))) }
	}
	error4 := func(s string) func() error {
		return func() error { return reject(header.ParseICMPv4Error(seal4(fromHex(s)))) }
	}
	error6 := func(s string) func() error {
		return func() error { return reject(header.ParseICMPv6Error(ip, seal6(ip, fromHex(s)))) }
	}
	bad4 := change(seal4(fromHex("0800 0000 0001 0002")), 7, 3)
	bad6 := change(seal6(ip, fromHex("8000 0000 0001 0002")), 7, 3)
	other := header.IPv6Repr{Src: hostA, Dst: [16]byte{15: 1}}
	sealed := seal6(ip, fromHex("8000 0000 0001 0002"))
	return []rule{
		{"ICMPv4 echo request", 0, echo4("0800 0000 0001 0002 11")},
		{"ICMPv4 echo reply", 0, echo4("0000 0000 0001 0002")},
		{"ICMPv4 echo of 7 octets", header.ErrICMPShort, echo4("0800 0000 0001 00")},
		{"ICMPv4 echo checksum", header.ErrICMPChecksum, func() error { return reject(header.ParseICMPv4Echo(bad4)) }},
		{"ICMPv4 not an echo", header.ErrICMPType, echo4("0d00 0000 0001 0002")},
		{"ICMPv4 echo code", header.ErrICMPCode, echo4("0801 0000 0001 0002")},
		{"ICMPv6 echo request", 0, echo6("8000 0000 0001 0002 11")},
		{"ICMPv6 echo reply", 0, echo6("8100 0000 0001 0002")},
		{"ICMPv6 echo of 7 octets", header.ErrICMPShort, echo6("8000 0000 0001 00")},
		{"ICMPv6 echo checksum", header.ErrICMPChecksum, func() error { return reject(header.ParseICMPv6Echo(ip, bad6)) }},
		{"ICMPv6 echo checksum covers addresses", header.ErrICMPChecksum, func() error { return reject(header.ParseICMPv6Echo(other, sealed)) }},
		{"ICMPv6 not an echo", header.ErrICMPType, echo6("8700 0000 0001 0002")},
		{"ICMPv6 echo code", header.ErrICMPCode, echo6("8001 0000 0001 0002")},
		{"ICMPv4 unreachable", 0, error4("0301 0000 0000 0000")},
		{"ICMPv4 error of 7 octets", header.ErrICMPShort, error4("0301 0000 0000 00")},
		{"ICMPv4 error checksum", header.ErrICMPChecksum, func() error { return reject(header.ParseICMPv4Error(bad4)) }},
		{"ICMPv4 not an error", header.ErrICMPType, error4("0800 0000 0000 0000")},
		{"ICMPv6 too big", 0, error6("0200 0000 0000 0500")},
		{"ICMPv6 error of 7 octets", header.ErrICMPShort, error6("0200 0000 0000 05")},
		{"ICMPv6 error checksum", header.ErrICMPChecksum, func() error { return reject(header.ParseICMPv6Error(ip, bad6)) }},
		{"ICMPv6 not an error", header.ErrICMPType, error6("8000 0000 0000 0000")},
	}
}

func TestRoundTripEcho(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawEcho(t)
		ip := drawIPv6Repr(t)
		b := bytes.Repeat([]byte{0xee}, want.Size())
		n := want.EmitICMPv4(b)
		got, err := header.ParseICMPv4Echo(b[:n])
		if err != nil || n != want.Size() || !sameEcho(got, want) {
			t.Fatalf("v4: %d octets, %+v, %v; want %+v", n, got, err, want)
		}
		n = want.EmitICMPv6(b, ip.Src, ip.Dst)
		got, err = header.ParseICMPv6Echo(ip, b[:n])
		if err != nil || n != want.Size() || !sameEcho(got, want) {
			t.Fatalf("v6: %d octets, %+v, %v; want %+v", n, got, err, want)
		}
	})
}

func sameEcho(a, b header.ICMPEchoRepr) bool {
	return a.Reply == b.Reply && a.ID == b.ID && a.Seq == b.Seq && bytes.Equal(a.Payload, b.Payload)
}

// TestEchoInPlace checks that a reply may be made in the buffer of the request, also
// at another offset.
func TestEchoInPlace(t *testing.T) {
	const middle = 16
	for _, shift := range []int{-16, -3, 0, 3, 8, 11} {
		buf := make([]byte, 64)
		request := header.ICMPEchoRepr{ID: 1, Seq: 2, Payload: []byte("the payload of an echo")}
		n := request.EmitICMPv4(buf[middle:])
		got, err := header.ParseICMPv4Echo(buf[middle : middle+n])
		if err != nil {
			t.Fatal(err)
		}
		got.Reply = true
		n = got.EmitICMPv4(buf[middle+shift:])
		if back, err := header.ParseICMPv4Echo(buf[middle+shift : middle+shift+n]); err != nil || !back.Reply || string(back.Payload) != "the payload of an echo" {
			t.Errorf("shift %d: %+v, %v", shift, back, err)
		}
	}
}

func TestRoundTripICMPError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := header.ICMPErrorRepr{
			Kind:     header.ICMPErrorKind(rapid.Uint8Range(0, 2).Draw(t, "kind")),
			Original: drawBytes(t, "original", 0, 60),
		}
		want.Original = slices.Repeat(want.Original, rapid.IntRange(1, 30).Draw(t, "times"))
		switch want.Kind {
		case header.ICMPTooBig:
			want.MTU = rapid.Uint32Range(0, 0xffff).Draw(t, "mtu")
		case header.ICMPUnreachable:
			want.Code = rapid.SampledFrom([]uint8{0, 1, 2, 3, 5, 13}).Draw(t, "code")
		}
		ip := drawIPv6Repr(t)
		b := bytes.Repeat([]byte{0xee}, 2000)
		n := want.EmitICMPv4(b)
		got, err := header.ParseICMPv4Error(b[:n])
		if err != nil || n != want.SizeICMPv4() || n > 576-20 || !sameError(got, want) {
			t.Fatalf("v4: %d octets, %+v, %v; want %+v", n, got, err, want)
		}
		n = want.EmitICMPv6(b, ip.Src, ip.Dst)
		got, err = header.ParseICMPv6Error(ip, b[:n])
		if err != nil || n != want.SizeICMPv6() || n > 1280-40 || !sameError(got, want) {
			t.Fatalf("v6: %d octets, %+v, %v; want %+v", n, got, err, want)
		}
	})
}

// sameError compares all but the end of the original, which a message may cut.
func sameError(a, b header.ICMPErrorRepr) bool {
	return a.Kind == b.Kind && a.Code == b.Code && a.MTU == b.MTU && len(a.Original) >= min(len(b.Original), 548) &&
		bytes.HasPrefix(b.Original, a.Original)
}

// TestICMPErrorLength checks that an error about a long packet fills what it may fill
// and no more: packets of 576 octets over IPv4 and 1,280 over IPv6, IP header
// included.
func TestICMPErrorLength(t *testing.T) {
	b := make([]byte, 2000)
	r := header.ICMPErrorRepr{Kind: header.ICMPTimeExceeded, Original: make([]byte, 1500)}
	if n := r.EmitICMPv4(b); n != 576-header.IPv4Size {
		t.Errorf("v4: %d octets", n)
	}
	if n := r.EmitICMPv6(b, hostA, hostB); n != 1280-header.IPv6Size {
		t.Errorf("v6: %d octets", n)
	}
}

func TestICMPErrorTypes(t *testing.T) {
	b := make([]byte, 64)
	for _, c := range []struct {
		r                          header.ICMPErrorRepr
		type4, code4, type6, code6 uint8
	}{
		{header.ICMPErrorRepr{Kind: header.ICMPUnreachable, Code: header.ICMPv4CodeHost}, 3, 1, 1, 1},
		{header.ICMPErrorRepr{Kind: header.ICMPUnreachable, Code: header.ICMPv6CodeAddress}, 3, 3, 1, 3},
		{header.ICMPErrorRepr{Kind: header.ICMPTooBig, MTU: 1400}, 3, 4, 2, 0},
		{header.ICMPErrorRepr{Kind: header.ICMPTimeExceeded}, 11, 0, 3, 0},
	} {
		c.r.EmitICMPv4(b)
		if m := header.ICMPv4(b); m.Type() != c.type4 || m.Code() != c.code4 {
			t.Errorf("%+v: v4 type %d code %d", c.r, m.Type(), m.Code())
		}
		c.r.EmitICMPv6(b, hostA, hostB)
		if m := header.ICMPv6(b); m.Type() != c.type6 || m.Code() != c.code6 {
			t.Errorf("%+v: v6 type %d code %d", c.r, m.Type(), m.Code())
		}
	}
	big := header.ICMPErrorRepr{Kind: header.ICMPTooBig, MTU: 100000}
	n := big.EmitICMPv4(b)
	if got, err := header.ParseICMPv4Error(b[:n]); err != nil || got.MTU != 65535 {
		t.Errorf("an MTU over 16 bits becomes %d, %v", got.MTU, err)
	}
}

func TestNoAllocsICMP(t *testing.T) {
	b, ip := make([]byte, 128), header.IPv6Repr{Src: hostA, Dst: hostB}
	echo := header.ICMPEchoRepr{Payload: make([]byte, 56)}
	fault := header.ICMPErrorRepr{Kind: header.ICMPTimeExceeded, Original: make([]byte, 56)}
	noAllocs(t, "echo v4", func() { header.ParseICMPv4Echo(b[:echo.EmitICMPv4(b)]) })
	noAllocs(t, "echo v6", func() { header.ParseICMPv6Echo(ip, b[:echo.EmitICMPv6(b, ip.Src, ip.Dst)]) })
	noAllocs(t, "error v4", func() { header.ParseICMPv4Error(b[:fault.EmitICMPv4(b)]) })
	noAllocs(t, "error v6", func() { header.ParseICMPv6Error(ip, b[:fault.EmitICMPv6(b, ip.Src, ip.Dst)]) })
	noAllocs(t, "a wrong echo", func() { header.ParseICMPv4Echo(b[:7]) })
}
