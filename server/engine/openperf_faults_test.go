package engine_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// These tests are about faults of OpenPerf that glean must not have. Each test fails if
// glean behaves as OpenPerf did.

// TestLateHostIsFound: hosts that come up 10, 20 and 26 s after a request of 30 s
// began are found, by ARP and ND alike.
func TestLateHostIsFound(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
	farm := n.farm(0, 4, "198.18.0.100", "2001:db8::100")
	for k, boot := range []loop.Duration{0, 10, 20, 26} {
		farm.SetDead(uint32(k), boot > 0)
		n.world.At(loop.Time(boot*loop.Second), func() { farm.SetDead(uint32(k), false) })
	}
	r := n.learn(`{"interface_id":"if-0","timeout_ms":30000,"addresses":["198.18.0.100","198.18.0.101","198.18.0.102",
		"198.18.0.103","2001:db8::100","2001:db8::101","2001:db8::102","2001:db8::103"]}`)
	for _, step := range []struct {
		until     loop.Time
		completed int
	}{{1, 2}, {9, 2}, {14, 4}, {19, 4}, {24, 6}, {25, 6}, {30, 8}} {
		n.run((step.until * loop.Time(loop.Second)).Sub(n.world.Now()))
		if got := r.Progress().Completed; got != step.completed {
			t.Errorf("after %d s: %d completed, want %d", step.until, got, step.completed)
		}
	}
	if r.State() != learning.StateCompleted {
		t.Errorf("request is %v", r.State())
	}
}

// TestManyDestinationsAreAllLearned: a request has no fixed number of destinations.
func TestManyDestinationsAreAllLearned(t *testing.T) {
	for _, count := range []int{11, 128, 257, 1000} {
		n := newNetwork(t, 1)
		n.addInterface("if-0", 0, v4("10.0.0.1", 8, "")+v6("2001:db8::a", 64, ""), "")
		n.farm(0, count, "10.1.0.0", "2001:db8::1:0")
		var all []string
		for k := range count {
			all = append(all, fmt.Sprintf("10.1.%d.%d", k>>8, k&255), fmt.Sprintf("2001:db8::1:%x", k))
		}
		v := n.create(flowsTo("g", "if-0", "", "", all...))
		n.run(loop.Second)
		if got := n.learned("g"); got != "resolved" {
			t.Errorf("%d destinations of each family: %s", count, got)
		}
		macs := make(map[string]bool)
		for _, what := range n.rows(v.LearningID) {
			macs[what] = true
		}
		if len(macs) != count {
			t.Errorf("%d different MACs, want %d", len(macs), count)
		}
	}
}

// TestInterfaceNeedsNoGateway: an interface learns without a gateway, also one with a
// link-local address only, or a global one only.
func TestInterfaceNeedsNoGateway(t *testing.T) {
	for name, c := range map[string]struct {
		protocols, destination, source string
	}{
		"IPv4":                  {v4("198.18.0.10", 24, ""), "198.18.0.1", "198.18.0.10"},
		"link-local only":       {`,{"ipv6":{"method":"static","link_local_address":"fe80::aa"}}`, "fe80::ff:fe00:101", "fe80::aa"},
		"global only":           {v6("2001:db8::a", 64, ""), "2001:db8::1", "2001:db8::a"},
		"global, to link-local": {v6("2001:db8::a", 64, ""), "fe80::ff:fe00:101", "fe80::ff:fe00:a0"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, 1)
			n.addInterface("if-0", 0, c.protocols, "")
			n.host(0, 1, "198.18.0.1/24", "2001:db8::1/64")
			n.run(5 * loop.Second)
			n.taken()
			n.create(flowsTo("g", "if-0", "", "", c.destination))
			n.run(loop.Second)
			if got := n.learned("g"); got != "resolved" {
				t.Fatal(got)
			}
			asked := n.taken()
			if len(solicitations(asked)) != 1 || solicitationSource(asked[0].frame).String() != c.source {
				t.Errorf("%d solicitations, the first from %v; want one from %s", len(asked), solicitationSource(asked[0].frame), c.source)
			}
			n.start("g")
			n.run(loop.Millisecond)
			if got := destinations(t, n.taken()); got[c.destination+" "+peerMAC] == 0 {
				t.Errorf("frames to %v", got)
			}
		})
	}
}

// TestIPv6PrefixLengthAndGatewayAreUsed: next hops follow prefix lengths other than
// 64, and gateways in the prefix or link-local.
func TestIPv6PrefixLengthAndGatewayAreUsed(t *testing.T) {
	for name, c := range map[string]struct {
		prefix  int
		gateway string
		hops    map[string]string // destination: the only solicited address
	}{
		"/48":  {48, "2001:db8::fe", map[string]string{"2001:db8:0:7::1": "2001:db8:0:7::1", "2001:db8:1::1": "2001:db8::fe"}},
		"/64":  {64, "2001:db8::fe", map[string]string{"2001:db8::7": "2001:db8::7", "2001:db8:0:1::1": "2001:db8::fe"}},
		"/120": {120, "2001:db8::fe", map[string]string{"2001:db8::7": "2001:db8::7", "2001:db8::1:7": "2001:db8::fe"}},
		"/128": {128, "fe80::fe", map[string]string{"2001:db8::7": "fe80::fe", "fe80::7": "fe80::7"}},
		"/0":   {0, "", map[string]string{"2001:db8::7": "2001:db8::7", "2620::1": "2620::1"}},
	} {
		for destination, hop := range c.hops {
			n := newNetwork(t, 1)
			body := strings.Replace(v6("2001:db8::a", c.prefix, c.gateway), `{"method"`, `{"link_local_address":"fe80::a","method"`, 1)
			n.addInterface("if-0", 0, body, `"duplicate_detection":"none"`)
			n.taken()
			n.create(flowsTo("g", "if-0", "", "", destination))
			n.run(loop.Millisecond)
			if q := solicitations(n.taken()); len(q) != 1 || q[0] != "0 0.000 "+hop {
				t.Errorf("%s, to %s: asked %v, want %s", name, destination, q, hop)
			}
		}
	}
}

// TestRequestSurvivesSendErrors: a device that sends no frame at first, or an earlier
// request that failed, does not keep a request from its solicitations.
func TestRequestSurvivesSendErrors(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, subnet4, "")
	n.host(0, 1, "198.18.0.1/24")
	n.run(5 * loop.Second)
	n.near[0].SetState(link.State{Reason: link.ReasonDown})
	r := n.learn(`{"interface_id":"if-0","addresses":["198.18.0.1","198.18.0.2","10.9.9.9"],"timeout_ms":10000}`)
	if got := n.rows(r.ID())["10.9.9.9"]; got != "no_route" {
		t.Errorf("10.9.9.9 is %s at once, want no_route", got)
	}
	n.run(2 * loop.Second)
	n.near[0].SetState(link.State{Up: true})
	n.run(4 * loop.Second)
	n.wantRows(r.ID(), map[string]string{"198.18.0.1": peerMAC, "198.18.0.2": "resolving", "10.9.9.9": "no_route"})
	n.run(4 * loop.Second)
	n.wantRows(r.ID(), map[string]string{"198.18.0.1": peerMAC, "198.18.0.2": "no_reply", "10.9.9.9": "no_route"})
	if r.State() != learning.StateTimedOut {
		t.Errorf("request is %v", r.State())
	}
}

// TestResolvedGeneratorHasAllMACs: whenever a generator reports resolved, each of its
// next hops has a MAC. The request is cancelled before, between and after its replies.
func TestResolvedGeneratorHasAllMACs(t *testing.T) {
	for delay := range 40 {
		n := newNetwork(t, 1)
		n.addInterface("if-0", 0, subnet4, "")
		n.farm(0, 20, "198.18.0.100", "")
		n.near[0].SetRules(sim.Rate(10_000_000, 1<<20)) // so that the answers arrive one by one
		var all []string
		for k := range 20 {
			all = append(all, fmt.Sprintf("198.18.0.%d", 100+k))
		}
		v := n.create(flowsTo("g", "if-0", "", "", all...))
		n.run(loop.Duration(delay) * 10 * loop.Microsecond)
		n.DeleteLearning(v.LearningID)
		rows, err := n.LearnedRows("g")
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		for _, row := range rows {
			if row.MAC.IsZero() {
				missing++
			}
		}
		if state := n.learned("g"); (state == "resolved") != (missing == 0) || state == "resolving" {
			t.Errorf("cancelled after %d0 us: %s, %d of %d without MAC", delay, state, missing, len(rows))
		}
		if _, err := n.StartGenerator("g"); (err == nil) != (missing == 0) {
			t.Errorf("cancelled after %d0 us: start with %d missing: %v", delay, missing, err)
		}
	}
}

// TestCachedMACIsOfTheInterfaceAndFresh: the same address on two interfaces has two
// MACs, and learning again after a change finds the new one.
func TestCachedMACIsOfTheInterfaceAndFresh(t *testing.T) {
	n := newNetwork(t, 2)
	n.addInterface("if-0", 0, subnet4, "")
	n.addInterface("if-1", 1, subnet4, "")
	n.host(0, 1, "198.18.0.1/24")
	other := n.host(1, 2, "198.18.0.1/24")
	first := n.create(flowsTo("g-0", "if-0", "", "", "198.18.0.1"))
	n.run(loop.Second)
	second := n.create(flowsTo("g-1", "if-1", "", "", "198.18.0.1"))
	n.run(loop.Second)
	n.wantRows(first.LearningID, map[string]string{"198.18.0.1": "02:00:00:00:01:01"})
	n.wantRows(second.LearningID, map[string]string{"198.18.0.1": "02:00:00:00:01:02"})

	if err := other.ChangeMAC(0, header.MAC{2, 0, 0, 0, 1, 0x33}, false); err != nil {
		t.Fatal(err)
	}
	again := n.learn(`{"generator_ids":["g-1"]}`) // the cache has a wrong MAC as REACHABLE
	n.run(10 * loop.Second)
	n.wantRows(again.ID(), map[string]string{"198.18.0.1": "02:00:00:00:01:33"})
	if rows, _ := n.LearnedRows("g-1"); rows[0].MAC.String() != "02:00:00:00:01:33" {
		t.Errorf("the generator has %v", rows[0].MAC)
	}
	if rows, _ := n.LearnedRows("g-0"); rows[0].MAC.String() != "02:00:00:00:01:01" {
		t.Errorf("the other interface's generator has %v", rows[0].MAC)
	}
	// A STALE entry is no hit: the host is solicited again when its MAC is needed.
	n.run(60 * loop.Second)
	n.taken()
	if v := n.create(flowsTo("g-2", "if-1", "", "", "198.18.0.1")); v.Learning != "resolving" {
		t.Errorf("an entry a minute old makes it %s", v.Learning)
	}
	n.run(loop.Second)
	if q := solicitations(n.taken()); len(q) != 1 {
		t.Errorf("solicitations %v, want one", q)
	}
}

// TestGroupsNeedNoLearning: group destinations and addresses without a host do not
// keep the others from being learned, and groups get their frames.
func TestGroupsNeedNoLearning(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), `"duplicate_detection":"none"`)
	n.host(0, 1, "198.18.0.1/24", "2001:db8::1/64")
	v := n.create(flowsTo("g", "if-0", "", `"on_unresolved":"skip","timeout_ms":1000`,
		"224.1.2.3", "198.18.0.255", "255.255.255.255", "0.0.0.0", "198.18.0.1", "ff0e::1:2", "::", "2001:db8::1"))
	n.run(2 * loop.Second)
	n.wantRows(v.LearningID, map[string]string{"0.0.0.0": "no_route", "::": "no_route", "198.18.0.1": peerMAC, "2001:db8::1": peerMAC})
	if q := solicitations(n.taken()); len(q) != 2 {
		t.Errorf("asked %v", q)
	}
	n.start("g")
	n.run(100 * loop.Millisecond)
	got := destinations(t, n.taken())
	for _, want := range []string{"224.1.2.3 01:00:5e:01:02:03", "198.18.0.255 ff:ff:ff:ff:ff:ff", "255.255.255.255 ff:ff:ff:ff:ff:ff",
		"198.18.0.1 " + peerMAC, "ff0e::1:2 33:33:00:01:00:02", "2001:db8::1 " + peerMAC} {
		if got[want] < 10 {
			t.Errorf("%d frames to %s", got[want], want)
		}
		delete(got, want)
	}
	if len(got) > 0 {
		t.Errorf("also frames to %v", got)
	}
}

// TestOffLinkWithoutGatewayIsNoRoute: an off-link destination is not solicited on the
// link, even if a host there would reply.
func TestOffLinkWithoutGatewayIsNoRoute(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), `"duplicate_detection":"none"`)
	n.farm(0, 1, "10.9.9.9", "2001:db8:9::1")
	n.run(2 * loop.Second)
	n.taken() // reports of groups
	v := n.create(flowsTo("g", "if-0", "", "", "10.9.9.9", "2001:db8:9::1"))
	n.run(5 * loop.Second)
	if left := n.taken(); len(left) != 0 {
		t.Errorf("%d frames left: %v", len(left), solicitations(left))
	}
	n.wantRows(v.LearningID, map[string]string{"10.9.9.9": "no_route", "2001:db8:9::1": "no_route"})
}

// TestPrefixLengthBounds: a prefix length of 0 covers all of IPv4. Lengths out of
// range are refused and never wrap.
func TestPrefixLengthBounds(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 0, ""), "")
	r := n.learn(`{"interface_id":"if-0","addresses":["8.8.8.8","198.18.0.11"]}`)
	n.wantRows(r.ID(), map[string]string{"8.8.8.8": "resolving", "198.18.0.11": "resolving"})
	for _, body := range []string{v4("198.18.0.10", 256, ""), v4("198.18.0.10", 33, ""), v4("198.18.0.10", -1, ""),
		v6("2001:db8::a", 129, ""), v6("2001:db8::a", 256, ""), v6("2001:db8::a", 320, "")} {
		_, err := bodies.Strict.Interface([]byte(`{"id":"x","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}}` + body + `]}}`))
		if err == nil || !strings.Contains(fmt.Sprint(err.(*engine.Error).Faults), "prefix_length") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestRetryAndStartWhileResolvingConflict: both are conflicts that name the request,
// and the request goes on.
func TestRetryAndStartWhileResolvingConflict(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, subnet4, "")
	v := n.create(flowsTo("g", "if-0", "", `"timeout_ms":1000`, "198.18.0.1"))
	for _, mode := range []learning.Mode{learning.ModeAll, learning.ModeUnresolved} {
		_, err := n.StartLearning(engine.LearningSpec{GeneratorIDs: []string{"g"}, Mode: mode})
		if kindOf(t, err) != engine.Conflict || err.(*engine.Error).LearningID != v.LearningID {
			t.Errorf("mode %v: %v, want a conflict that names %s", mode, err, v.LearningID)
		}
	}
	if r := mustRequestOf(n, v.LearningID); r.State() != learning.StateResolving || len(n.LearningRequests()) != 1 {
		t.Errorf("request is %v, there are %d", r.State(), len(n.LearningRequests()))
	}
	n.run(2 * loop.Second)
	for _, mode := range []string{"unresolved", "all"} {
		r := n.learn(fmt.Sprintf(`{"generator_ids":["g"],"mode":%q}`, mode))
		if r.State() != learning.StateResolving {
			t.Errorf("%s after it has timed out: %v", mode, r.State())
		}
		n.DeleteLearning(r.ID())
	}
}

// TestDeletedInterfaceStopsItsGenerator: the generator stops with an event, cannot
// start, and can be deleted.
func TestDeletedInterfaceStopsItsGenerator(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, subnet4, "")
	n.addInterface("if-1", 0, strings.Replace(subnet4, ".10", ".11", 1), "")
	n.host(0, 1, "198.18.0.1/24")
	n.create(flowsTo("g", "if-0", "", "", "198.18.0.1"))
	n.create(flowsTo("other", "if-1", "", "", "198.18.0.1"))
	n.run(loop.Second)
	result := n.start("g")
	n.start("other")
	n.run(50 * loop.Millisecond)
	_, before := n.Events(0, 1)
	n.DeleteInterface("if-0", func() {})
	n.run(loop.Millisecond)
	n.taken()
	n.run(100 * loop.Millisecond)
	if got := destinations(t, n.taken()); got["198.18.0.1 "+peerMAC] < 90 || got["198.18.0.1 "+peerMAC] > 110 {
		t.Errorf("frames in 100 ms: %v, want those of the other generator only", got)
	}
	if result.Active() {
		t.Error("its result is active")
	}
	events, _ := n.Events(before, 100)
	if !slices.ContainsFunc(events, func(e engine.Event) bool {
		return e.Type == "generator" && e.ID == "g" && e.What == "failed" && strings.Contains(e.Detail, "interface_deleted")
	}) {
		t.Errorf("no event that it ended: %+v", events)
	}
	if got := n.learned("g"); got != "timed_out" {
		t.Errorf("learning is %s", got)
	}
	if _, err := n.StartGenerator("g"); kindOf(t, err) != engine.Conflict || !strings.Contains(err.Error(), "interface_deleted") {
		t.Errorf("start: %v, want a conflict with the reason", err)
	}
	n.DeleteGenerator("g", false, func() {})
	if len(n.Generators()) != 1 {
		t.Error("it can't be deleted")
	}
}

// TestOwnAddressIsNotLearned: an interface's own address as a destination does not
// keep a generator waiting.
func TestOwnAddressIsNotLearned(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), `"duplicate_detection":"none"`)
	n.run(2 * loop.Second)
	n.taken() // reports of groups
	v := n.create(flowsTo("g", "if-0", "", "", "198.18.0.10", "2001:db8::a", "fe80::ff:fe00:a0"))
	if v.Learning != "timed_out" {
		t.Errorf("learning is %s at once", v.Learning)
	}
	n.wantRows(v.LearningID, map[string]string{"198.18.0.10": "own_address", "2001:db8::a": "own_address", "fe80::ff:fe00:a0": "own_address"})
	n.run(loop.Second)
	if left := n.taken(); len(left) != 0 {
		t.Errorf("%d frames left", len(left))
	}
}

// TestTagsOfSolicitationsAndTraffic: on an interface with two tags, solicitations and
// traffic carry both, the reply must carry both, and a template with other tags is
// refused.
func TestTagsOfSolicitationsAndTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		entries string
		tags    []header.VLAN
	}{
		"one": {`,{"vlan":{"id":100,"priority":5}}`, []header.VLAN{{TPID: header.EtherTypeVLAN, ID: 100, Priority: 5}}},
		"two": {`,{"vlan":{"id":200,"tpid":"0x88a8"}},{"vlan":{"id":100}}`,
			[]header.VLAN{{TPID: header.EtherTypeQinQ, ID: 200}, {TPID: header.EtherTypeVLAN, ID: 100}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, 1)
			n.addInterface("if-0", 0, c.entries+v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
			n.taggedFarm(0, c.tags, 1, "198.18.0.1", "2001:db8::1")
			n.create(flowsTo("g", "if-0", "", "", "198.18.0.1", "2001:db8::1"))
			n.run(loop.Second)
			if got := n.learned("g"); got != "resolved" {
				t.Fatal(got)
			}
			n.start("g")
			n.run(10 * loop.Millisecond)
			frames := n.taken()
			if len(frames) < 12 {
				t.Errorf("only %d frames", len(frames))
			}
			for _, s := range frames {
				e, _, err := header.ParseEthernet(s.frame)
				if err != nil || !slices.Equal(e.Tags[:e.NumTags], c.tags) {
					t.Fatalf("frame with tags %+v, %v; want %+v", e.Tags[:e.NumTags], err, c.tags)
				}
			}
			other := strings.Replace(string(flowsTo("h", "if-0", "", "", "198.18.0.1")), `{"ethernet":{}}`, `{"ethernet":{}},{"vlan":{"id":300}}`, 1)
			if _, err := n.tryCreate([]byte(other)); err == nil || kindOf(t, err) != engine.Invalid {
				t.Errorf("a template with VLAN 300: %v, want it refused", err)
			}
		})
	}
	t.Run("an untagged answer is none", func(t *testing.T) {
		n := newNetwork(t, 1)
		n.addInterface("if-0", 0, `,{"vlan":{"id":100}}`+subnet4, "")
		n.host(0, 1, "198.18.0.1/24")
		n.create(flowsTo("g", "if-0", "", `"timeout_ms":1000`, "198.18.0.1"))
		n.run(2 * loop.Second)
		if got := n.learned("g"); got != "timed_out" {
			t.Error(got)
		}
	})
}

func mustRequestOf(n *network, id string) *learning.Request {
	n.t.Helper()
	r, err := n.LearningRequest(id)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// solicitationSource returns the IP address of the soliciting interface.
func solicitationSource(frame []byte) netip.Addr {
	e, payload, err := header.ParseEthernet(frame)
	if err != nil {
		return netip.Addr{}
	}
	if e.Type == header.EtherTypeARP {
		a, _ := header.ParseARP(payload)
		return netip.AddrFrom4(a.SenderIP)
	}
	ip, _, _ := header.ParseIPv6(payload)
	return netip.AddrFrom16(ip.Src)
}
