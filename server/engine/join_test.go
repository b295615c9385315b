package engine_test

import (
	"fmt"
	"testing"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/loop"
)

// TestShortRequestBesideLongOneIsInTime: a long request solicits hosts that were down every
// 3 s. The hosts come up, and a short request for them completes whenever it begins.
func TestShortRequestBesideLongOneIsInTime(t *testing.T) {
	const both = `"interface_id":"if-0","addresses":["198.18.0.100","2001:db8::100"]}`
	for begin := 10 * loop.Second; begin < 16*loop.Second; begin += 100 * loop.Millisecond {
		n := newNetwork(t, 1)
		n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
		farm := n.farm(0, 1, "198.18.0.100", "2001:db8::100")
		farm.SetDead(0, true)
		long := n.learn(`{"timeout_ms":60000,` + both)
		n.run(begin)
		farm.SetDead(0, false)
		short := n.learn(`{"timeout_ms":2000,` + both)
		n.run(2500 * loop.Millisecond)
		if short.State() != learning.StateCompleted || long.State() != learning.StateCompleted {
			t.Errorf("begun at %v: the short request is %v (%v), the long one %v", begin, short.State(), n.rows(short.ID()), long.State())
		}
	}
}

// TestLateHostBesideAnotherRequest: each request has its last solicitation one to two
// RetransTimers before its deadline, also if other requests with other deadlines wait
// for the same host, and if one of them ends.
func TestLateHostBesideAnotherRequest(t *testing.T) {
	const both = `"interface_id":"if-0","addresses":["198.18.0.100","2001:db8::100"]}`
	for begin := 10 * loop.Second; begin < 14*loop.Second; begin += 250 * loop.Millisecond {
		n := newNetwork(t, 1)
		n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
		farm := n.farm(0, 1, "198.18.0.100", "2001:db8::100")
		farm.SetDead(0, true)
		n.learn(`{"timeout_ms":60000,` + both)
		n.learn(`{"id":"leaves","timeout_ms":30000,` + both)
		n.run(begin)
		r := n.learn(`{"timeout_ms":5000,` + both)
		n.run(2950 * loop.Millisecond)
		n.DeleteLearning("leaves")
		farm.SetDead(0, false)
		n.run(2050 * loop.Millisecond)
		if r.State() != learning.StateCompleted {
			t.Errorf("begun at %v: %v %v", begin, r.State(), n.rows(r.ID()))
		}
	}
}

// TestReachableIsCachedBesideAnotherRequest: a generator whose next hops are all REACHABLE is
// resolved at once, also if a request solicits them anew.
func TestReachableIsCachedBesideAnotherRequest(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
	farm := n.farm(0, 1, "198.18.0.100", "2001:db8::100")
	n.create(flowsTo("g", "if-0", "", "", "198.18.0.100", "2001:db8::100"))
	n.run(2 * loop.Second)
	farm.SetDead(0, true)
	r := n.learn(`{"interface_id":"if-0","addresses":["198.18.0.100","2001:db8::100"]}`)
	n.run(loop.Millisecond)
	if got := len(n.Neighbors(engine.NeighborFilter{})); got != 2 || r.State() != learning.StateResolving {
		t.Fatalf("%d neighbors, the request is %v", got, r.State())
	}
	n.taken()
	v := n.create(flowsTo("h", "if-0", "", "", "198.18.0.100", "2001:db8::100"))
	if v.Learning != "resolved" || len(solicitations(n.taken())) != 0 {
		t.Errorf("the second generator is %s", v.Learning)
	}
	n.start("h")
}

// TestRequestShorterThanRetransTimer: a neighbor is solicited at most once in a
// RetransTimer. A request with less time accepts an answer that is younger than that. If
// there is none, a generator keeps its MAC, because no solicitation was unanswered.
func TestRequestShorterThanRetransTimer(t *testing.T) {
	const both = `"interface_id":"if-0","addresses":["198.18.0.100","2001:db8::100"]}`
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
	farm := n.farm(0, 1, "198.18.0.100", "2001:db8::100")
	n.create(flowsTo("g", "if-0", "", `"on_lost":"stop"`, "198.18.0.100", "2001:db8::100"))
	n.run(3 * loop.Second)
	n.start("g")
	n.run(100 * loop.Millisecond)
	for _, timeout := range []int{100, 500, 890} {
		n.learn(`{"id":"first","timeout_ms":800,` + both)
		n.run(100 * loop.Millisecond)
		r := n.learn(fmt.Sprintf(`{"timeout_ms":%d,`, timeout) + both)
		if r.State() != learning.StateCompleted || r.RequestsSent() != 0 {
			t.Errorf("timeout %d ms: %v %v at once", timeout, r.State(), n.rows(r.ID()))
		}
		r = n.learn(`{"timeout_ms":1000,"generator_ids":["g"]}`)
		if n.run(950 * loop.Millisecond); r.State() != learning.StateCompleted || r.RequestsSent() != 2 {
			t.Errorf("with time to ask: %v, %d solicitations, %v", r.State(), r.RequestsSent(), n.rows(r.ID()))
		}
		n.DeleteLearning("first")
		n.run(loop.Second)
	}
	// The cache is flushed when no neighbor may be solicited. The request finds none in
	// time, but the generator keeps its MACs.
	n.stop("g")
	n.learn(`{"timeout_ms":800,` + both)
	n.run(100 * loop.Millisecond)
	farm.SetDead(0, true)
	if err := n.FlushNeighbors("if-0", func() {}); err != nil {
		t.Fatal(err)
	}
	r := n.learn(`{"timeout_ms":500,"generator_ids":["g"]}`)
	n.run(600 * loop.Millisecond)
	if r.State() != learning.StateTimedOut || n.learned("g") != "resolved" {
		t.Errorf("%v %v, generator %s", r.State(), n.rows(r.ID()), n.learned("g"))
	}
	r = n.learn(`{"timeout_ms":3000,"generator_ids":["g"]}`)
	n.run(3 * loop.Second)
	if r.State() != learning.StateTimedOut || n.learned("g") != "timed_out" {
		t.Errorf("solicited without a reply: %v, generator %s", r.State(), n.learned("g"))
	}
}
