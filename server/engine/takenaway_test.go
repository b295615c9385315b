package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/link"
	"glean/stack/loop"
)

// These tests delete or disable resources that learning and generators use.

// TestGeneratorDeletedWhileItIsLearned: its request goes on for the other generator.
// Learning of next hops that only the deleted generator needs ends, but not in another
// request. A request without generators ends cancelled.
func TestGeneratorDeletedWhileItIsLearned(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
	farm := n.farm(0, 3, "198.18.0.101", "2001:db8::101")
	for k := range uint32(3) {
		farm.SetDead(k, true)
	}
	n.create(flowsTo("a", "if-0", "", `"timeout_ms":500`, "198.18.0.101", "2001:db8::101", "198.18.0.102", "2001:db8::102"))
	n.create(flowsTo("b", "if-0", "", `"timeout_ms":500`, "198.18.0.102", "2001:db8::102", "198.18.0.103", "2001:db8::103"))
	n.run(loop.Second)
	both := n.learn(`{"id":"both","generator_ids":["a","b"]}`)
	other := n.learn(`{"id":"other","interface_id":"if-0","addresses":["198.18.0.101","2001:db8::101"]}`)
	n.run(2 * loop.Second)

	n.DeleteGenerator("a", false, func() {})
	n.wantRows("both", map[string]string{"198.18.0.101": "generator_deleted", "2001:db8::101": "generator_deleted",
		"198.18.0.102": "resolving", "2001:db8::102": "resolving", "198.18.0.103": "resolving", "2001:db8::103": "resolving"})
	if both.State() != learning.StateResolving || n.learned("b") != "resolving" {
		t.Errorf("the request is %v, the other generator %s", both.State(), n.learned("b"))
	}
	for k := range uint32(3) {
		farm.SetDead(k, false)
	}
	n.run(5 * loop.Second)
	if got := n.learned("b"); got != "resolved" || both.State() != learning.StateTimedOut || other.State() != learning.StateCompleted {
		t.Errorf("the other generator is %s, its request %v, another request %v", got, both.State(), other.State())
	}
	n.start("b")
	n.stop("b")

	farm.SetDead(1, true)
	last := n.learn(`{"id":"last","generator_ids":["b"]}`)
	n.run(loop.Second)
	n.DeleteGenerator("b", false, func() {})
	rows := n.rows("last")
	if last.State() != learning.StateCancelled || rows["198.18.0.102"] != "generator_deleted" || rows["2001:db8::102"] != "generator_deleted" ||
		!strings.HasPrefix(rows["198.18.0.103"], "02:") {
		t.Errorf("%v: %v", last.State(), rows)
	}
	n.taken()
	n.run(10 * loop.Second)
	if asked := solicitations(n.taken()); len(asked) != 0 {
		t.Errorf("solicited without a subscriber: %v", asked)
	}
	if err := n.Check(); err != nil {
		t.Error(err)
	}
}

// TestLinkGoesDownAndComesBack: the port shows the state. The generator stays active and
// counts errors; learning runs until its deadline, with reason link_down. Both resume
// when the link is up.
func TestLinkGoesDownAndComesBack(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.10", 24, "")+v6("2001:db8::a", 64, ""), "")
	n.farm(0, 2, "198.18.0.101", "2001:db8::101")
	n.create(flowsTo("g", "if-0", "", "", "198.18.0.101", "2001:db8::101"))
	n.run(5 * loop.Second)
	result := n.start("g")
	n.run(loop.Second)
	count := func() (sent, failed uint64) {
		c := result.Run().Counters()
		return c.PacketsActual, c.Errors
	}
	wantPort := func(state link.State) {
		t.Helper()
		if p, err := n.Port("0"); err != nil || p.State != state {
			t.Errorf("at %v: port %+v, %v", n.world.Now(), p.State, err)
		}
	}
	wantPort(link.State{Up: true})
	sent, failed := count()
	if sent < 990 || failed != 0 {
		t.Fatalf("%d sent, %d errors in a second", sent, failed)
	}
	_, seen := n.Events(0, 1)

	n.near[0].SetState(link.State{Reason: link.ReasonDown})
	wantPort(link.State{Reason: link.ReasonDown})
	short := n.learn(`{"id":"short","timeout_ms":4000,"interface_id":"if-0","addresses":["198.18.0.101","2001:db8::101"]}`)
	n.learn(`{"id":"long","timeout_ms":20000,"interface_id":"if-0","addresses":["198.18.0.102","2001:db8::102"]}`)
	n.taken()
	n.run(3900 * loop.Millisecond)
	n.wantRows("short", map[string]string{"198.18.0.101": "resolving", "2001:db8::101": "resolving"})
	n.run(100 * loop.Millisecond)
	n.wantRows("short", map[string]string{"198.18.0.101": "link_down", "2001:db8::101": "link_down"})
	n.wantRows("long", map[string]string{"198.18.0.102": "resolving", "2001:db8::102": "resolving"})
	stopped, errors := count()
	if len(n.taken()) != 0 || stopped > sent+1 || errors < 3900 || !result.Active() || short.State() != learning.StateTimedOut {
		t.Errorf("%d sent and %d errors, active %v, request %v", stopped-sent, errors, result.Active(), short.State())
	}

	n.near[0].SetState(link.State{Up: true})
	wantPort(link.State{Up: true})
	n.run(loop.Second)
	n.wantRows("long", map[string]string{"198.18.0.102": "02:fa:00:00:00:01", "2001:db8::102": "02:fa:00:00:00:01"})
	again, after := count()
	if again < stopped+900 || after > errors+1 || !result.Active() {
		t.Errorf("after it is up: %d sent, %d errors, active %v", again-stopped, after-errors, result.Active())
	}
	if changes, _ := result.NeighborChanges(); len(changes) != 0 {
		t.Errorf("next hops changed: %+v", changes)
	}
	var told []string
	events, _ := n.Events(seen, 100)
	for _, e := range events {
		if e.Type != "learning" {
			told = append(told, e.Type+" "+e.What)
		}
	}
	if want := []string{"port down", "port up"}; !slices.Equal(told, want) {
		t.Errorf("events %q, want %q", told, want)
	}
	n.learn(`{"id":"after","timeout_ms":1000,"generator_ids":["g"]}`)
	n.run(2 * loop.Second)
	if got := fmt.Sprint(n.rows("after")); strings.Count(got, "02:fa:00:00:00:00") != 2 || n.learned("g") != "resolved" {
		t.Errorf("learned anew: %s", got)
	}
}

// TestFinishedLearningIsKeptForATime: old requests and results are dropped.
func TestFinishedLearningIsKeptForATime(t *testing.T) {
	b := newBenchWith(t, engine.Limits{RetainFor: 10 * loop.Second})
	b.addInterface(ifA)
	b.addInterface(ifB)
	b.addGenerator("early", `"198.18.0.11"`)
	b.run(6 * loop.Second)
	b.addGenerator("late", `"198.18.0.77"`) // no host answers for 2 s
	kept := func(want int) {
		t.Helper()
		if requests, results := len(b.LearningRequests()), len(b.LearningResults()); requests != want || results != want {
			t.Errorf("at %v: %d requests and %d results, want %d", b.Now(), requests, results, want)
		}
	}
	for _, c := range []struct {
		until loop.Duration
		want  int
	}{{6, 2}, {9, 2}, {11, 1}, {17, 1}, {19, 0}} {
		b.run(loop.Time(c.until * loop.Second).Sub(b.Now()))
		kept(c.want)
	}
	if g, err := b.Generator("early"); err != nil || g.Learning != "resolved" {
		t.Errorf("%+v %v", g, err)
	}
}
