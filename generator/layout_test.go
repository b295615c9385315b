package generator

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"glean/stack/header"
	"glean/stack/loop"
)

// TestSlotsAreLaidOutOnce: where kinds of frames repeat within a batch, slots are
// prepared once, whatever the device takes.
func TestSlotsAreLaidOutOnce(t *testing.T) {
	const protocols = `{"ethernet":{}},{"ipv4":{"destination":"198.18.0.2"}},{"udp":{}}`
	imix := definitionOf(protocols, "", `,"length":{"imix":[{"length":128,"weight":7},{"length":570,"weight":4},{"length":1518,"weight":1}]}`)
	for _, c := range []struct {
		name, traffic string
		period        int
	}{
		{"one length", definitionOf(protocols, "", ""), 1},
		{"imix", imix, 12},
		{"two definitions", imix + "," + definitionOf(protocols, "", ""), 24},
		{"too many lengths", definitionOf(protocols, "", `,"length":{"sequence":{"count":65,"start":64,"stop":129}}`), 0},
		{"random lengths", definitionOf(protocols, "", `,"length":{"random":{"min":64,"max":70}}`), 0},
	} {
		p := mustCompile(t, config(fastest, c.traffic), onLink())
		resolveAll(p)
		r := NewRun(p, RunOptions{})
		if len(r.layout.pattern) != c.period {
			t.Errorf("%s: a pattern of %d", c.name, len(r.layout.pattern))
		}
		r.build(1, Batch)
		for n := uint64(1); n < 2*Batch && c.period > 0; n++ {
			if r.build(1, n); !r.layout.laid {
				t.Fatalf("%s: a slot was prepared again for %d frames", c.name, n)
			}
		}
	}
}

// TestFramesStayWhole: frames are right however few the device takes at a time,
// and while next hops lose their MACs and get others.
func TestFramesStayWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		length := rapid.SampledFrom([]string{`{"fixed":100}`, `{"list":[64,128,129,570]}`, `{"random":{"min":64,"max":140}}`}).Draw(rt, "length")
		traffic := definitionOf(`{"ethernet":{}},{"ipv4":{},`+items("zip", sequenceOf("destination", "ipv4", "198.18.0.10", rapid.SampledFrom([]int{1, 5}).Draw(rt, "hops")), sequenceOf("source", "ipv4", "10.0.0.1", 7))+`},{"udp":{}}`, "",
			`,"length":`+length+`,"signature":{"stream_id":1,"latency":"start_of_frame","fill":{"prbs":true}}`)
		if rapid.Bool().Draw(rt, "two") {
			traffic += "," + definitionOf(`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.12"}},{"udp":{}}`, "",
				`,"length":{"list":[90,200]},"signature":{"stream_id":2,"latency":"start_of_frame","fill":{"increment":3}}`)
		}
		p := mustCompile(t, config(fastest, traffic), onLink())
		p.config.Learning.Policy = PolicySkip
		resolveAll(p)
		r, q := NewRun(p, RunOptions{}), &recorder{}
		next := map[uint32]uint32{}
		for now := loop.Time(1); now < 30; now++ {
			adj := uint32(rapid.IntRange(0, len(p.Hops())-1).Draw(rt, "hop"))
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				p.SetFailed(adj)
			case 1:
				p.SetMAC(adj, macOf(adj+uint32(rapid.IntRange(0, 1).Draw(rt, "mac"))))
			}
			q.frames, q.room = nil, rapid.IntRange(0, 80).Draw(rt, "room")
			r.Step(now*loop.Time(loop.Millisecond), q)
			for _, f := range q.frames {
				judge(t, f)
				hop := slices.Index(p.Hops(), netip.AddrFrom4(header.IPv4(f[14:]).Dst()))
				if mac, state := p.Adjacency(uint32(hop)); state != AdjacencyResolved || header.Ethernet(f).Dst() != mac {
					rt.Fatalf("sent to %v, but it is %v: %v", header.Ethernet(f).Dst(), state, mac)
				}
				s, ok := ReadSignature(f)
				if !ok || s.Sequence != next[s.Stream] {
					rt.Fatalf("signature %+v, not number %d: % x", s, next[s.Stream], f)
				}
				next[s.Stream]++
				if payload := f[42:max(len(f)-SignatureSize, 42)]; s.PRBS && !bytes.Equal(payload, prbs(len(payload))) {
					rt.Fatalf("payload % x", payload)
				}
			}
		}
	})
}
