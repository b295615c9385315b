package swarm

import (
	"slices"

	"glean/learning"
	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/loop"
)

// drawnPolicer is a device with many addresses that answers a number of solicitations per
// second and drops the rest.
type drawnPolicer struct {
	Rate, Bucket, Hosts int
	Delay               loop.Duration
	At                  loop.Duration // when its addresses are requested
}

const (
	policerName    = "policer"
	policedRequest = "lr-policed"
)

// drawPolicer adds a policer to a few of the worlds in which nothing else limits the rate
// of solicitations and no crowd of dead addresses hides the policer. It has so many
// addresses that finding its rate saves time.
func (w *RandomWorld) drawPolicer(d dice) {
	seg := &w.Segments[0]
	if d.IntN(1000) >= 25 || w.Heal > 0 || !w.IPv6 || w.Retrans != loop.Second || len(w.Orders) > 0 ||
		slices.ContainsFunc(w.Requests, func(q drawnRequest) bool { return q.Crowd > 0 }) ||
		seg.Inner > 0 || seg.MaxEntries > 0 || seg.RatePPS > 0 || seg.Window > 0 {
		return
	}
	p := &drawnPolicer{Rate: d.between(300, 2000), Bucket: d.between(64, 300), Delay: d.time(0, loop.Millisecond), At: d.time(0, 2*loop.Second)}
	p.Hosts = p.Bucket + max(2*p.Rate, 2000) + d.between(0, p.Rate)
	w.Policer = p
}

// addPolicer adds the policer to the first segment and requests its addresses.
func (w *RandomWorld) addPolicer(s *scenario.Scenario) {
	p := w.Policer
	if p == nil {
		return
	}
	_, near6, _, _ := w.prefixes(0)
	s.Topology.Farms = append(s.Topology.Farms, topology.Farm{
		Name: policerName, Hosts: p.Hosts, On: w.lan(0), VLAN: uint16(w.Segments[0].VLAN),
		IPv6: sim.Address(near6, placePoliced), Wire: topology.Wire{Delay: p.Delay},
	})
	s.Topology.Faults = append(s.Topology.Faults, topology.Fault{Wires: []string{policerName}, Direction: topology.In, Rules: []func() sim.Rule{
		func() sim.Rule { return sim.Police(uint64(p.Rate), p.Bucket) },
	}})
	var addresses []string
	for k := range p.Hosts {
		addresses = append(addresses, sim.Address(near6, uint32(placePoliced+k)).String())
	}
	raw := body(object{"id": policedRequest, "interface_id": "if-0", "addresses": addresses, "timeout_ms": 40_000})
	s.Timeline = append(s.Timeline, scenario.Step{At: p.At, Text: "learn " + policedRequest, Engine: func(r *scenario.Run) error { return r.Learn(raw) }})
}

// least returns the shortest time in which all hosts can answer.
func (p *drawnPolicer) least() loop.Duration {
	return loop.Duration(p.Hosts-p.Bucket) * loop.Second / loop.Duration(p.Rate)
}

// most returns the time in which all hosts must be found: one and a half times the least
// and two RetransTimers. Other addresses of the port share the rate and may wait as long.
func (p *drawnPolicer) most() loop.Duration {
	if p == nil {
		return 0
	}
	return p.least()*3/2 + 2*loop.Second
}

// check requires that all hosts are found in time, with at most two solicitations
// each.
func (p *drawnPolicer) check(r *scenario.Run, q *learning.Request) {
	last := loop.Duration(0)
	for _, row := range q.Destinations(learning.DestinationFilter{}) {
		last = max(last, row.DecidedAt.Sub(q.CreatedAt()))
	}
	sent := int(q.RequestsSent())
	if q.State() != learning.StateCompleted || last > p.most() || sent > 2*p.Hosts {
		r.AddViolation(scenario.RulePoliced, "%s is %s after %s and %d solicitations; at %d per second, bucket %d, %d hosts take %s at least, and may take %s and %d solicitations",
			q.ID(), q.State(), last, sent, p.Rate, p.Bucket, p.Hosts, p.least(), p.most(), 2*p.Hosts)
	}
}
