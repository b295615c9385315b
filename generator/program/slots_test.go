package program

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/signature"
	"glean/generator/traffic"
	"glean/generator/traffic/traffictest"
	"glean/stack/header"
	"glean/stack/loop"
)

// TestSlotsAreLaidOutOnce: where lengths repeat within a batch, slots are
// prepared once, whatever the device takes.
func TestSlotsAreLaidOutOnce(t *testing.T) {
	mixed := traffictest.Definition(unmodified, "", imix)
	for _, c := range []struct {
		name, traffic string
		periods       []int
	}{
		{"one length", traffictest.Definition(unmodified, "", ""), []int{1}},
		{"imix", mixed, []int{12}},
		{"two definitions", mixed + "," + traffictest.Definition(unmodified, "", ""), []int{12, 1}},
		{"too many lengths", traffictest.Definition(unmodified, "", `,"length":{"sequence":{"count":65,"start":64,"stop":129}}`), []int{0}},
		{"random lengths", traffictest.Definition(unmodified, "", `,"length":{"random":{"min":64,"max":70}}`), []int{0}},
	} {
		p := mustCompile(t, traffictest.Config(fastest, c.traffic), onLink())
		resolveAll(p)
		r := NewRun(p, RunOptions{})
		for i, g := range r.slotRanges {
			if g.period != c.periods[i] || g.shared {
				t.Errorf("%s: a pattern of %d", c.name, g.period)
			}
		}
		for n := uint64(1); n <= 2*Batch; n++ {
			if r.build(1, min(n, Batch)); r.tail != int(min(n, Batch)) {
				t.Fatalf("%s: %d of %d frames", c.name, r.tail, n)
			}
			for i := range r.tail {
				s := r.slot(i)
				if plan := &p.defs[s.def].variants[s.variant]; r.slotRanges[s.def].period > 0 && plan.octets != len(r.frames[i]) {
					t.Fatalf("%s: a slot of %d octets has a frame of %d", c.name, plan.octets, len(r.frames[i]))
				}
			}
		}
	}
}

// TestManyDefinitions: frames of more definitions than there is room for slots of
// their own are right too.
func TestManyDefinitions(t *testing.T) {
	const n = 1500
	for _, c := range []struct {
		definitions, flows, slots int
		shared                    bool
		order                     string
	}{
		{3, 1, 3 * Batch, false, "round-robin"}, {20, 1, 20 * 4, false, "round-robin"},
		{20, 100, Batch, true, "sequential"}, {500, 1, Batch, true, "round-robin"},
	} {
		var traffic []string
		for i := range c.definitions {
			traffic = append(traffic, traffictest.Definition(fmt.Sprintf(`{"ethernet":{"destination":"02:00:00:00:00:09","source":"02:00:00:00:00:01"}},{"ipv4":{},"modifiers":{"items":[`+
				`{"name":"source","permute":false,"ipv4":{"sequence":{"count":%d,"start":"10.0.0.1"}}}]}},{"udp":{}}`, c.flows+i%7), "",
				fmt.Sprintf(`,"length":{"list":[%d,9216,70]},"signature":{"stream_id":%d,"latency":"start_of_frame","fill":{"increment":1}}`, 64+i, i+1)))
		}
		raw := strings.Replace(traffictest.Config(fastest, strings.Join(traffic, ",")), "round-robin", c.order, 1)
		p := mustCompile(t, raw, Binding{})
		r := NewRun(p, RunOptions{StartAt: 1})
		if r.slotRanges[0].shared != c.shared || !c.shared && len(r.slots) < c.slots || c.shared && len(r.slots) != c.slots {
			t.Fatalf("%d definitions have %d slots, %+v", c.definitions, len(r.slots), r.slotRanges[0])
		}
		q := &recorder{room: n, err: errEnough}
		now := loop.Time(1) << 50
		for q.room > 0 {
			r.Step(now, q)
		}
		for i, want := range twinFrames(p.config, Binding{}, nil, n, now) {
			if !bytes.Equal(q.frames[i], want) {
				t.Fatalf("%d definitions: frame %d\n got % x\nwant % x", c.definitions, i, q.frames[i], want)
			}
		}
	}
}

// TestFramesStayWhole: frames are right however few the device takes at a time,
// and while next hops lose their MACs and get others.
func TestFramesStayWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		length := rapid.SampledFrom([]string{`{"fixed":100}`, `{"list":[64,128,129,570]}`, `{"random":{"min":64,"max":140}}`}).Draw(rt, "length")
		definitions := traffictest.Definition(`{"ethernet":{}},{"ipv4":{},`+traffictest.Items("zip", traffictest.Sequence("destination", "ipv4", "198.18.0.10", rapid.SampledFrom([]int{1, 5}).Draw(rt, "hops")), traffictest.Sequence("source", "ipv4", "10.0.0.1", 7))+`},{"udp":{}}`, "",
			`,"length":`+length+`,"signature":{"stream_id":1,"latency":"start_of_frame","fill":{"prbs":true}}`)
		if rapid.Bool().Draw(rt, "two") {
			definitions += "," + traffictest.Definition(`{"ethernet":{}},{"ipv4":{"destination":"198.18.0.12"}},{"udp":{}}`, "",
				`,"length":{"list":[90,200]},"signature":{"stream_id":2,"latency":"start_of_frame","fill":{"increment":3}}`)
		}
		p := mustCompile(t, traffictest.Config(fastest, definitions), onLink())
		p.config.Learning.Policy = traffic.PolicySkip
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
				s, ok := signature.Read(f)
				if !ok || s.Sequence != next[s.Stream] {
					rt.Fatalf("signature %+v, not number %d: % x", s, next[s.Stream], f)
				}
				next[s.Stream]++
				if payload := f[42:max(len(f)-signature.Size, 42)]; s.PRBS && !bytes.Equal(payload, signature.PRBS(len(payload))) {
					rt.Fatalf("payload % x", payload)
				}
			}
		}
	})
}
