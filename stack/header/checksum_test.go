package header_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"glean/stack/header"
	"pgregory.net/rapid"
)

// slowSum is the definition of RFC 1071, read aloud: 16-bit words added with
// the carry brought around.
func slowSum(b []byte, initial uint16) uint16 {
	sum := uint32(initial)
	for i := 0; i < len(b); i += 2 {
		word := uint32(b[i]) << 8
		if i+1 < len(b) {
			word |= uint32(b[i+1])
		}
		sum += word
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	return uint16(sum)
}

func TestChecksumKnown(t *testing.T) {
	// The example of RFC 1071 section 3.
	if got := header.Sum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 0); got != 0xddf2 {
		t.Errorf("sum %#x, want 0xddf2", got)
	}
	// The example of RFC 1624 section 4: a field goes from 0x5555 to 0x3285.
	if got := header.UpdateChecksum(0xdd2f, 0x5555, 0x3285); got != 0x0000 {
		t.Errorf("updated checksum %#x, want 0", got)
	}
	if got := header.Checksum(nil, 0); got != 0xffff {
		t.Errorf("checksum of nothing is %#x", got)
	}
}

func TestSumIsTheSlowSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBytes(t, "bytes", 0, 200)
		if rapid.Bool().Draw(t, "ones") {
			for i := range b {
				b[i] = 0xff // carries everywhere
			}
		}
		initial := rapid.Uint16().Draw(t, "initial")
		if got, want := header.Sum(b, initial), slowSum(b, initial); got != want {
			t.Fatalf("Sum(%x, %#x) = %#x, want %#x", b, initial, got, want)
		}
		if header.Checksum(b, initial) != ^header.Sum(b, initial) {
			t.Fatal("Checksum is not the complement of Sum")
		}
		cut := rapid.IntRange(0, len(b)/2).Draw(t, "cut") * 2
		if got, want := header.Sum(b[cut:], header.Sum(b[:cut], initial)), header.Sum(b, initial); got != want {
			t.Fatalf("in two pieces %#x, in one %#x", got, want)
		}
		if got, want := header.AddSums(header.Sum(b[:cut], initial), header.Sum(b[cut:], 0)), header.Sum(b, initial); got != want {
			t.Fatalf("two pieces added %#x, in one %#x", got, want)
		}
	})
}

func TestSumOfManyOnes(t *testing.T) {
	b := slices.Repeat([]byte{0xff}, 65536)
	if got := header.Sum(b, 0xffff); got != 0xffff {
		t.Errorf("sum %#x, want 0xffff", got)
	}
}

func TestUpdateChecksum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBytes(t, "bytes", 2, 64)
		b = b[:len(b)/2*2]
		b[len(b)-1] |= 1 // not all zero, before or after
		at := rapid.IntRange(0, len(b)/2-1).Draw(t, "at") * 2
		size := rapid.IntRange(0, (len(b)-1-at)/2).Draw(t, "size") * 2
		before := header.Checksum(b, 0)
		from := header.Sum(b[at:at+size], 0)
		copy(b[at:at+size], drawBytes(t, "to", size, size))
		to := header.Sum(b[at:at+size], 0)
		if got, want := header.UpdateChecksum(before, from, to), header.Checksum(b, 0); got != want {
			t.Fatalf("updated %#x, calculated %#x", got, want)
		}
	})
}

func TestPseudoHeaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := header.Protocol(rapid.Uint8().Draw(t, "protocol"))
		length := rapid.IntRange(0, 65535).Draw(t, "length")

		src4, dst4 := drawIPv4(t, "src"), drawIPv4(t, "dst")
		pseudo4 := slices.Concat(src4[:], dst4[:], []byte{0, byte(p)}, binary.BigEndian.AppendUint16(nil, uint16(length)))
		if got, want := header.SumIPv4Pseudo(src4, dst4, p, length), slowSum(pseudo4, 0); got != want {
			t.Fatalf("IPv4: %#x, want %#x", got, want)
		}
		src6, dst6 := drawIPv6(t, "src"), drawIPv6(t, "dst")
		pseudo6 := slices.Concat(src6[:], dst6[:], binary.BigEndian.AppendUint32(nil, uint32(length)), []byte{0, 0, 0, byte(p)})
		if got, want := header.SumIPv6Pseudo(src6, dst6, p, length), slowSum(pseudo6, 0); got != want {
			t.Fatalf("IPv6: %#x, want %#x", got, want)
		}
	})
}

// TestDecrementTTL checks the checksum of DecrementTTL against a new calculation, for
// every header.
func TestDecrementTTL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawIPv4Repr(t)
		r.TTL = max(r.TTL, 1)
		b, want := make([]byte, r.Size()), make([]byte, r.Size())
		r.Emit(b)
		header.IPv4(b).DecrementTTL()
		r.TTL--
		r.Emit(want)
		if !slices.Equal(b, want) {
			t.Fatalf("%x, want %x", b, want)
		}
	})
}

// TestUDPUpdateChecksum checks that a datagram's checksum after a change of address
// and port is the one a new calculation gives, and one without a checksum stays
// without.
func TestUDPUpdateChecksum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, dst := drawIPv4(t, "src"), drawIPv4(t, "dst")
		payload := drawBytes(t, "payload", 0, 9)
		r := header.UDPRepr{SrcPort: rapid.Uint16().Draw(t, "port"), DstPort: 9, PayloadLen: len(payload)}
		b := append(make([]byte, header.UDPSize), payload...)
		r.EmitUDPv4(b, src, dst)
		u := header.UDP(b)

		moved, port := drawIPv4(t, "moved"), rapid.Uint16().Draw(t, "new port")
		u.UpdateChecksum(header.Sum(src[:], 0), header.Sum(moved[:], 0))
		u.UpdateChecksum(u.SrcPort(), port)
		u.SetSrcPort(port)
		want := slices.Clone(b)
		r.SrcPort = port
		r.EmitUDPv4(want, moved, dst)
		if !slices.Equal(b, want) {
			t.Fatalf("%x, want %x", b, want)
		}
		u.SetChecksum(0)
		if u.UpdateChecksum(1, 2); u.Checksum() != 0 {
			t.Fatal("a checksum came from nowhere")
		}
	})
}

func BenchmarkChecksum(b *testing.B) {
	for _, size := range []int{20, 64, 1500} {
		buf := slices.Repeat([]byte{0xa5}, size)
		b.Run(map[int]string{20: "20", 64: "64", 1500: "1500"}[size], func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				header.Checksum(buf, 0)
			}
		})
	}
}
