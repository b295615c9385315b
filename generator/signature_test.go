package generator

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/header"
	"glean/stack/loop"
)

func TestSignature(t *testing.T) {
	raw := config(perMillisecond, definitionOf(`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"},`+items("zip", sequenceOf("source", "ipv4", "10.0.0.1", 3))+`},{"udp":{}}`, "",
		`,"length":{"list":[64,128,129,1518]},"signature":{"stream_id":70001,"latency":"end_of_frame","fill":{"prbs":true}}`))
	p := mustCompile(t, raw, onLink())
	resolveAll(p)
	const epoch = 1_700_000_000_000_000_000
	r := NewRun(p, RunOptions{Epoch: epoch})
	q := &recorder{room: -1}
	at, _ := steps(t, r, q, 0, loop.Time(100*loop.Millisecond))
	for i, f := range q.frames {
		judge(t, f)
		s, ok := ReadSignature(f)
		want := Signed{Stream: 70001&0xffff<<16 | uint32(i%3+1), Sequence: uint32(i / 3), Time: epoch + uint64(at[i]), EndOfFrame: true, PRBS: true}
		if !ok || s != want {
			t.Fatalf("frame %d: %+v, not %+v", i, s, want)
		}
		if stream, ok := p.FlowStream(uint64(i % 3)); !ok || stream != s.Stream {
			t.Errorf("flow %d has stream %x", i%3, stream)
		}
		if payload := f[42:max(len(f)-SignatureSize, 42)]; !bytes.Equal(payload, prbs(len(payload))) {
			t.Fatalf("frame %d: payload % x", i, payload)
		}
	}
	if len(q.frames) < 100 {
		t.Fatal(len(q.frames))
	}
}

// TestPRBS: the sequence obeys its polynomial, and runs through its whole
// period.
func TestPRBS(t *testing.T) {
	b := prbs(1 << 20)
	bit := func(i int) byte { return b[i/8]>>(7-i%8)&1 ^ 1 }
	for i := 23; i < len(b)*8; i++ {
		if bit(i) != bit(i-23)^bit(i-18) {
			t.Fatalf("bit %d", i)
		}
	}
}

func TestShortFramesWithSignature(t *testing.T) {
	for _, c := range []struct {
		protocols string
		length    int
		fits      bool
	}{
		{`{"ethernet":{}},{"ipv4":{}},{"udp":{}}`, 64, true},
		{`{"ethernet":{}},{"ipv4":{}},{"tcp":{}}`, 64, true},
		{`{"ethernet":{}},{"vlan":{}},{"ipv4":{}},{"udp":{}}`, 64, true},
		{`{"ethernet":{}},{"ipv6":{}},{"udp":{}}`, 78, true},
		{`{"ethernet":{}},{"ipv6":{}},{"udp":{}}`, 77, false},
		{`{"ethernet":{}},{"ipv6":{}},{"udp":{}}`, 64, false},
		{`{"ethernet":{}}`, 64, true},
	} {
		parsed, faults := ParseConfig([]byte(config(perMillisecond, definitionOf(c.protocols, "", fmt.Sprintf(`,"length":{"fixed":%d},"signature":{"stream_id":1,"latency":"start_of_frame"}`, c.length)))))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		p, faults := Compile(parsed, Binding{})
		if (len(faults) == 0) != c.fits {
			t.Errorf("%s %d: %v", c.protocols, c.length, faults)
			continue
		}
		if !c.fits {
			continue
		}
		for _, f := range send(t, NewRun(p, RunOptions{}), 100) {
			if _, ok := ReadSignature(f); !ok || len(f) != c.length-4 {
				t.Fatalf("%s: no signature in % x", c.protocols, f)
			}
		}
	}
	// A receiver that sums the datagram finds it right, though the signature
	// covers the checksum.
	p := mustCompile(t, config(perMillisecond, definitionOf(`{"ethernet":{}},{"ipv4":{"source":"10.0.0.1","destination":"10.0.0.2"}},{"udp":{}}`, "",
		`,"length":{"fixed":64},"signature":{"stream_id":1,"latency":"start_of_frame"}`)), Binding{})
	for _, f := range send(t, NewRun(p, RunOptions{}), 100) {
		pseudo := header.SumIPv4Pseudo([4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, header.ProtocolUDP, 26)
		if got := header.Checksum(f[34:], pseudo); got != 0 {
			t.Fatalf("checksum is off by %04x in % x", got, f)
		}
	}
}

// TestCheck: no single bit of a signature can change without notice.
func TestCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		missed := 0
		for i := range 64 {
			if check(a^1<<i, b) == check(a, b) {
				missed++
			}
			if check(a, b^1<<i) == check(a, b) {
				missed++
			}
		}
		if missed > 1 { // one in 65,536 would be chance
			t.Fatalf("%d single-bit changes are not seen", missed)
		}
	})
	if _, ok := ReadSignature(make([]byte, 60)); ok {
		t.Error("zeros are a signature")
	}
	if _, ok := ReadSignature(bytes.Repeat([]byte{0xff}, 60)); ok {
		t.Error("ones are a signature")
	}
}
