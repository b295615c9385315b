package program

import (
	"bytes"
	"fmt"
	"testing"

	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
	"glean/stack/loop"
)

func TestSignature(t *testing.T) {
	raw := traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"},`+traffictest.Items("zip", traffictest.Sequence("source", "ipv4", "10.0.0.1", 3))+`},{"udp":{}}`, "",
		`,"length":{"list":[64,128,129,1518]},"signature":{"stream_id":70001,"latency":"end_of_frame","fill":{"prbs":true}}`))
	p := mustCompile(t, raw, onLink())
	resolveAll(p)
	const epoch = 1_700_000_000_000_000_000
	r := NewRun(p, RunOptions{Epoch: epoch})
	q := &recorder{room: -1}
	at, _ := steps(t, r, q, 0, loop.Time(100*loop.Millisecond))
	for i, f := range q.frames {
		judge(t, f)
		s, ok := signature.Read(f)
		want := signature.Signature{Stream: 70001&0xffff<<16 | uint32(i%3+1), Sequence: uint32(i / 3), Time: epoch + uint64(at[i]), EndOfFrame: true, PRBS: true}
		if !ok || s != want {
			t.Fatalf("frame %d: %+v, not %+v", i, s, want)
		}
		if stream, ok := p.FlowStream(uint64(i % 3)); !ok || stream != s.Stream {
			t.Errorf("flow %d has stream %x", i%3, stream)
		}
		if payload := f[42:max(len(f)-signature.Size, 42)]; !bytes.Equal(payload, signature.PRBS(len(payload))) {
			t.Fatalf("frame %d: payload % x", i, payload)
		}
	}
	if len(q.frames) < 100 {
		t.Fatal(len(q.frames))
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
		parsed, faults := traffic.ParseConfig([]byte(traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(c.protocols, "", fmt.Sprintf(`,"length":{"fixed":%d},"signature":{"stream_id":1,"latency":"start_of_frame"}`, c.length)))))
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
			if _, ok := signature.Read(f); !ok || len(f) != c.length-4 {
				t.Fatalf("%s: no signature in % x", c.protocols, f)
			}
		}
	}
	// A receiver that sums the datagram finds it right, though the signature
	// covers the checksum.
	p := mustCompile(t, traffictest.Config(traffictest.PerMillisecond, traffictest.Definition(`{"ethernet":{}},{"ipv4":{"source":"10.0.0.1","destination":"10.0.0.2"}},{"udp":{}}`, "",
		`,"length":{"fixed":64},"signature":{"stream_id":1,"latency":"start_of_frame"}`)), Binding{})
	for _, f := range send(t, NewRun(p, RunOptions{}), 100) {
		pseudo := header.SumIPv4Pseudo([4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, header.ProtocolUDP, 26)
		if got := header.Checksum(f[34:], pseudo); got != 0 {
			t.Fatalf("checksum is off by %04x in % x", got, f)
		}
	}
}
