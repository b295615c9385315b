package engine_test

import (
	"fmt"
	"testing"

	"glean/generator"
	"glean/stack/loop"
)

// TestInterfaceDeletedWhileTracking deletes an interface whose runs track some or all of
// their next hops.
func TestInterfaceDeletedWhileTracking(t *testing.T) {
	for _, wait := range []loop.Duration{0, loop.Second} {
		n := newNetwork(t, 1)
		n.farm(0, 65536, "198.18.0.1", "")
		n.addInterface("if-0", 0, v4("198.19.100.1", 15, ""), probing)
		n.create(sequenceTo("gen-1", "198.18.0.1", 65536))
		n.run(5 * loop.Second)
		r := n.start("gen-1")
		n.run(wait)
		n.DeleteInterface("if-0", func() {})
		n.run(loop.Second)
		n.taken()
		n.run(100 * loop.Second)
		if sent := n.taken(); r.Active() || len(sent) > 0 {
			t.Errorf("active: %v; %d frames after the interface was deleted", r.Active(), len(sent))
		}
	}
}

// sequenceTo returns a generator's body: UDP to count addresses in turn.
func sequenceTo(id, first string, count int) []byte {
	return fmt.Appendf(nil, `{"id":%q,"target_id":"if-0","config":{"duration":{"continuous":true},
		"load":{"rate":{"value":1000,"period":"seconds"},"units":"frames"},"traffic":[{"length":{"fixed":100},"packet":{"protocols":[
		{"ethernet":{}},{"ipv4":{},"modifiers":{"items":[{"name":"destination","permute":false,"ipv4":{"sequence":{"count":%d,"start":%q}}}]}},
		{"udp":{"destination":5000}}]}}]}}`, id, count, first)
}

// TestManyNextHopsAreTrackedInBatches: many next hops are tracked in batches, so that their
// probes do not flood the wire. Each is found when it moves, and none is solicited when
// no generator runs.
func TestManyNextHopsAreTrackedInBatches(t *testing.T) {
	const hops = 65536
	n := newNetwork(t, 1)
	f := n.farm(0, hops, "198.18.0.1", "")
	n.addInterface("if-0", 0, v4("198.19.100.1", 15, ""), probing)
	n.create(sequenceTo("gen-1", "198.18.0.1", hops))
	n.run(60 * loop.Second) // all are STALE
	n.taken()
	r := n.start("gen-1")
	n.run(200 * loop.Millisecond)
	perTick := make(map[loop.Time]int)
	for _, s := range n.taken() {
		if solicited(s.frame).IsValid() {
			perTick[s.at/loop.Time(loop.Millisecond)]++
		}
	}
	total, most := 0, 0
	for _, count := range perTick {
		total, most = total+count, max(most, count)
	}
	if total != hops || most > 512 {
		t.Errorf("%d solicitations at the start, up to %d in a millisecond", total, most)
	}
	for _, k := range []uint32{0, 40_000, hops - 1} {
		f.ChangeMAC(k)
	}
	n.run(13*loop.Second + loop.Millisecond)
	if kept, _ := r.NeighborChanges(); len(kept) != 3 || !r.Active() {
		t.Errorf("changes %+v", kept)
	}
	// A run that begins while the tracking of another ends keeps its next hops tracked.
	n.stop("gen-1")
	r = n.start("gen-1")
	n.run(15 * loop.Second)
	f.ChangeMAC(5)
	f.ChangeMAC(60_000)
	n.run(13*loop.Second + loop.Millisecond)
	if kept, _ := r.NeighborChanges(); len(kept) != 2 {
		t.Errorf("after a restart: changes %+v", kept)
	}
	n.stop("gen-1")
	n.run(loop.Second)
	n.taken()
	n.run(60 * loop.Second)
	if asked := solicitations(n.taken()); len(asked) > 0 {
		t.Errorf("%d solicitations although nothing runs", len(asked))
	}
}

// TestStartOnLostNextHop: a generator that starts when another has found that a next hop is
// lost has this change in its result. After its stop no next hop is tracked.
func TestStartOnLostNextHop(t *testing.T) {
	for policy, active := range map[string]bool{"continue": true, "pause": true, "stop": false} {
		n, h, _ := tracking(t, "")
		n.create(flowsTo("gen-2", "if-0", "", `"on_lost":"`+policy+`"`, host4, host6))
		n.run(loop.Millisecond)
		h.Power(false)
		n.run(lostBy)
		n.taken()
		r := n.start("gen-2")
		n.run(loop.Second)
		kept, _ := r.NeighborChanges()
		if len(kept) == 0 || kept[0].Cause != generator.CauseStillLost || !kept[0].New.IsZero() {
			t.Errorf("%s: changes %v", policy, kept)
		}
		switch c := r.Run().Counters(); {
		case r.Active() != active:
			t.Errorf("%s: active: %v", policy, r.Active())
		case policy == "continue" && c.PacketsToStale < 990, policy != "continue" && c.PacketsActual > 10:
			t.Errorf("%s: %d sent, %d to stale MACs", policy, c.PacketsActual, c.PacketsToStale)
		}
		n.stop("gen-2")
		n.stop("gen-1")
		n.run(loop.Second)
		n.taken()
		n.run(60 * loop.Second)
		if asked := solicitations(n.taken()); len(asked) > 0 {
			t.Errorf("%s: asked although nothing runs: %q", policy, asked)
		}
	}
}
