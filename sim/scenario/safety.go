package scenario

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/learning"
	"glean/stack/loop"
)

// Violation is something that must never happen, whatever the network does.
type Violation struct {
	At   loop.Time `json:"at_ns"`
	Rule string    `json:"rule"`
	Text string    `json:"text"`
}

// String gives the violation in one line.
func (v Violation) String() string { return fmt.Sprintf("%s %s: %s", v.At, v.Rule, v.Text) }

// Rules of safety, by the names that violations carry.
const (
	RuleMAC        = "mac"        // a learned MAC belongs to who had the address then
	RuleConfirmed  = "confirmed"  // what is learned was told by an answer that came at that moment
	RuleIdle       = "idle"       // nobody is asked for whom nobody wants
	RuleNextHop    = "next_hop"   // what is asked for is the right next hop, or there is none
	RuleUnresolved = "unresolved" // no frame of a flow whose next hop has no MAC; none to a wrong MAC
	RuleFlood      = "flood"      // at most one solicitation for a neighbor in a RetransTimer
	RuleStates     = "states"     // states move along their tables only
	RuleConserve   = "conserve"   // no frame comes from nowhere or is lost without a reason
	RuleReceived   = "received"   // no flow is received that was not sent, or more often than sent
	RuleCounters   = "counters"   // glean's counters agree with what was seen on the wire
	RuleInvariants = "invariants" // those of stacks and engine themselves
	RuleLiveness   = "liveness"   // after the network is healed, all is decided in time, rightly
	RuleAnswers    = "answers"    // glean answers for its addresses and its ranges, and for no others
	RuleConflict   = "conflict"   // who takes an address of glean's is reported
	RuleLimits     = "limits"     // rate and window of an interface are kept
	RuleKept       = "kept"       // what was learned is not forgotten because of what others do
	RuleHeader     = "header"     // all frames of an interface have its MAC and its tags, with their TPIDs and priorities
	RulePoliced    = "policed"    // a policer is asked at its rate
	RuleFollowed   = "followed"   // a running generator has the MACs of now, at most a bounded time late
)

// safety is what is known for the rules.
type safety struct {
	asked      map[question]loop.Time
	requests   map[string]learning.State
	wanted     map[question]int // by requests in progress
	violations []Violation
}

// question is a neighbor of one of glean's interfaces.
type question struct {
	endpoint uint32
	addr     [16]byte
}

// maxViolations bounds what is kept: the first ones tell the story.
const maxViolations = 20

func (r *Run) violated(rule, format string, args ...any) {
	if len(r.safety.violations) < maxViolations {
		v := Violation{r.world.Now(), rule, fmt.Sprintf(format, args...)}
		r.safety.violations = append(r.safety.violations, v)
		r.world.Note("VIOLATION %s", v)
	}
}

// sent judges a frame that has left a port; q is nil unless a generator sent it.
func (r *Run) sent(p *watchedPort, q *watchedQueue, frame []byte) {
	s := &r.seen
	if !s.look(frame) {
		p.sent[KindOther]++
		if q == nil {
			r.violated(RuleInvariants, "port %s sent a frame that can't be read: % x", p.id, frame)
		}
		return
	}
	p.sent[s.kind]++
	e := p.endpoint(s.vlans, s.src)
	if e != nil {
		r.judgeHeader(e, frame)
	}
	switch {
	case q != nil:
		r.sentTraffic(p, e, q, s)
	case e != nil && (s.kind == KindARPRequest || s.kind == KindSolicitation) && s.from != s.to && !s.from.IsUnspecified():
		r.sentQuestion(e, s.to, s.dst.IsMulticast())
		r.limited(e, s.to)
	case e != nil && (s.kind == KindARPReply || s.kind == KindAdvertisement):
		r.sentAnswer(e, s.about())
	}
}

// judgeHeader wants the same source MAC and tags of all that an interface sends,
// traffic as well as ARP and ND, with TPIDs and priorities.
func (r *Run) judgeHeader(e *endpoint, frame []byte) {
	if at := len(e.mac); !bytes.HasPrefix(frame[at:], e.own) {
		r.violated(RuleHeader, "%s sent a frame from % x, not % x", e.id, frame[at:at+len(e.own)], e.own)
	}
}

// received looks at a frame that arrived at a port.
func (r *Run) received(p *watchedPort, frame []byte) {
	s := &r.seen
	s.look(frame)
	p.received[s.kind]++
	if p.answers != nil && s.answer {
		k := vlanAddr{s.vlans, s.about()}
		p.answers[k] = append(p.answers[k], answer{r.world.Now(), s.mac})
		r.answered(p)
	}
}

// sentQuestion holds a solicitation against the one before (RFC 1122 section
// 2.3.2.1, RFC 4861 section 7.2.2).
func (r *Run) sentQuestion(e *endpoint, target netip.Addr, everybody bool) {
	k, now := question{e.index, target.As16()}, r.world.Now()
	if last, asked := r.lastAsked(e, k, target, now); asked && now.Sub(last) < e.retrans {
		r.violated(RuleFlood, "%s asked for %s again after %s, RetransTimer is %s", e.id, target, now.Sub(last), e.retrans)
	}
	// A probe of one that traffic goes to is no request's.
	if r.detailed() && everybody && r.active == 0 && r.safety.wanted[k] == 0 {
		r.violated(RuleIdle, "%s asked everybody for %s, which no request in progress wants", e.id, target)
	}
}

// lastAsked is when a question was asked before, and notes that it is asked now.
// Hosts of a farm in one family on the port of one interface have an array, in
// which times are rounded down to a microsecond.
func (r *Run) lastAsked(e *endpoint, k question, target netip.Addr, now loop.Time) (last loop.Time, asked bool) {
	if f, n := r.network.owners.farmOf(e.segment, target); f != nil && f.ipv4.IsValid() != f.ipv6.IsValid() && len(r.endpoints) == 1 {
		if f.asked == nil {
			f.asked = make([]uint32, f.hosts)
		}
		was := f.asked[n]
		f.asked[n] = uint32(now/loop.Time(loop.Microsecond)) + 1 // 0 is never
		return loop.Time(was-1) * loop.Time(loop.Microsecond), was != 0
	}
	last, asked = r.safety.asked[k]
	r.safety.asked[k] = now
	return last, asked
}

// want counts the next hops of a request in progress, or takes them off when it
// has ended.
func (r *Run) want(id string, by int) {
	q, err := r.engine.LearningRequest(id)
	if err != nil || !r.detailed() {
		return
	}
	for _, id := range q.InterfaceIDs() {
		if e := r.endpoints[id]; e != nil {
			if e.users += by; e.users == by {
				e.nextAt = 0 // nobody has asked for a while
			}
		}
	}
	for _, row := range q.Rows(learning.RowFilter{}) {
		if e := r.endpoints[row.InterfaceID]; e != nil && row.NextHop.IsValid() {
			r.safety.wanted[question{e.index, row.NextHop.As16()}] += by
			r.use(e, row.NextHop)
		}
	}
}

// sentTraffic counts a generator's frame and holds its destination MAC against
// the truth.
func (r *Run) sentTraffic(p *watchedPort, e *endpoint, q *watchedQueue, s *seen) {
	if f, ok := flowOf(s.payload); ok {
		if q.last == nil || q.last.Flow != f {
			q.last = r.flow(q.run, f)
		}
		q.last.sent++
	}
	if r.changed && e != nil && s.kind == KindTraffic {
		r.sentStale(q.run, e.nextHop(s.to), s)
	}
	if p.flapped && e != nil && s.kind == KindTraffic && !s.to.IsMulticast() {
		r.sentUnconfirmed(p, e, q.run, e.nextHop(s.to), s)
	}
	if e == nil || s.kind != KindTraffic || q.run.Program().Config().Learning.Policy == generator.PolicyFallback ||
		s.to.IsMulticast() {
		return
	}
	hop := e.nextHop(s.to)
	if !hop.IsValid() {
		r.violated(RuleUnresolved, "%s sent a frame to %s, to which there is no route", e.id, s.to)
		return
	}
	if !r.network.owners.had(e.segment, hop, s.dst, 0, r.world.Now()) && !r.network.owners.lied(e.segment, hop, s.dst) {
		r.violated(RuleUnresolved, "%s sent a frame to %s (next hop %s) to MAC %s, which never had that address",
			e.id, s.to, hop, s.dst)
	}
}

// judgeRows holds what a request found against the truth.
func (r *Run) judgeRows(q *learning.Request, rows []learning.Row) {
	for i := range rows {
		row := &rows[i]
		e := r.endpoints[row.InterfaceID]
		if e == nil {
			continue
		}
		hop := e.nextHop(row.Address)
		switch {
		case row.State == learning.StateCompleted && row.NextHop != hop:
			r.violated(RuleNextHop, "%s: next hop of %s is %s, not %s", row.InterfaceID, row.Address, hop, row.NextHop)
		case row.State == learning.StateCompleted:
			from := max(0, row.DecidedAt.Add(-r.late))
			if row.FromCache && q.Mode() != learning.ModeCached && q.Timeout() >= e.retrans {
				r.violated(RuleConfirmed, "%s: %s was taken from the cache in mode %s", q.ID(), row.Address, q.Mode())
			}
			if row.FromCache {
				from = 0 // REACHABLE is what was confirmed lately, which judgeAnswer looks at
			}
			r.judgeAnswer(e, q, row)
			if !r.network.owners.had(e.segment, hop, row.MAC, from, row.DecidedAt) {
				r.violated(RuleMAC, "%s learned %s for %s (next hop %s) at %s, which had not that address then",
					row.InterfaceID, row.MAC, row.Address, hop, row.DecidedAt)
			}
		case row.State == learning.StateTimedOut && row.Reason == learning.NoRoute && hop.IsValid(),
			row.State == learning.StateTimedOut && row.Reason == learning.NoReply && !hop.IsValid():
			r.violated(RuleNextHop, "%s: %s timed out with %s, but its next hop is %v", row.InterfaceID, row.Address, row.Reason, hop)
		}
	}
}

// reachableMost is how long a confirmation counts at most: the default
// ReachableTime, drawn half as long again (RFC 4861 section 10).
const reachableMost = 45 * loop.Second

// judgeAnswer wants the answer that told what is in a row. It must have come
// when the row was decided: learning is driven by events and not by polls.
func (r *Run) judgeAnswer(e *endpoint, q *learning.Request, row *learning.Row) {
	i := slices.IndexFunc(r.ports, func(p *watchedPort) bool { return p.id == e.port })
	if i < 0 || r.ports[i].answers == nil {
		return
	}
	from := row.DecidedAt
	switch {
	case row.FromCache && q.Mode() == learning.ModeCached:
		from = from.Add(-reachableMost)
	case row.FromCache: // so lately that asking again would be too early
		from = from.Add(-e.retrans)
	}
	for _, a := range r.ports[i].answers[vlanAddr{e.vlans, row.NextHop}] {
		if (a.mac == row.MAC || a.mac.IsZero()) && a.at >= from && a.at <= row.DecidedAt {
			return
		}
	}
	r.violated(RuleConfirmed, "%s learned %s for %s at %s (from cache: %t), but no answer told it then",
		row.InterfaceID, row.MAC, row.NextHop, row.DecidedAt, row.FromCache)
}

// judgeState follows a request along its table.
func (r *Run) judgeState(id, what string) {
	next, ok := learning.ParseState(what)
	if !ok {
		r.violated(RuleStates, "request %s: unknown state %q", id, what)
		return
	}
	was, known := r.safety.requests[id]
	if !known {
		r.resolving++
		r.order = append(r.order, id)
		r.want(id, +1)
	}
	if next != learning.StateResolving {
		r.resolving--
		r.want(id, -1)
	}
	if known && was != learning.StateResolving {
		r.violated(RuleStates, "request %s: %s after %s", id, next, was)
	}
	r.safety.requests[id] = next
}

// judgeStart checks the gate: a generator transmits only if it has learned all,
// or was told to do without.
func (r *Run) judgeStart(id string) {
	g, err := r.engine.Generator(id)
	if err != nil {
		return
	}
	if policy := r.policies[id]; policy == generator.PolicyRefuse && g.Learning != "resolved" && g.Learning != "unsupported" {
		r.violated(RuleStates, "generator %s was started while %s", id, g.Learning)
	}
	if n := r.engine.Unconfirmed(id); n > 0 {
		r.violated(RuleStates, "generator %s was started while %d next hops are unconfirmed", id, n)
	}
}

// judgeWorld checks what must hold between any two events.
func (r *Run) judgeWorld() {
	if err := r.world.Check(); err != nil {
		r.violated(RuleConserve, "%v", err)
	}
	for _, s := range r.network.stations {
		if err := s.host.Stack().Check(); err != nil {
			r.violated(RuleInvariants, "host %s: %v", s.name, err)
		}
	}
	if err := r.checkEngine(); err != nil {
		r.violated(RuleInvariants, "glean: %v", err)
	}
	for _, q := range r.engine.LearningRequests() {
		p := q.Progress()
		if p.Resolving+p.Completed+p.TimedOut != p.Total {
			r.violated(RuleCounters, "request %s: progress %+v does not add up", q.ID(), p)
		}
	}
}

// checkEngine looks through all that glean knows, unless that is a million
// neighbors ten times a second.
func (r *Run) checkEngine() error {
	if !r.detailed() {
		return nil
	}
	return r.engine.Check()
}

// judgeNeighbors holds the neighbor cache against the truth.
func (r *Run) judgeNeighbors() {
	for _, n := range r.engine.Neighbors(noFilter) {
		e := r.endpoints[n.InterfaceID]
		if e == nil || n.Info.MAC.IsZero() {
			continue
		}
		if !r.network.owners.had(e.segment, n.Info.Addr, n.Info.MAC, 0, r.world.Now()) && !r.network.owners.lied(e.segment, n.Info.Addr, n.Info.MAC) {
			r.violated(RuleMAC, "%s has %s at %s in its cache, which never had that address", n.InterfaceID, n.Info.Addr, n.Info.MAC)
		}
	}
}
