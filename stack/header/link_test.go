package header_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

// fromHex reads hexadecimal with blanks.
func fromHex(s string) []byte {
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	untagged = "020000000001 020000000002 0806 aabb"
	tagged   = "020000000001 020000000002 8100 b064 0806 aabb"
	doubly   = "020000000001 020000000002 88a8 0001 8100 0002 0800 aabb"
)

func ethernetRules() []rule {
	parse := func(s string) func() error {
		return func() error { return rejectPayload(header.ParseEthernet(fromHex(s))) }
	}
	return []rule{
		{"ethernet good", 0, parse(untagged)},
		{"ethernet good without payload", 0, parse("020000000001 020000000002 0806")},
		{"ethernet one tag", 0, parse(tagged)},
		{"ethernet two tags", 0, parse(doubly)},
		{"ethernet empty", header.ErrEthernetShort, parse("")},
		{"ethernet 13 octets", header.ErrEthernetShort, parse("020000000001 020000000002 08")},
		{"ethernet tag cut off", header.ErrEthernetShort, parse("020000000001 020000000002 8100 b06408")},
		{"ethernet second tag cut off", header.ErrEthernetShort, parse("020000000001 020000000002 88a8 0001 8100 0002")},
		{"ethernet three tags", header.ErrVLANDepth, parse("020000000001 020000000002 88a8 0001 8100 0002 8100 0003 0800")},
		{"ethernet 802.3 length", header.ErrEthernetLength, parse("0180c2000000 020000000002 0026 424203")},
		{"ethernet 802.3 length behind a tag", header.ErrEthernetLength, parse("0180c2000000 020000000002 8100 0001 05ff 42")},
	}
}

func TestEthernetFields(t *testing.T) {
	r, payload, err := header.ParseEthernet(fromHex(doubly))
	want := header.EthernetRepr{
		Dst: header.MAC{2, 0, 0, 0, 0, 1}, Src: header.MAC{2, 0, 0, 0, 0, 2},
		Tags:    [2]header.VLAN{{TPID: header.EtherTypeQinQ, ID: 1}, {TPID: header.EtherTypeVLAN, ID: 2}},
		NumTags: 2, Type: header.EtherTypeIPv4,
	}
	if err != nil || r != want || !bytes.Equal(payload, []byte{0xaa, 0xbb}) {
		t.Errorf("%+v, payload %x, %v; want %+v", r, payload, err, want)
	}
	r, _, err = header.ParseEthernet(fromHex(tagged))
	if tag := (header.VLAN{TPID: header.EtherTypeVLAN, ID: 100, Priority: 5, DropEligible: true}); err != nil || r.Tags[0] != tag || r.NumTags != 1 {
		t.Errorf("tag %+v, %v; want %+v", r.Tags[0], err, tag)
	}
	if got := header.EtherTypeARP.String(); got != "0x0806" {
		t.Errorf("EtherType is %q", got)
	}
}

// TestEthernetEmitTag checks that a tag without a TPID is a customer tag, and that bits
// that a tag does not have cannot spill into others.
func TestEthernetEmitTag(t *testing.T) {
	r := header.EthernetRepr{Tags: [2]header.VLAN{{ID: 0xf064, Priority: 0xfd}}, NumTags: 1, Type: header.EtherTypeARP}
	b := make([]byte, r.Size())
	if n := r.Emit(b); n != 18 || !bytes.Equal(b[12:], fromHex("8100 a064 0806")) {
		t.Errorf("%d octets, %x", n, b)
	}
}

func TestEthernetViews(t *testing.T) {
	b := make([]byte, 20)
	e := header.Ethernet(b)
	e.SetDst(header.MAC{1, 2, 3, 4, 5, 6})
	e.SetSrc(header.MAC{7, 8, 9, 10, 11, 12})
	e.SetType(header.EtherTypeVLAN)
	d := header.Dot1Q(e.Payload())
	d.SetPriority(5)
	d.SetDropEligible(true)
	d.SetID(0xf123)
	d.SetType(header.EtherTypeIPv6)
	d.Payload()[0] = 0x60
	if !bytes.Equal(b, fromHex("010203040506 0708090a0b0c 8100 b123 86dd 6000")) {
		t.Errorf("%x", b)
	}
	d.SetPriority(0xfa)
	d.SetDropEligible(false)
	if d.ID() != 0x123 || d.Priority() != 2 || d.DropEligible() || d.Type() != header.EtherTypeIPv6 {
		t.Errorf("%x", b)
	}
}

const (
	request = "0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001"
	reply   = "0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002"
)

func arpRules() []rule {
	good := fromHex(request)
	parse := func(b []byte) func() error {
		return func() error { return reject(header.ParseARP(b)) }
	}
	return []rule{
		{"ARP good request", 0, parse(good)},
		{"ARP good reply", 0, parse(fromHex(reply))},
		{"A01 hardware type", header.ErrARPHardware, parse(change(good, 1, 6))},
		{"A01 protocol type", header.ErrARPProtocol, parse(change(good, 3, 1))},
		{"A01 hardware size", header.ErrARPHardwareSize, parse(change(good, 4, 8))},
		{"A01 protocol size", header.ErrARPProtocolSize, parse(change(good, 5, 16))},
		{"A05 any target hardware address", 0, parse(change(good, 18, 0xff))},
		{"A06 opcode 0", header.ErrARPOperation, parse(change(good, 7, 0))},
		{"A06 opcode 3 (RARP)", header.ErrARPOperation, parse(change(good, 7, 3))},
		{"A06 opcode 0x0101", header.ErrARPOperation, parse(change(good, 6, 1))},
		{"A06 27 octets", header.ErrARPShort, parse(good[:27])},
		{"A06 empty", header.ErrARPShort, parse(nil)},
		{"A06 padded to 46 octets", 0, parse(append(slices.Clone(good), make([]byte, 18)...))},
		{"A06 trailing octets (frame of 70)", 0, parse(append(slices.Clone(good), bytes.Repeat([]byte{0xee}, 28)...))},
	}
}

func TestARPFields(t *testing.T) {
	want := header.ARPRepr{
		Op:        header.ARPReply,
		SenderMAC: header.MAC{2, 0, 0, 0, 0, 1}, SenderIP: [4]byte{10, 0, 0, 1},
		TargetMAC: header.MAC{2, 0, 0, 0, 0, 2}, TargetIP: [4]byte{10, 0, 0, 2},
	}
	if r, err := header.ParseARP(fromHex(reply)); err != nil || r != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
}

// TestA10SenderMACIsThatOfThePacket checks that the sender's MAC is the field's,
// whatever the Ethernet source is.
func TestA10SenderMACIsThatOfThePacket(t *testing.T) {
	e := header.EthernetRepr{Src: header.MAC{2, 9, 9, 9, 9, 9}, Type: header.EtherTypeARP}
	frame := make([]byte, e.Size())
	e.Emit(frame)
	r, payload, err := header.ParseEthernet(append(frame, fromHex(request)...))
	if err != nil {
		t.Fatal(err)
	}
	a, err := header.ParseARP(payload)
	if want := (header.MAC{2, 0, 0, 0, 0, 2}); err != nil || a.SenderMAC != want || a.SenderMAC == r.Src {
		t.Errorf("sender %v, Ethernet source %v, %v", a.SenderMAC, r.Src, err)
	}
}

func TestRoundTripEthernet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawEthernetRepr(t)
		payload := drawBytes(t, "payload", 0, 60)
		b := append(make([]byte, want.Size()), payload...)
		if n := want.Emit(b); n != want.Size() {
			t.Fatalf("Emit wrote %d octets, Size is %d", n, want.Size())
		}
		got, rest, err := header.ParseEthernet(b)
		if err != nil || got != want || !bytes.Equal(rest, payload) {
			t.Fatalf("%+v, %x, %v; want %+v, %x", got, rest, err, want, payload)
		}
		again := slices.Clone(b)
		clear(again[:want.Size()])
		if got.Emit(again); !bytes.Equal(again, b) {
			t.Fatalf("%x, want %x", again, b)
		}
	})
}

func TestRoundTripARP(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawARPRepr(t)
		b := bytes.Repeat([]byte{0xee}, header.ARPSize+4)
		if n := want.Emit(b); n != want.Size() || !bytes.Equal(b[n:], []byte{0xee, 0xee, 0xee, 0xee}) {
			t.Fatalf("Emit wrote %d octets, %x", n, b)
		}
		got, err := header.ParseARP(b)
		if err != nil || got != want {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
		a := header.ARP(b)
		if a.Op() != want.Op || a.SenderMAC() != want.SenderMAC || a.TargetIP() != want.TargetIP {
			t.Fatalf("the view reads %v %v %v", a.Op(), a.SenderMAC(), a.TargetIP())
		}
	})
}

func TestNoAllocsLink(t *testing.T) {
	frame, b := fromHex(doubly), make([]byte, 64)
	e, _, err := header.ParseEthernet(frame)
	if err != nil {
		t.Fatal(err)
	}
	a, err := header.ParseARP(fromHex(request))
	if err != nil {
		t.Fatal(err)
	}
	packet, bad := fromHex(request), change(fromHex(request), 7, 9)
	noAllocs(t, "ParseEthernet", func() { header.ParseEthernet(frame) })
	noAllocs(t, "ParseEthernet, error", func() { header.ParseEthernet(frame[:13]) })
	noAllocs(t, "EthernetRepr.Emit", func() { e.Emit(b) })
	noAllocs(t, "ParseARP", func() { header.ParseARP(packet) })
	noAllocs(t, "ParseARP, error", func() { header.ParseARP(bad) })
	noAllocs(t, "ARPRepr.Emit", func() { a.Emit(b) })
}

// BenchmarkARPResolution measures the headers of one resolution: an ARP request built,
// its reply read.
func BenchmarkARPResolution(b *testing.B) {
	e := header.EthernetRepr{Dst: header.Broadcast, Src: header.MAC{2}, Type: header.EtherTypeARP}
	r := header.ARPRepr{Op: header.ARPRequest, SenderMAC: header.MAC{2}}
	buf := make([]byte, 64)
	answer := append(fromHex("020000000002 020000000001 0806"), fromHex(reply)...)
	b.ReportAllocs()
	for b.Loop() {
		r.Emit(buf[e.Emit(buf):])
		_, payload, err := header.ParseEthernet(answer)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := header.ParseARP(payload); err != nil {
			b.Fatal(err)
		}
	}
}
