package header

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestUntaggedAdvertIsWhatParsersFind checks that whatever it takes, the parsers take
// too and read the same; it takes every usual answer.
func TestUntaggedAdvertIsWhatParsersFind(t *testing.T) {
	taken, usual := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		other := rapid.Bool().Draw(t, "other") // than answers are
		na := NeighborAdvertisement{Router: rapid.Bool().Draw(t, "R"), Solicited: !other || rapid.Bool().Draw(t, "S"), Override: rapid.Bool().Draw(t, "O"),
			Target: [16]byte{0x20, 1, 15: 7}, TargetLink: MAC{2, 0, 0, 0, 0, 7}, HasTargetLink: !other || rapid.Bool().Draw(t, "option")}
		src, dst := [16]byte{0xfe, 0x80, 15: 7}, [16]byte{0x20, 1, 15: 1}
		frame := make([]byte, 120)
		n := EthernetRepr{Dst: MAC{2, 1}, Src: MAC{2, 2}, Type: EtherTypeIPv6}.Emit(frame)
		n += IPv6Repr{Src: src, Dst: dst, NextHeader: ProtocolICMPv6, HopLimit: NeighborHopLimit, PayloadLen: na.Size()}.Emit(frame[n:])
		n += na.Emit(frame[n:], src, dst)
		change := 4
		if other {
			change = rapid.IntRange(0, 4).Draw(t, "change")
		}
		switch at := rapid.IntRange(0, n-1).Draw(t, "octet"); change {
		case 0:
			frame[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			frame[at] = 0xff
			rewriteChecksum(frame)
		case 2:
			frame[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			rewriteChecksum(frame)
		case 3:
			n = rapid.IntRange(0, n).Draw(t, "length")
		}
		frame = frame[:n+rapid.IntRange(0, 120-n).Draw(t, "trailer")*change/4]
		got := UntaggedAdvert(frame)
		if change == 4 && na.Solicited && na.HasTargetLink {
			if usual++; got == nil {
				t.Fatalf("not taken: %x", frame)
			}
		}
		if got == nil {
			return
		}
		taken++
		eth, payload, err := ParseEthernet(frame)
		if err != nil || eth.NumTags > 0 {
			t.Fatalf("Ethernet: %v, %d tags: %x", err, eth.NumTags, frame)
		}
		ip, payload, err := ParseIPv6(payload)
		if err != nil {
			t.Fatalf("IPv6: %v: %x", err, frame)
		}
		want, err := ParseNeighborAdvertisement(ip, payload)
		if err != nil || !want.Solicited || !want.HasTargetLink {
			t.Fatalf("advertisement: %+v, %v: %x", want, err, frame)
		}
		read := NeighborAdvertisement{Router: got.Router(), Solicited: true, Override: got.Override(),
			Target: got.Target(), TargetLink: got.TargetLink(), HasTargetLink: true}
		if read != want || got.Dst() != ip.Dst {
			t.Fatalf("%+v to %x, the parsers say %+v to %x", read, got.Dst(), want, ip.Dst)
		}
	})
	if taken == 0 || usual == 0 {
		t.Errorf("%d taken, %d usual ones", taken, usual)
	}
}

// rewriteChecksum makes the checksum of an ICMPv6 message right again.
func rewriteChecksum(frame []byte) {
	packet := frame[EthernetSize:]
	if end := IPv6Size + int(IPv6(packet).PayloadLength()); end <= len(packet) && end >= IPv6Size+4 {
		m := packet[IPv6Size:end]
		ICMPv6(m).SetChecksum(0)
		ICMPv6(m).SetChecksum(ChecksumICMPv6([16]byte(packet[8:24]), [16]byte(packet[24:40]), m))
	}
}

// TestEmitPacketIsHeaderAndMessage checks that one pass over the packet writes what
// the two reprs write apart.
func TestEmitPacketIsHeaderAndMessage(t *testing.T) {
	address := rapid.Custom(func(t *rapid.T) (a [16]byte) {
		copy(a[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		src, dst, target := address.Draw(t, "src"), address.Draw(t, "dst"), address.Draw(t, "target")
		mac, option := MAC(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac")), rapid.Bool().Draw(t, "option")
		header := IPv6Repr{Src: src, Dst: dst, NextHeader: ProtocolICMPv6, HopLimit: NeighborHopLimit}
		got, want := bytes.Repeat([]byte{0xee}, 100), bytes.Repeat([]byte{0xee}, 100)
		var n, m int
		if rapid.Bool().Draw(t, "solicitation") {
			r := NeighborSolicitation{Target: target, SourceLink: mac, HasSourceLink: option}
			n = r.EmitPacket(got, &src, &dst)
			header.PayloadLen = r.Size()
			m = header.Emit(want)
			m += r.Emit(want[m:], src, dst)
		} else {
			r := NeighborAdvertisement{Router: rapid.Bool().Draw(t, "R"), Solicited: rapid.Bool().Draw(t, "S"), Override: rapid.Bool().Draw(t, "O"),
				Target: target, TargetLink: mac, HasTargetLink: option}
			n = r.EmitPacket(got, &src, &dst)
			header.PayloadLen = r.Size()
			m = header.Emit(want)
			m += r.Emit(want[m:], src, dst)
		}
		if n != m || !bytes.Equal(got, want) {
			t.Fatalf("%d octets\n%x, want %d\n%x", n, got, m, want)
		}
	})
}
