package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"glean/generator/program"
	"glean/learning"
	"glean/sim"
	"glean/sim/topology"
	"glean/stack/header"
	"glean/stack/loop"
)

// Report is the result of a run. Times are nanoseconds of the world's clock.
type Report struct {
	Scenario    string        `json:"scenario"`
	About       string        `json:"about,omitempty"`
	Seed        uint64        `json:"seed"`
	Fingerprint string        `json:"fingerprint"`
	Duration    loop.Duration `json:"duration_ns"`

	Learning   []Request   `json:"learning"`
	Generators []Generator `json:"generators"`
	Flows      []Flow      `json:"flows"`
	Frames     []KindCount `json:"frames"`
	Drops      []DropCount `json:"drops"`
	// Conflicts lists glean's interfaces with an address that another station claims.
	Conflicts []string `json:"conflicts"`
	Delivered uint64   `json:"frames_delivered"` // over all wires
	// TrafficDropped is the number of generators' frames that wires dropped.
	TrafficDropped uint64 `json:"traffic_dropped"`

	Faults       []string      `json:"failed_steps"`
	Expectations []Expectation `json:"expectations"`
	Violations   []Violation   `json:"violations"`

	interfaces []*Endpoint // in the order in which they were made
	drawing    *topology.Drawing
}

// OK reports whether all expectations held, all steps succeeded and no rule was broken.
func (r *Report) OK() bool {
	return len(r.Violations) == 0 && len(r.Faults) == 0 &&
		!slices.ContainsFunc(r.Expectations, func(e Expectation) bool { return !e.Held })
}

// Request is a learning request.
type Request struct {
	ID         string        `json:"id"`
	State      string        `json:"state"`
	Generators []string      `json:"generator_ids,omitempty"`
	Took       loop.Duration `json:"duration_ns"`
	Completed  int           `json:"completed"`
	TimedOut   int           `json:"timed_out"`
	NextHops   int           `json:"next_hops"`
	Sent       uint64        `json:"requests_sent"`
	Replies    uint64        `json:"replies_received"`
	RTT        Quantiles     `json:"rtt_ns"`       // of the answered solicitation
	Settled    Quantiles     `json:"completed_ns"` // from the request to the answer
	Addresses  []Address     `json:"addresses"`
}

// Quantiles of a set of durations; all zero if it is empty.
type Quantiles struct {
	P50 loop.Duration `json:"p50"`
	P90 loop.Duration `json:"p90"`
	P99 loop.Duration `json:"p99"`
	Max loop.Duration `json:"max"`
}

// Address is the result of a destination.
type Address struct {
	Address   netip.Addr    `json:"ip_address"`
	Interface string        `json:"interface_id"`
	NextHop   netip.Addr    `json:"next_hop_address,omitzero"`
	State     string        `json:"state"`
	Reason    string        `json:"reason,omitempty"`
	MAC       header.MAC    `json:"mac_address,omitzero"`
	Attempts  uint32        `json:"attempts"`
	RTT       loop.Duration `json:"rtt_ns,omitempty"`
	FromCache bool          `json:"from_cache,omitempty"`
	Owner     string        `json:"owner,omitempty"` // the host that has the address
	At        loop.Time     `json:"at_ns"`
}

// Generator is the sum of all runs of a generator.
type Generator struct {
	ID       string `json:"id"`
	Target   string `json:"target_id"`
	Learning string `json:"learning"`
	Refused  string `json:"refused,omitempty"` // why it was not started
	Runs     int    `json:"runs"`
	Sent     uint64 `json:"packets_sent"`
	Received uint64 `json:"packets_received"` // by the owners of the destinations
	Skipped  uint64 `json:"packets_skipped"`
	Stale    uint64 `json:"packets_to_stale_mac"`
	Changes  uint64 `json:"neighbor_changes"`
	Errors   uint64 `json:"errors"`
	Flows    uint64 `json:"flow_count"`
}

// KindCount counts frames of a kind at glean's ports.
type KindCount struct {
	Kind     string `json:"kind"`
	Sent     uint64 `json:"sent"`
	Received uint64 `json:"received"`
}

// DropCount counts frames that did not arrive, over all wires.
type DropCount struct {
	Reason string `json:"reason"`
	Frames uint64 `json:"frames"`
}

func (r *Run) reportConflicts() []string {
	list := []string{}
	for _, i := range r.engine.Interfaces() {
		if !i.Conflict4.IsZero() || !i.Conflict6.IsZero() || !i.ConflictLinkLocal.IsZero() {
			list = append(list, i.Spec.ID)
		}
	}
	return list
}

// Finish ends the run with a report.
func (r *Run) Finish() (*Report, error) {
	out := &Report{
		Scenario: r.scenario.Name, About: r.scenario.About, Seed: r.seed,
		Duration: r.world.Now().Sub(0), Delivered: r.world.Delivered(),
		Learning: []Request{}, Generators: []Generator{}, Faults: append([]string{}, r.failedSteps...),
		TrafficDropped: r.lost, interfaces: r.interfaces, drawing: r.network.Drawing(),
	}
	arrived := r.network.Received()
	for _, id := range r.requests {
		q, err := r.engine.LearningRequest(id)
		if err != nil {
			continue // deleted
		}
		rows := q.Destinations(learning.DestinationFilter{})
		r.checkRows(q, rows)
		out.Learning = append(out.Learning, r.reportRequest(q, rows, arrived))
	}
	r.checkNeighbors()
	runs := make(map[*program.Run]string)
	for _, res := range r.engine.Results() {
		runs[res.Run()] = res.Generator.ID
	}
	out.Flows = append([]Flow{}, r.reportFlows(runs, arrived)...)
	out.Generators = r.reportGenerators(out.Flows)
	out.Frames, out.Drops = r.reportFrames()
	out.Conflicts = r.reportConflicts()
	out.Fingerprint = fmt.Sprintf("%016x", r.world.Fingerprint())
	out.Expectations = r.scenario.Expect.judge(out)
	out.Violations = append([]Violation{}, r.safety.violations...)
	if r.options.Capture != nil {
		return out, r.options.Capture.Close()
	}
	return out, nil
}

func (r *Run) reportRequest(q *learning.Request, rows []learning.Destination, arrived *topology.Received) Request {
	out := Request{
		ID: q.ID(), State: q.State().String(), Generators: q.GeneratorIDs(), NextHops: q.NextHops(),
		Completed: q.Progress().Completed, TimedOut: q.Progress().TimedOut,
		Sent: q.RequestsSent(), Replies: q.RepliesReceived(), Addresses: make([]Address, 0, len(rows)),
	}
	if at, ended := q.FinishedAt(); ended {
		out.Took = at.Sub(q.CreatedAt())
	}
	rtts, settled := make([]loop.Duration, 0, len(rows)), make([]loop.Duration, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		a := Address{
			Address: row.Address, Interface: row.InterfaceID, NextHop: row.NextHop, State: row.State.String(),
			Reason: row.Reason.String(), Attempts: row.Attempts, FromCache: row.FromCache, At: row.DecidedAt,
			Owner: arrived.Owner(r.endpoints[row.InterfaceID].segment(), row.Address),
		}
		if row.State == learning.StateCompleted {
			a.MAC, a.RTT = row.MAC, row.RTT
			settled = append(settled, row.DecidedAt.Sub(q.CreatedAt()))
			if !row.FromCache {
				rtts = append(rtts, row.RTT)
			}
		}
		out.Addresses = append(out.Addresses, a)
	}
	out.RTT, out.Settled = quantiles(rtts), quantiles(settled)
	return out
}

// quantiles returns the quantiles of a list, which it sorts.
func quantiles(d []loop.Duration) (q Quantiles) {
	if len(d) == 0 {
		return q
	}
	slices.Sort(d)
	at := func(percent int) loop.Duration { return d[(len(d)-1)*percent/100] }
	return Quantiles{P50: at(50), P90: at(90), P99: at(99), Max: d[len(d)-1]}
}

func (r *Run) reportGenerators(flows []Flow) []Generator {
	list := []Generator{}
	seen := make(map[*program.Run]uint64)
	for _, q := range r.queues {
		seen[q.run] += q.frames
	}
	for _, g := range r.engine.Generators() {
		out := Generator{ID: g.ID, Target: g.TargetID, Learning: g.Learning, Refused: r.refused[g.ID], Flows: g.FlowCount}
		for _, res := range r.engine.Results() {
			if res.Generator.ID != g.ID {
				continue
			}
			c := res.Run().Counters()
			changes, left := res.NeighborChanges()
			out.Changes += uint64(len(changes)) + left
			r.checkStaleCount(g.ID, res)
			r.checkUnconfirmedCount(g.ID, res)
			out.Runs++
			out.Sent += c.PacketsActual
			out.Skipped += c.PacketsSkipped
			out.Stale += c.PacketsToStale
			out.Errors += c.Errors
			if n := seen[res.Run()]; n != c.PacketsActual {
				r.AddViolation(RuleCounters, "generator %s counts %d sent frames; %d were seen", g.ID, c.PacketsActual, n)
			}
		}
		for _, f := range flows {
			if f.Generator == g.ID {
				out.Received += f.Received
			}
		}
		list = append(list, out)
	}
	return list
}

func (r *Run) reportFrames() ([]KindCount, []DropCount) {
	kinds, drops := []KindCount{}, []DropCount{}
	for k := range numFrameKinds {
		c := KindCount{Kind: k.String()}
		for _, p := range r.ports {
			c.Sent += p.sent[k]
			c.Received += p.received[k]
		}
		if c.Sent+c.Received > 0 {
			kinds = append(kinds, c)
		}
	}
	all := r.world.Traffic()
	for _, d := range sim.Drops() {
		if n := all.Dropped[d]; n > 0 {
			drops = append(drops, DropCount{d.String(), n})
		}
	}
	return kinds, drops
}
