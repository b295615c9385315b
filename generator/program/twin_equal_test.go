package program

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"glean/generator/traffic"
	"glean/stack/header"
	"glean/stack/loop"
)

// TestFramesEqualTwin: the frames of a program are those that the slow twin
// writes down, octet by octet.
func TestFramesEqualTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		onPort := rapid.Bool().Draw(t, "port")
		binding := Binding{}
		if !onPort {
			binding = onLink()
			if rapid.Bool().Draw(t, "tagged") {
				tpid := rapid.SampledFrom([]header.EtherType{0, header.EtherTypeVLAN, header.EtherTypeQinQ})
				binding.Tags = []header.VLAN{{ID: 7, Priority: 3, TPID: tpid.Draw(t, "outer")}, {ID: 8, TPID: tpid.Draw(t, "inner")}}[:rapid.IntRange(1, 2).Draw(t, "tags")]
			}
		}
		raw := drawConfig(t, onPort)
		c, faults := traffic.ParseConfig(raw)
		if len(faults) > 0 {
			t.Fatalf("%v\n%s", faults, raw)
		}
		c.Learning.Policy = traffic.PolicyFallback // destinations without a route leave too
		if c.CutHeaders = true; rapid.IntRange(0, 3).Draw(t, "fallback") > 0 {
			c.Learning.Fallback, c.Learning.HasFallback = header.MAC{0x02, 0xee, 0, 0, 0, 1}, true
		}
		p, faults := Compile(c, binding)
		if len(faults) > 0 {
			for _, may := range []string{"has no room for a signature", "TPID", `"fallback" needs a MAC`} {
				if strings.Contains(faults.Error(), may) {
					return
				}
			}
			t.Fatalf("%v\n%s", faults, raw)
		}
		macs := map[netip.Addr]header.MAC{}
		for i, hop := range p.Hops() {
			p.SetMAC(uint32(i), macOf(uint32(i)))
			macs[hop] = macOf(uint32(i))
		}
		const n = 500
		r := NewRun(p, RunOptions{StartAt: 1})
		q := &recorder{room: n, err: errEnough}
		// A rate that is far ahead sends all of it at one time.
		now := loop.Time(1) << 50
		for q.room > 0 {
			if _, running := r.Step(now, q); !running {
				break
			}
		}
		want := twinFrames(c, binding, func(hop netip.Addr) header.MAC { return macs[hop] }, n, now)
		for i := range want {
			if !bytes.Equal(want[i], q.frames[i]) {
				t.Fatalf("frame %d\n got % x\nwant % x\n%s", i, q.frames[i], want[i], raw)
			}
		}
	})
}
