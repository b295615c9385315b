package scenario

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"glean/generator/program"
	"glean/sim"
	"glean/sim/topology"
	"glean/stack/header"
)

// flowSent counts the frames of a flow that a run of a generator has sent from its port.
type flowSent struct {
	sim.Flow
	run  *program.Run
	sent uint64
}

type flowID struct {
	flow sim.Flow
	run  *program.Run
}

// flow returns the count of a flow, and makes it for the first frame.
func (r *Run) flow(run *program.Run, f sim.Flow) *flowSent {
	id := flowID{f, run}
	c := r.flows[id]
	if c == nil {
		c = &flowSent{Flow: f, run: run}
		r.flows[id] = c
		r.flowList = append(r.flowList, c)
	}
	return c
}

// Flow counts the frames that a generator sent to a destination and that arrived there.
type Flow struct {
	Generator   string     `json:"generator_id"`
	Source      netip.Addr `json:"source"`
	Destination netip.Addr `json:"destination"`
	Protocol    uint8      `json:"protocol"`
	Port        uint16     `json:"port,omitempty"`  // of UDP
	Owner       string     `json:"owner,omitempty"` // the host that has the destination
	Sent        uint64     `json:"sent"`
	Received    uint64     `json:"received"` // by the owner
}

// reportFlows joins the counts of sent and received frames. It adds the runs of one
// generator; the received frames of a flow that two generators send are divided in the
// order of the list.
func (r *Run) reportFlows(runs map[*program.Run]string, arrived *topology.Received) []Flow {
	index := make(map[Flow]int)
	var flows []Flow
	for _, c := range r.flowList {
		f := Flow{Generator: runs[c.run], Source: c.Src, Destination: c.Dst, Protocol: uint8(c.Protocol), Port: c.DstPort,
			Owner: arrived.Owner(r.targets[runs[c.run]].segment(), c.Dst)}
		at, known := index[f]
		if !known {
			at = len(flows)
			index[f] = at
			flows = append(flows, f)
		}
		flows[at].Sent += c.sent
	}
	slices.SortFunc(flows, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(a.Generator, b.Generator), a.Destination.Compare(b.Destination),
			a.Source.Compare(b.Source), cmp.Compare(a.Port, b.Port))
	})
	sum := make(map[sim.Flow]uint64)
	for i := range flows {
		f := &flows[i]
		key := sim.Flow{Src: f.Source, Dst: f.Destination, Protocol: header.Protocol(f.Protocol), DstPort: f.Port}
		sum[key] += f.Sent
		f.Received = min(f.Sent, arrived.Packets[key])
		arrived.Packets[key] -= f.Received
	}
	r.checkArrivals(arrived.Packets, sum)
	return flows
}

// checkArrivals checks the packets that arrived beyond those that were sent: they
// must be copies made by the wires, or have two flipped bits that cancel out in the
// checksum.
func (r *Run) checkArrivals(left, sent map[sim.Flow]uint64) {
	surplus, strange := uint64(0), uint64(0)
	var flows []string
	for flow, count := range left {
		if count == 0 || flow.Protocol != header.ProtocolUDP {
			continue // only UDP's checksum detects a flipped bit of IPv6
		}
		surplus += count
		if sent[flow] == 0 {
			strange += count
			flows = append(flows, fmt.Sprint(flow))
		}
	}
	slices.Sort(flows)
	wires := r.world.Traffic()
	if strange > wires.Reflipped {
		r.AddViolation(RuleReceived, "%d packets of flows that no generator sent arrived, and only %d had two flipped bits: %v", strange, wires.Reflipped, flows)
	}
	if surplus > wires.Duplicated+wires.Reflipped {
		r.AddViolation(RuleReceived, "%d packets arrived more than were sent, and the wires made only %d copies", surplus, wires.Duplicated)
	}
}
