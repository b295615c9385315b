package engine_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/generator"
	"glean/sim"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

var (
	firstMAC  = header.MAC{2, 0, 0, 0, 1, 1} // of host 1
	secondMAC = header.MAC{2, 0, 0, 0, 2, 2}
)

// host4 and host6 are the next hops of the tests: one host with an address of each family.
const (
	host4 = "198.18.0.1"
	host6 = "2001:db8::1"
)

const probing = `"duplicate_detection":"none","probe_interval_ms":10000` // the longest time that a test waits

// tracking returns a network with an interface, a host, and generator "gen-1", which sends
// a frame each millisecond to the host's addresses in turn. learn holds members of
// config.learning.
func tracking(t *testing.T, learn string) (*network, *sim.Host, *generator.Result) {
	n := newNetwork(t, 1)
	h := n.host(0, 1, host4+"/24", host6+"/64")
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
	n.create(flowsTo("gen-1", "if-0", "", learn, host4, host6))
	n.run(loop.Millisecond)
	r := n.start("gen-1")
	n.run(100 * loop.Millisecond)
	return n, h, r
}

// changes lists a result's changes as "next hop: old -> new cause". It compares the frames
// counted for each with the frames that left: those to the old MAC from the change until
// the next change of that next hop.
func (n *network) changes(r *generator.Result, sent []sentFrame) string {
	n.t.Helper()
	kept, left := r.NeighborChanges()
	if left > 0 {
		n.t.Errorf("%d changes left out", left)
	}
	var lines []string
	sum := uint64(0)
	for k, c := range kept {
		until := loop.Never
		if next := slices.IndexFunc(kept[k+1:], func(d generator.NeighborChange) bool { return d.NextHop == c.NextHop }); next >= 0 {
			until = kept[k+1+next].At
		}
		seen := uint64(0)
		for _, s := range sent {
			if to, mac := destination(s.frame); to == c.NextHop && mac == c.Old && s.at >= c.At && s.at < until {
				seen++
			}
		}
		// A next hop that came back with the same MAC is no change, so frames after that
		// are not to a stale MAC. Tests of this case count the frames themselves.
		if seen != c.FramesToStale && !n.cameBack(c) {
			n.t.Errorf("%v at %v: %d frames to %v are counted, %d have left", c.NextHop, c.At, c.FramesToStale, c.Old, seen)
		}
		sum += c.FramesToStale
		lines = append(lines, fmt.Sprintf("%v: %v -> %v %s", c.NextHop, c.Old, c.New, c.Cause))
	}
	if all := r.Run().Counters().PacketsToStale; all != sum {
		n.t.Errorf("%d frames to stale MACs, %d of them counted for changes", all, sum)
	}
	return strings.Join(lines, "; ")
}

// cameBack reports whether there is an event that the next hop is back.
func (n *network) cameBack(c generator.NeighborChange) bool {
	return slices.ContainsFunc(n.generatorEvents("neighbor_back"), func(detail string) bool {
		return strings.HasPrefix(detail, c.NextHop.String()+": "+c.Old.String())
	})
}

// destination returns the destination of a generator's frame, invalid for another frame.
func destination(frame []byte) (netip.Addr, header.MAC) {
	e, payload, err := header.ParseEthernet(frame)
	if err != nil {
		return netip.Addr{}, header.MAC{}
	}
	if ip, _, err := header.ParseIPv4(payload); e.Type == header.EtherTypeIPv4 && err == nil && ip.Protocol == header.ProtocolUDP {
		return netip.AddrFrom4(ip.Dst), e.Dst
	}
	if ip, _, err := header.ParseIPv6(payload); e.Type == header.EtherTypeIPv6 && err == nil && ip.NextHeader == header.ProtocolUDP {
		return netip.AddrFrom16(ip.Dst), e.Dst
	}
	return netip.Addr{}, header.MAC{}
}

// generatorEvents returns the details of the events of a kind.
func (n *network) generatorEvents(what string) (details []string) {
	events, _ := n.Events(0, 1<<20)
	for _, e := range events {
		if e.Type == "generator" && e.What == what {
			details = append(details, e.Detail)
		}
	}
	return details
}

// firstTo returns when the first frame to an address with a MAC left, Never if none did.
func firstTo(sent []sentFrame, to string, mac header.MAC) loop.Time {
	for _, s := range sent {
		if a, m := destination(s.frame); a.String() == to && m == mac {
			return s.at
		}
	}
	return loop.Never
}

func (n *network) wantChanges(r *generator.Result, sent []sentFrame, want string) {
	n.t.Helper()
	if got := n.changes(r, sent); got != want {
		n.t.Errorf("changes: %s\nwant:    %s", got, want)
	}
}

// wantPaced requires that no neighbor was solicited twice within a second.
func (n *network) wantPaced(sent []sentFrame) {
	n.t.Helper()
	last := make(map[netip.Addr]loop.Time)
	for _, s := range sent {
		target := solicited(s.frame)
		if at, asked := last[target]; target.IsValid() && asked && s.at < at.Add(loop.Second) {
			n.t.Errorf("%v is asked again %v after the last time", target, s.at.Sub(at))
		}
		last[target] = s.at
	}
}

func TestAnnouncedMoveIsFollowedAtOnce(t *testing.T) {
	n, h, r := tracking(t, "")
	moved := n.Now()
	if err := h.ChangeMAC(0, secondMAC, true); err != nil {
		t.Fatal(err)
	}
	n.run(5 * loop.Second)
	sent := n.taken()
	for _, to := range []string{host4, host6} {
		// The announcement takes 10 us, and a frame to each leaves every 2 ms.
		if at := firstTo(sent, to, secondMAC); at > moved.Add(10*loop.Microsecond+2*loop.Millisecond) {
			t.Errorf("the first frame to %s at its new MAC leaves %v after the move", to, at.Sub(moved))
		}
	}
	n.wantChanges(r, sent, fmt.Sprintf("%s: %v -> %v announced; %s: %v -> %v announced", host4, firstMAC, secondMAC, host6, firstMAC, secondMAC))
	n.wantPaced(sent)
	if moved := n.generatorEvents("neighbor_moved"); len(moved) != 2 || !r.Active() {
		t.Errorf("events: %q, active: %v", moved, r.Active())
	}
}

// TestUnannouncedMoveIsFoundByProbes: an unannounced move is found within the probe interval
// and three unicast solicitations, because the multicast after them is answered.
func TestUnannouncedMoveIsFoundByProbes(t *testing.T) {
	n, h, r := tracking(t, "")
	n.run(20 * loop.Second)
	n.taken()
	moved := n.Now()
	if err := h.ChangeMAC(0, secondMAC, false); err != nil {
		t.Fatal(err)
	}
	n.run(20 * loop.Second)
	sent := n.taken()
	for _, to := range []string{host4, host6} {
		if at := firstTo(sent, to, secondMAC); at > moved.Add(13*loop.Second+3*loop.Millisecond) {
			t.Errorf("the first frame to %s at its new MAC leaves %v after the move", to, at.Sub(moved))
		}
	}
	got := n.changes(r, sent)
	for _, to := range []string{host4, host6} {
		if want := fmt.Sprintf("%s: %v -> %v answer", to, firstMAC, secondMAC); !strings.Contains(got, want) {
			t.Errorf("changes: %s, want %s among them", got, want)
		}
	}
	n.wantPaced(sent)
	if c := r.Run().Counters(); !r.Active() || c.PacketsToStale != 0 {
		t.Errorf("active: %v, %+v", r.Active(), c)
	}
}

// lostBy is the time after which a neighbor that stops answering is lost: a probe interval,
// three unicast solicitations and three multicasts.
const lostBy = 10*loop.Second + 6*loop.Second + 10*loop.Millisecond

func TestOnLostDecidesAboutLostNextHops(t *testing.T) {
	for _, policy := range []string{"continue", "pause", "stop"} {
		t.Run(policy, func(t *testing.T) {
			n, h, r := tracking(t, `"on_lost":"`+policy+`"`)
			h.Power(false)
			n.run(lostBy)
			lost := n.generatorEvents("neighbor_lost")
			n.taken()
			if policy == "stop" {
				_, reason := r.Ended()
				if r.Active() || reason == nil || len(lost) == 0 {
					t.Errorf("active: %v, reason %v, events %q", r.Active(), reason, lost)
				}
				return
			}
			before := r.Run().Counters()
			n.run(10 * loop.Second)
			silent := n.taken()
			sent, stale := r.Run().Counters().PacketsActual-before.PacketsActual, r.Run().Counters().PacketsToStale-before.PacketsToStale
			if want := map[string]uint64{"continue": 10_000, "pause": 0}[policy]; sent != want || stale != want || len(lost) != 2 || !r.Active() {
				t.Errorf("%d sent in 10 s, %d to stale MACs; events %q; active: %v", sent, stale, lost, r.Active())
			}
			n.wantPaced(silent)
			h.Power(true)
			n.run(4 * loop.Second) // solicited at least every 3 s
			if back := n.generatorEvents("neighbor_back"); len(back) != 2 {
				t.Errorf("events: %q", back)
			}
			before = r.Run().Counters()
			n.run(loop.Second)
			after := r.Run().Counters()
			if sent := after.PacketsActual - before.PacketsActual; sent < 999 || after.PacketsToStale != before.PacketsToStale {
				t.Errorf("%d sent in a second after they came back, %d to stale MACs", sent, after.PacketsToStale-before.PacketsToStale)
			}
		})
	}
}

// TestFramesToLostNextHopAreCounted: a next hop is lost and then found with another MAC. The
// count of frames to its old MAC is exact.
func TestFramesToLostNextHopAreCounted(t *testing.T) {
	for policy, frames := range map[string]bool{"continue": true, "pause": false} {
		n, h, r := tracking(t, `"on_lost":"`+policy+`"`)
		h.Power(false)
		n.run(lostBy + 2*loop.Second)
		if err := h.ChangeMAC(0, secondMAC, false); err != nil {
			t.Fatal(err)
		}
		h.Power(true)
		n.run(10 * loop.Second)
		got := n.changes(r, n.taken())
		for _, to := range []string{host4, host6} {
			for _, want := range []string{
				fmt.Sprintf("%s: %v -> %v no_reply", to, firstMAC, header.MAC{}), fmt.Sprintf("%s: %v -> %v answer", to, firstMAC, secondMAC),
			} {
				if !strings.Contains(got, want) {
					t.Errorf("%s: changes: %s, want %s among them", policy, got, want)
				}
			}
		}
		if c := r.Run().Counters(); (c.PacketsToStale > 2000) != frames {
			t.Errorf("%s: %d to stale MACs", policy, c.PacketsToStale)
		}
	}
}

// TestProbesEndWithTheLastGenerator: two generators use one next hop. It is probed until
// both have stopped.
func TestProbesEndWithTheLastGenerator(t *testing.T) {
	n, h, one := tracking(t, "")
	n.create(flowsTo("gen-2", "if-0", "", "", host4))
	two := n.start("gen-2")
	n.stop("gen-1")
	n.taken()
	n.run(60 * loop.Second)
	asked := map[string]bool{}
	for _, q := range solicitations(n.taken()) {
		asked[q[strings.LastIndexByte(q, ' ')+1:]] = true
	}
	if !asked[host4] || asked[host6] {
		t.Errorf("asked for %v, want %s only", asked, host4)
	}
	if err := h.ChangeMAC(0, secondMAC, true); err != nil {
		t.Fatal(err)
	}
	n.run(loop.Second)
	n.wantChanges(two, n.taken(), fmt.Sprintf("%s: %v -> %v announced", host4, firstMAC, secondMAC))
	n.wantChanges(one, nil, "")
	n.stop("gen-2")
	n.run(loop.Second)
	n.taken()
	n.run(100 * loop.Second)
	if asked := solicitations(n.taken()); len(asked) > 0 {
		t.Errorf("asked although nothing runs: %q", asked)
	}
	// The idle generator has followed the change, and begins with the present MAC.
	n.start("gen-1")
	n.run(10 * loop.Millisecond)
	if at := firstTo(n.taken(), host4, firstMAC); at != loop.Never {
		t.Error("a frame to the old MAC")
	}
}

// TestStaleNextHopsAreProbedAtStart: a generator that starts probes next hops whose
// confirmation is old.
func TestStaleNextHopsAreProbedAtStart(t *testing.T) {
	n := newNetwork(t, 1)
	h := n.host(0, 1, host4+"/24", host6+"/64")
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
	n.create(flowsTo("gen-1", "if-0", "", "", host4, host6))
	n.run(60 * loop.Second)
	if err := h.ChangeMAC(0, secondMAC, false); err != nil {
		t.Fatal(err)
	}
	n.taken()
	r := n.start("gen-1")
	n.run(loop.Millisecond)
	if asked := solicitations(n.taken()); len(asked) != 2 {
		t.Errorf("asked at start: %q", asked)
	}
	n.run(3*loop.Second + loop.Millisecond)
	got := n.changes(r, n.taken())
	if strings.Count(got, "answer") != 2 {
		t.Errorf("changes within three solicitations: %s", got)
	}
}

// TestSkippedFlowsJoinLate: flows whose next hop did not answer start when it answers,
// while the generator runs.
func TestSkippedFlowsJoinLate(t *testing.T) {
	n := newNetwork(t, 1)
	n.host(0, 1, host4+"/24", host6+"/64")
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
	cut := func(frame []byte) bool { return header.Ethernet(frame).Type() == header.EtherTypeIPv6 }
	n.far[0].SetRules(sim.When("IPv6", cut, sim.Loss(sim.Always)))
	n.create(flowsTo("gen-1", "if-0", "", `"on_unresolved":"skip","timeout_ms":2000`, host4, host6))
	n.run(3 * loop.Second)
	if state := n.learned("gen-1"); state != "timed_out" {
		t.Fatal(state)
	}
	r := n.start("gen-1")
	n.run(5 * loop.Second)
	sent := n.taken()
	if firstTo(sent, host6, firstMAC) != loop.Never || firstTo(sent, host4, firstMAC) == loop.Never {
		t.Error("the wrong flows were sent")
	}
	n.far[0].SetRules()
	n.run(4 * loop.Second)
	sent = n.taken()
	if !r.Active() || firstTo(sent, host6, firstMAC) == loop.Never || firstTo(sent, host4, firstMAC) == loop.Never {
		t.Errorf("active: %v; both flows should be sent", r.Active())
	}
	n.wantChanges(r, sent, "")
}

// TestFlowsJoinAtTheStart: a flow is sent from the start if another request has found its
// next hop meanwhile.
func TestFlowsJoinAtTheStart(t *testing.T) {
	n := newNetwork(t, 1)
	h := n.host(0, 1, host4+"/24", host6+"/64")
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
	h.Power(false)
	n.create(flowsTo("gen-1", "if-0", "", `"on_unresolved":"fallback","fallback_mac":"02:ee:00:00:00:01","timeout_ms":2000`, host4, host6))
	n.run(3 * loop.Second)
	h.Power(true)
	n.learn(fmt.Sprintf(`{"interface_id":"if-0","addresses":[%q,%q]}`, host4, host6))
	n.run(loop.Second)
	n.start("gen-1")
	n.run(10 * loop.Millisecond)
	sent := n.taken()
	if firstTo(sent, host4, firstMAC) == loop.Never || firstTo(sent, host6, firstMAC) == loop.Never {
		t.Error("flows wait although their next hops are in the cache")
	}
}

// TestNextHopsBeyondTheTableAreNotTracked: next hops that do not fit into the neighbor table
// are not tracked, and an event reports that.
func TestNextHopsBeyondTheTableAreNotTracked(t *testing.T) {
	n := newNetwork(t, 1)
	n.farm(0, 10, "198.18.0.1", "")
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, ""), `"max_entries":4`)
	n.create(flowsTo("gen-1", "if-0", "", `"on_unresolved":"skip","timeout_ms":1000`,
		"198.18.0.1", "198.18.0.2", "198.18.0.3", "198.18.0.4", "198.18.0.5", "198.18.0.6"))
	n.run(2 * loop.Second)
	n.start("gen-1")
	n.run(loop.Second)
	if got := n.generatorEvents("not_tracked"); len(got) != 1 || !strings.HasPrefix(got[0], "2 of 6 next hops") {
		t.Errorf("events: %q", got)
	}
}

// TestFlushAndFlapKeepTracking: flushing the cache and a flap of the link end no tracking.
func TestFlushAndFlapKeepTracking(t *testing.T) {
	for _, what := range []string{"flush", "link"} {
		n, h, r := tracking(t, "")
		switch what {
		case "flush":
			if err := n.FlushNeighbors("if-0", func() {}); err != nil {
				t.Fatal(err)
			}
		case "link":
			n.near[0].SetState(link.State{Reason: link.ReasonDown})
			n.run(30 * loop.Second)
			n.near[0].SetState(link.State{Up: true})
		}
		if err := h.ChangeMAC(0, secondMAC, false); err != nil {
			t.Fatal(err)
		}
		n.run(10 * loop.Second)
		kept, _ := r.NeighborChanges()
		moved := 0
		for _, c := range kept {
			if c.Old == firstMAC && c.New == secondMAC {
				moved++
			}
		}
		if moved != 2 || !r.Active() {
			t.Errorf("%s: changes %+v; active: %v", what, kept, r.Active())
		}
		n.taken()
		if err := h.ChangeMAC(0, firstMAC, false); err != nil {
			t.Fatal(err)
		}
		n.run(14 * loop.Second)
		if sent := n.taken(); firstTo(sent, host4, firstMAC) == loop.Never || firstTo(sent, host6, firstMAC) == loop.Never {
			t.Errorf("%s: a later move is not found", what)
		}
	}
}

// TestFoundMACIsFollowedDuringFirstRequest: while a generator's first request waits for one
// next hop, the generator follows the MAC of another one that has answered, also after
// its neighbor entry was flushed.
func TestFoundMACIsFollowedDuringFirstRequest(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, ""), `"duplicate_detection":"none"`)
	h := n.host(0, 1, "198.18.0.1/24")
	n.create(flowsTo("g", "if-0", "", "", "198.18.0.1", "198.18.0.99"))
	n.run(2 * loop.Second)
	if err := h.ChangeMAC(0, secondMAC, false); err != nil {
		t.Fatal(err)
	}
	if err := n.FlushNeighbors("if-0", func() {}); err != nil {
		t.Fatal(err)
	}
	n.learn(`{"interface_id":"if-0","addresses":["198.18.0.1"]}`)
	n.run(2 * loop.Second)
	if state := n.learned("g"); state != "resolving" {
		t.Fatalf("the generator is %s", state)
	}
	if rows, err := n.LearnedRows("g"); err != nil || rows[0].MAC != secondMAC {
		t.Errorf("the generator has %v (%v), want %v", rows[0].MAC, err, secondMAC)
	}
}
