package scenario

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"glean/learning"
	"glean/server/engine"
	"glean/stack/header"
	"glean/stack/loop"
)

// What must hold whatever spoofers do and however an interface is limited.

// judgeVisit wants a host to know an address of glean's at glean's MAC, and one
// that is none of glean's to be nobody's.
func (r *Run) judgeVisit(v drawnVisit, host string, a netip.Addr) {
	e, i := r.endpoints[fmt.Sprintf("if-%d", v.Segment)], r.network.byName[host].host.Interface(0)
	info, _ := i.Neighbor(a)
	i.Untrack(a)
	if _, gone := r.engine.Interface(e.id); gone != nil {
		return
	}
	want := e.mac
	if v.What == visitBeyond {
		want = header.MAC{}
	}
	if info.MAC != want {
		r.violated(RuleAnswers, "%s has %s for %s of %s, want %s", host, info.MAC, a, e.id, want)
	}
}

// judgeConflict wants an interface to know who took its address a moment ago, and
// an event that told it.
func (r *Run) judgeConflict(id, spoofer string, a netip.Addr) error {
	v, gone := r.engine.Interface(id)
	s, err := r.network.host(spoofer)
	if gone != nil || err != nil {
		return err
	}
	mac := v.Conflict4
	if a.Is6() {
		mac = v.Conflict6
	}
	want := s.host.Interface(0).MAC()
	if mac != want {
		r.violated(RuleConflict, "%s says that %s has its address %s; it is %s", id, mac, a, want)
	}
	told := fmt.Sprintf("%s: %v is claimed by ", id, a) // not by each rival: they may take turns
	if !slices.ContainsFunc(r.conflicts, func(e string) bool { return strings.HasPrefix(e, told) }) {
		r.violated(RuleConflict, "no event of %s tells that somebody has its address %s", id, a)
	}
	return nil
}

// sentAnswer wants what glean says of an address to be about one of its own, or of
// those that it answers for.
func (r *Run) sentAnswer(e *endpoint, about netip.Addr) {
	if !e.isOwn(about) && !slices.ContainsFunc(e.respond, func(p netip.Prefix) bool { return p.Contains(about) }) {
		r.violated(RuleAnswers, "%s answered for %s, which is not its own", e.id, about)
	}
}

// maxCatchUp is by how much the questions of a paced interface may be early, for
// what was late before (see learning, lane.pace).
const maxCatchUp = 2 * loop.Millisecond

// limited holds a question against the limits of its interface, as long as nobody
// asks but learning. Each interface begins anew when nothing has been learned for a
// while.
func (r *Run) limited(e *endpoint, target netip.Addr) {
	if r.everActive || e.users == 0 {
		return
	}
	now := r.world.Now()
	if e.rate > 0 {
		if now < e.nextAt {
			r.violated(RuleLimits, "%s asked at %s, and may %d times a second: not before %s", e.id, now, e.rate, e.nextAt)
		}
		e.nextAt = max(e.nextAt, now.Add(-maxCatchUp)).Add(loop.Second / loop.Duration(e.rate))
	}
	if e.flying == nil || e.flyingAt != now {
		e.flyingAt, e.flying = now, make(map[netip.Addr]bool)
	}
	e.flying[target] = true
	if most := 2 * e.window; e.window > 0 && len(e.flying) > most { // twice: for dead ones, see learning's window
		r.violated(RuleLimits, "%s asked %d questions at once, its window is %d", e.id, len(e.flying), e.window)
	}
}

// answered forgets the questions that were asked at this moment by a port: an answer
// that takes no time has overtaken all that were asked before, and others may be
// asked then.
func (r *Run) answered(p *watchedPort) {
	for _, e := range r.endpoints { // each is looked at on its own
		if e.port == p.id {
			clear(e.flying)
		}
	}
}

// use counts the requests that use an interface, and keeps which next hops were
// ever wanted on it.
func (r *Run) use(e *endpoint, hop netip.Addr) {
	if e.hops == nil {
		e.hops = make(map[netip.Addr]bool)
	}
	e.hops[hop] = true
}

// crowded tells whether more was wanted on an interface than it has room for: then
// table_full is right, and which address it is for is not known here.
func (e *endpoint) crowded() bool { return e.maxEntries > 0 && len(e.hops) > e.maxEntries }

// judgeKept wants what was learned to be in the cache still, however many others asked
// for a place there, if there is room for all that was wanted. What was asked for
// again in vain is not, and may not be what a generator used.
func (r *Run) judgeKept() {
	inVain, used := make(map[question]bool), make(map[*endpoint]bool)
	for _, e := range r.targets {
		used[e] = true
	}
	for _, q := range r.engine.LearningRequests() {
		for _, row := range q.Rows(learning.RowFilter{State: learning.StateTimedOut}) {
			if e := r.endpoints[row.InterfaceID]; row.NextHop.IsValid() {
				inVain[question{e.index, row.NextHop.As16()}] = true
			}
		}
	}
	for _, q := range r.engine.LearningRequests() {
		for _, row := range q.Rows(learning.RowFilter{State: learning.StateCompleted}) {
			e := r.endpoints[row.InterfaceID]
			if !e.crowded() && !used[e] && !inVain[question{e.index, row.NextHop.As16()}] {
				r.judgeKeptRow(q, &row)
			}
		}
	}
}

func (r *Run) judgeKeptRow(q *learning.Request, row *learning.Row) {
	if len(r.engine.Neighbors(engine.NeighborFilter{InterfaceID: row.InterfaceID, Address: row.NextHop})) == 0 {
		r.violated(RuleKept, "%s: %s learned %s for %s, which is not in its cache any more", q.ID(), row.InterfaceID, row.MAC, row.NextHop)
	}
}

// patience is how much longer limits may make an answer take: all that waits on the
// port is asked before, three times, and each question takes its place in the pace
// and, unanswered, for as long as a RetransTimer, in the window.
func (r *Run) patience(e *endpoint) (more loop.Duration) {
	hops, window := 0, 0
	for _, other := range r.endpoints {
		if other.port != e.port {
			continue
		}
		hops += len(other.hops)
		if other.window > 0 && (window == 0 || other.window < window) {
			window = other.window
		}
	}
	if e.rate > 0 {
		more += loop.Duration(3*len(e.hops)) * loop.Second / loop.Duration(e.rate)
	}
	if window > 0 {
		more += loop.Duration(3*hops/window) * e.retrans
	}
	return more
}

// verdict is why an address that nobody has is given up: no answer came, unless
// somebody took glean's own address and would have got it.
func (w *Drawn) verdict(e *endpoint, hop netip.Addr, deadline loop.Time, got learning.Reason) learning.Reason {
	for i := range w.Segments {
		s := w.Segments[i].Spoofer
		if s == nil || e.id != fmt.Sprintf("if-%d", i) {
			continue
		}
		for _, lie := range s.Lies {
			at := loop.Time(lie.At)
			if lie.Target.Kind != targetOwn || lie.Target.V6 != hop.Is6() || at > deadline {
				continue
			}
			if lie.At > w.Heal && at.Add(drawnLate) < deadline {
				return learning.AddressConflict
			}
			if got == learning.AddressConflict {
				return got // it may have been lost, or be under way
			}
		}
	}
	return learning.NoReply
}
