package engine_test

import (
	"fmt"
	"net/netip"
	"testing"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/link"
	"glean/stack/loop"
)

// relearns holds the ways in which new learning of a resolved generator can end without an
// answer.
var relearns = map[string]struct {
	neighbor string
	end      func(n *network) // ends a request, or makes the next one end
	lost     bool             // the neighbor is lost
	refused  bool             // the start is refused
}{
	"cancelled": {"", func(n *network) { n.DeleteLearning("again") }, false, false},
	"link_down": {"", func(n *network) { n.near[0].SetState(link.State{Reason: link.ReasonDown}) }, false, true},
	"table_full": {`"max_entries":2,"reachable_time_ms":1000`, func(n *network) {
		n.learn(`{"interface_id":"if-0","timeout_ms":60000,"addresses":["198.18.0.77","2001:db8::77"]}`)
	}, false, false},
	"no_reply": {"", func(*network) {}, true, true},
}

// TestResolvedMACsStay: a generator keeps its MACs if new learning has no result for its
// next hops. It stays resolved, and can start unless the link is down.
func TestResolvedMACsStay(t *testing.T) {
	for reason, c := range relearns {
		t.Run(reason, func(t *testing.T) {
			n := newNetwork(t, 1)
			n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), c.neighbor)
			farm := n.farm(0, 1, "198.18.0.1", "2001:db8::1")
			n.create(flowsTo("g", "if-0", "", "", "198.18.0.1", "2001:db8::1"))
			n.run(5 * loop.Second)
			farm.SetDead(0, true)
			again := func() *learning.Request {
				return n.learn(`{"id":"again","generator_ids":["g"],"timeout_ms":5000}`)
			}
			var r *learning.Request
			if reason == "table_full" {
				c.end(n)
				r = again()
			} else {
				r = again()
				n.run(loop.Millisecond)
				c.end(n)
			}
			n.run(6 * loop.Second)
			n.wantRows("again", map[string]string{"198.18.0.1": reason, "2001:db8::1": reason})
			want, missing := "resolved", 0
			if c.lost {
				want, missing = "timed_out", 2
			}
			rows, _ := n.LearnedRows("g")
			for _, row := range rows {
				if row.MAC.IsZero() {
					missing--
				}
			}
			if got := n.learned("g"); got != want || missing != 0 || r.State() == learning.StateResolving {
				t.Errorf("%s, %+v; request %v", got, rows, r.State())
			}
			_, err := n.StartGenerator("g")
			if (err != nil) != c.refused {
				t.Errorf("start: %v", err)
			}
			if c.refused && kindOf(t, err) != engine.Conflict {
				t.Errorf("start: %v, want a conflict", err)
			}
		})
	}
}

// TestRunKeepsItsMACs: the same holds while the generator transmits. It has no neighbor
// change and sends to its MACs. on_lost applies to lost next hops only.
func TestRunKeepsItsMACs(t *testing.T) {
	for _, reason := range []string{"cancelled", "table_full"} {
		t.Run(reason, func(t *testing.T) {
			c := relearns[reason]
			n := newNetwork(t, 1)
			n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), c.neighbor)
			farm := n.farm(0, 1, "198.18.0.1", "2001:db8::1")
			n.create(flowsTo("g", "if-0", "", `"track":false,"on_lost":"stop"`, "198.18.0.1", "2001:db8::1"))
			n.run(5 * loop.Second)
			farm.SetDead(0, true)
			result := n.start("g")
			if reason == "table_full" {
				c.end(n)
			}
			n.learn(`{"id":"again","generator_ids":["g"],"timeout_ms":5000}`)
			if reason != "table_full" {
				c.end(n)
			}
			n.run(6 * loop.Second)
			n.wantRows("again", map[string]string{"198.18.0.1": reason, "2001:db8::1": reason})
			n.taken()
			n.run(100 * loop.Millisecond)
			got := destinations(t, n.taken())
			changes, _ := result.NeighborChanges()
			if len(got) != 2 || !result.Active() || len(changes) != 0 || n.learned("g") != "resolved" {
				t.Errorf("frames to %v; active %v, %s, changes %v", got, result.Active(), n.learned("g"), changes)
			}
		})
	}
}

// TestInterfaceWithManyAddressesIsDeleted: its learning ends in several turns, after the
// interface and its port are deleted. A generator bound to it gets one notice.
func TestInterfaceWithManyAddressesIsDeleted(t *testing.T) {
	n := newNetwork(t, 2)
	n.addInterface("if-0", 0, v4("10.0.0.1", 8, ""), "")
	n.addInterface("if-1", 1, subnet4, "")
	n.farm(0, 1000, "10.1.0.0", "")
	var list []netip.Addr
	for k := range 30000 {
		list = append(list, netip.AddrFrom4([4]byte{10, 1, byte(k >> 8), byte(k)}))
	}
	many, err := n.StartLearning(engine.LearningSpec{InterfaceID: "if-0", Addresses: list})
	if err != nil {
		t.Fatal(err)
	}
	n.create(flowsTo("g", "if-0", "", "", "10.1.0.1", "10.9.9.9"))
	v := n.create(flowsTo("other", "if-1", "", "", "198.18.0.1"))
	n.run(100 * loop.Millisecond)
	_, last := n.Events(0, 1)
	n.DeleteInterface("if-0", func() {})
	if err := n.DeletePort("0"); err != nil {
		t.Error(err)
	}
	if many.State() != learning.StateResolving {
		t.Errorf("%v in one turn", many.State())
	}
	n.run(loop.Millisecond)
	p := many.Progress()
	if many.State() != learning.StateTimedOut || p.Completed != 1000 || p.TimedOut != 29000 {
		t.Errorf("%v %+v", many.State(), p)
	}
	told := []string{}
	events, _ := n.Events(last, 100)
	for _, e := range events {
		if e.Type == "generator" {
			told = append(told, e.ID+" "+e.What)
		}
	}
	if fmt.Sprint(told) != "[g timed_out]" {
		t.Errorf("events %v", told)
	}
	n.wantRows(v.LearningID, map[string]string{"198.18.0.1": "resolving"})
	if err := n.Check(); err != nil {
		t.Error(err)
	}
}

// TestRefusedLearningChangesNothing: an error of POST /learning changes no generator and
// emits no event.
func TestRefusedLearningChangesNothing(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, subnet4, "")
	n.farm(0, 1, "198.18.0.1", "")
	n.create(flowsTo("g", "if-0", "", "", "198.18.0.1"))
	n.create(flowsTo("dead", "if-0", "", `"timeout_ms":1000`, "198.18.0.7"))
	n.run(2 * loop.Second)
	busy := n.create(flowsTo("busy", "if-0", "", "", "198.18.0.8"))
	n.learn(`{"id":"used","interface_id":"if-0","addresses":["198.18.0.1"]}`)
	generators := func() (all string) {
		for _, g := range n.Generators() {
			all += fmt.Sprintln(g.ID, g.Learning, g.LearningID)
		}
		return all
	}
	before := generators()
	_, last := n.Events(0, 1)
	for name, spec := range map[string]engine.LearningSpec{
		"used id":       {ID: "used", GeneratorIDs: []string{"g", "dead"}},
		"bad id":        {ID: "B A D", GeneratorIDs: []string{"g", "dead"}},
		"bad timeout":   {GeneratorIDs: []string{"g", "dead"}, Timeout: 1},
		"being learned": {GeneratorIDs: []string{"g", busy.ID}},
	} {
		_, err := n.StartLearning(spec)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := generators(); after != before {
			t.Errorf("%s: generators were\n%sand are\n%s", name, before, after)
		}
		if events, now := n.Events(last, 10); now != last {
			t.Errorf("%s: events %+v", name, events)
		}
	}
}
