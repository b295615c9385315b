package scenario

import (
	"bytes"
	"net/netip"
	"slices"

	"glean/learning"
	"glean/stack/loop"
)

// safety is what the rules of safety remember.
type safety struct {
	solicited  map[neighbor]loop.Time // when each neighbor was solicited last
	farms      [][]uint32             // the same for hosts of farms, see lastSolicited
	requests   map[string]learning.State
	wanted     map[neighbor]int // how many requests in progress want it
	violations []Violation
}

// neighbor is a next hop of one of glean's interfaces.
type neighbor struct {
	endpoint uint32
	addr     [16]byte
}

// frameSent judges a frame that has left a port. q is nil unless a generator sent it.
func (r *Run) frameSent(p *watchedPort, q *watchedQueue, frame []byte) {
	f := &r.frame
	if !f.parse(frame) {
		p.sent[kindOther]++
		if q == nil {
			r.AddViolation(RuleInvariants, "port %s sent a malformed frame: % x", p.id, frame)
		}
		return
	}
	p.sent[f.kind]++
	e := p.endpoint(f.vlans, f.src)
	if e != nil {
		r.checkHeader(e, frame)
	}
	switch {
	case q != nil:
		r.trafficSent(p, e, q, f)
	case e != nil && (f.kind == kindARPRequest || f.kind == kindSolicitation) && f.from != f.to && !f.from.IsUnspecified():
		r.solicitationSent(e, f.to, f.dst.IsMulticast())
		r.checkLimits(e, f.to)
	case e != nil && (f.kind == kindARPReply || f.kind == kindAdvertisement):
		r.checkOwnAnswer(e, f.answeredFor())
	}
}

// frameReceived keeps the answers among the frames that arrive at a port.
func (r *Run) frameReceived(p *watchedPort, frame []byte) {
	f := &r.frame
	f.parse(frame)
	p.received[f.kind]++
	if p.answers != nil && f.isAnswer {
		k := vlanAddr{f.vlans, f.answeredFor()}
		p.answers[k] = append(p.answers[k], answer{r.world.Now(), f.answerMAC})
		r.clearOutstanding(p)
	}
}

// checkHeader requires that all frames of an interface, traffic as well as ARP and
// ND, have its source MAC and its tags, with their TPIDs and priorities.
func (r *Run) checkHeader(e *Endpoint, frame []byte) {
	if at := len(e.MAC); !bytes.HasPrefix(frame[at:], e.prefix) {
		r.AddViolation(RuleHeader, "%s sent a frame from % x, not % x", e.ID, frame[at:at+len(e.prefix)], e.prefix)
	}
}

// checkOwnAnswer requires that glean answers only for its own addresses and for
// those of respond_for.
func (r *Run) checkOwnAnswer(e *Endpoint, about netip.Addr) {
	if !e.IsOwn(about) && !slices.ContainsFunc(e.respondFor, func(p netip.Prefix) bool { return p.Contains(about) }) {
		r.AddViolation(RuleAnswers, "%s answered for %s, which is not its own", e.ID, about)
	}
}

// solicitationSent compares a solicitation with the one before to the same neighbor
// (RFC 1122 section 2.3.2.1, RFC 4861 section 7.2.2).
func (r *Run) solicitationSent(e *Endpoint, target netip.Addr, multicast bool) {
	k, now := neighbor{e.index, target.As16()}, r.world.Now()
	if last, again := r.lastSolicited(e, k, target, now); again && now.Sub(last) < e.RetransTimer {
		r.AddViolation(RuleFlood, "%s solicited %s again after %s; RetransTimer is %s", e.ID, target, now.Sub(last), e.RetransTimer)
	}
	// While a generator runs, glean also probes next hops that no request wants.
	if r.isSmall() && multicast && r.active == 0 && r.safety.wanted[k] == 0 {
		r.AddViolation(RuleIdle, "%s sent a multicast or broadcast solicitation for %s, which no request in progress wants", e.ID, target)
	}
}

// lastSolicited returns when a neighbor was solicited before, and records that it is
// solicited now. The hosts of a farm of one address family on the only interface
// have an array, whose times are rounded down to a microsecond.
func (r *Run) lastSolicited(e *Endpoint, k neighbor, target netip.Addr, now loop.Time) (last loop.Time, again bool) {
	if farm, host, ok := r.network.Owners().Farm(e.Segment, target); ok && len(r.endpoints) == 1 {
		spec := &r.scenario.Topology.Farms[farm]
		if spec.IPv4.IsValid() != spec.IPv6.IsValid() {
			times := r.farmTimes(farm, spec.Hosts)
			was := times[host]
			times[host] = uint32(now/loop.Time(loop.Microsecond)) + 1 // 0 is never
			return loop.Time(was-1) * loop.Time(loop.Microsecond), was != 0
		}
	}
	last, again = r.safety.solicited[k]
	r.safety.solicited[k] = now
	return last, again
}

func (r *Run) farmTimes(farm, hosts int) []uint32 {
	if r.safety.farms == nil {
		r.safety.farms = make([][]uint32, len(r.scenario.Topology.Farms))
	}
	if r.safety.farms[farm] == nil {
		r.safety.farms[farm] = make([]uint32, hosts)
	}
	return r.safety.farms[farm]
}

// countWanted adds the next hops of a request that has begun, or takes off those of
// one that has ended.
func (r *Run) countWanted(request string, by int) {
	q, err := r.engine.LearningRequest(request)
	if err != nil || !r.isSmall() {
		return
	}
	for _, id := range q.InterfaceIDs() {
		if e := r.endpoints[id]; e != nil {
			if e.requests += by; e.requests == by {
				e.nextAt = 0 // the pace begins anew after a pause
			}
		}
	}
	for _, row := range q.Destinations(learning.DestinationFilter{}) {
		if e := r.endpoints[row.InterfaceID]; e != nil && row.NextHop.IsValid() {
			r.safety.wanted[neighbor{e.index, row.NextHop.As16()}] += by
			e.nextHops[row.NextHop] = true
		}
	}
}
