package scenario

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"glean/stack/loop"
)

// Expect holds the expectations of a scenario. A zero member expects nothing.
type Expect struct {
	// Learning is the state in which every request ends.
	Learning string
	// TimedOut holds the addresses without an answer and their reasons. If it is not nil,
	// every other address must have completed.
	TimedOut map[netip.Addr]string
	// Within is the longest time that a request may take.
	Within loop.Duration
	// AnsweredWithin is the longest time from a request to its last answer.
	AnsweredWithin loop.Duration
	// Started lists the generators that must transmit, Refused those whose start must
	// be refused.
	Started, Refused []string
	// Received is the share of the frames of each flow that must arrive at least.
	Received Share
	// Accounted requires that wires have dropped as many frames as were not received.
	Accounted bool
	// Flows is the number of flows that are sent.
	Flows int
	// NeighborChanges is the number of changes of next hops of running generators, and
	// Stale the number of frames to MACs that were already known to be wrong.
	NeighborChanges, Stale *uint64
	// Conflicts lists the IDs of glean's interfaces with an address that another station
	// claims; nil expects nothing.
	Conflicts []string
}

// Share is a part of a whole in parts per million.
type Share uint32

// all is the whole.
const all Share = 1_000_000

// String returns percent, for example "12.50%".
func (s Share) String() string { return fmt.Sprintf("%d.%02d%%", s/10_000, s%10_000/100) }

// Expectation is one expectation and whether it held.
type Expectation struct {
	What string `json:"what"`
	Held bool   `json:"held"`
	Why  string `json:"why"` // what happened instead, or how it held
}

// judge compares a report with the expectations.
func (e *Expect) judge(r *Report) []Expectation {
	list := []Expectation{}
	add := func(held bool, why, what string, args ...any) {
		list = append(list, Expectation{fmt.Sprintf(what, args...), held, why})
	}
	if e.Learning != "" {
		held, why := e.judgeLearning(r)
		add(held, why, "every learning request ends %s", e.Learning)
	}
	if e.TimedOut != nil {
		held, why := e.judgeTimedOut(r)
		add(held, why, "%d addresses time out for their reasons, and all others complete", len(e.TimedOut))
	}
	if e.Within > 0 {
		held, why := judgeTime(r, e.Within, func(q Request) loop.Duration { return q.Took })
		add(held, why, "learning takes at most %s", e.Within)
	}
	if e.AnsweredWithin > 0 {
		held, why := judgeTime(r, e.AnsweredWithin, func(q Request) loop.Duration { return q.Settled.Max })
		add(held, why, "the last answer comes within %s", e.AnsweredWithin)
	}
	for _, id := range e.Started {
		held, why := judgeGenerator(r, id, func(g Generator) bool { return g.Sent > 0 })
		add(held, why, "generator %s transmits", id)
	}
	for _, id := range e.Refused {
		held, why := judgeGenerator(r, id, func(g Generator) bool { return g.Runs == 0 && g.Refused != "" })
		add(held, why, "generator %s is refused", id)
	}
	if e.Flows > 0 {
		add(len(r.Flows) == e.Flows, fmt.Sprintf("%d", len(r.Flows)), "%d flows are sent", e.Flows)
	}
	if e.NeighborChanges != nil {
		n := sum(r, func(g Generator) uint64 { return g.Changes })
		add(n == *e.NeighborChanges, fmt.Sprint(n), "next hops change %d times under running generators", *e.NeighborChanges)
	}
	if e.Stale != nil {
		n := sum(r, func(g Generator) uint64 { return g.Stale })
		add(n == *e.Stale, fmt.Sprint(n), "%d frames go to a MAC that is known to be wrong", *e.Stale)
	}
	if e.Conflicts != nil {
		add(slices.Equal(slices.Sorted(slices.Values(e.Conflicts)), r.Conflicts), fmt.Sprint(r.Conflicts), "other stations claim addresses of the interfaces %v", e.Conflicts)
	}
	if e.Received > 0 {
		held, why := e.judgeReceived(r)
		add(held, why, "the owners receive %s of each flow", e.Received)
	}
	if e.Accounted {
		held, why := judgeAccounts(r)
		add(held, why, "every frame that is not received was dropped by a wire")
	}
	return list
}

func sum(r *Report, of func(Generator) uint64) (n uint64) {
	for _, g := range r.Generators {
		n += of(g)
	}
	return n
}

func judgeAccounts(r *Report) (bool, string) {
	sent, received := uint64(0), uint64(0)
	for _, f := range r.Flows {
		sent += f.Sent
		received += f.Received
	}
	why := fmt.Sprintf("%d sent, %d received, %d dropped by wires", sent, received, r.TrafficDropped)
	return sent <= received+r.TrafficDropped, why // a flooded frame may be dropped more than once
}

func (e *Expect) judgeLearning(r *Report) (bool, string) {
	for _, q := range r.Learning {
		if q.State != e.Learning {
			return false, fmt.Sprintf("request %s is %s: %d completed, %d timed out", q.ID, q.State, q.Completed, q.TimedOut)
		}
	}
	return len(r.Learning) > 0, fmt.Sprintf("%d requests", len(r.Learning))
}

func (e *Expect) judgeTimedOut(r *Report) (bool, string) {
	completed := 0
	missing := make(map[netip.Addr]string)
	for a, why := range e.TimedOut {
		missing[a] = why
	}
	for _, q := range r.Learning {
		for _, a := range q.Addresses {
			want, dead := e.TimedOut[a.Address]
			delete(missing, a.Address)
			switch {
			case dead && (a.State != "timed_out" || a.Reason != want):
				return false, fmt.Sprintf("%s is %s %s, not timed_out %s", a.Address, a.State, a.Reason, want)
			case !dead && a.State != "completed":
				return false, fmt.Sprintf("%s is %s %s after %d attempts", a.Address, a.State, a.Reason, a.Attempts)
			case !dead:
				completed++
			}
		}
	}
	if len(missing) > 0 {
		first := slices.SortedFunc(maps.Keys(missing), netip.Addr.Compare)[0]
		return false, fmt.Sprintf("no request has the address %s", first)
	}
	return completed > 0, fmt.Sprintf("%d completed", completed)
}

func judgeTime(r *Report, limit loop.Duration, of func(Request) loop.Duration) (bool, string) {
	longest := loop.Duration(0)
	for _, q := range r.Learning {
		longest = max(longest, of(q))
	}
	return longest <= limit, longest.String()
}

func judgeGenerator(r *Report, id string, ok func(Generator) bool) (bool, string) {
	for _, g := range r.Generators {
		if g.ID == id {
			why := fmt.Sprintf("%s, %d frames sent, %d received", g.Learning, g.Sent, g.Received)
			if g.Refused != "" {
				why += "; " + g.Refused
			}
			return ok(g), why
		}
	}
	return false, fmt.Sprintf("no generator %q", id)
}

func (e *Expect) judgeReceived(r *Report) (bool, string) {
	sent, received := uint64(0), uint64(0)
	for _, f := range r.Flows {
		if f.Received*uint64(all) < f.Sent*uint64(e.Received) {
			return false, fmt.Sprintf("%s to %s: %d of %d", f.Generator, f.Destination, f.Received, f.Sent)
		}
		sent += f.Sent
		received += f.Received
	}
	return sent > 0, fmt.Sprintf("%d of %d frames in %d flows", received, sent, len(r.Flows))
}
