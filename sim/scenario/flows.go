package scenario

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"glean/generator"
	"glean/sim"
	"glean/stack/header"
)

// flowSent is what a run of a generator has sent of a flow, counted at the
// port.
type flowSent struct {
	sim.Flow
	run  *generator.Run
	sent uint64
}

type flowID struct {
	flow sim.Flow
	run  *generator.Run
}

// flow finds the count of a flow, which begins with its first frame.
func (r *Run) flow(run *generator.Run, f sim.Flow) *flowSent {
	id := flowID{f, run}
	c := r.flows[id]
	if c == nil {
		c = &flowSent{Flow: f, run: run}
		r.flows[id] = c
		r.flowList = append(r.flowList, c)
	}
	return c
}

// Flow is what a generator sent to a destination, and what arrived there.
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

// arrivals is what all hosts and farms received, and who has which address.
type arrivals struct {
	network *Network
	counts  map[sim.Flow]uint64
	near    map[place]string      // on a segment
	far     map[netip.Addr]string // anywhere
}

func (n *Network) arrivals() *arrivals {
	a := &arrivals{n, make(map[sim.Flow]uint64), make(map[place]string), make(map[netip.Addr]string)}
	for _, s := range n.stations {
		for _, i := range s.host.Interface(0).Status() {
			a.near[place{s.segment, i.Addr}] = s.name
			a.far[i.Addr] = s.name
		}
		for _, c := range s.host.Flows() {
			a.counts[c.Flow] += c.Packets
		}
	}
	for _, f := range n.farms {
		for flow, count := range f.received {
			a.counts[flow] += count
		}
	}
	return a
}

// owner is the host that an interface of glean means by an address: one on its
// segment, else one behind routers; "" if nobody has it.
func (a *arrivals) owner(e *endpoint, to netip.Addr) string {
	if e != nil {
		if name, ok := a.near[place{e.segment, to}]; ok {
			return name
		}
	}
	if name, ok := a.far[to]; ok {
		return name
	}
	for i, f := range a.network.owners.farms {
		if _, _, ok := a.network.owners.farmer(f.segment, to); ok {
			return a.network.farms[i].name
		}
	}
	return ""
}

// reportFlows joins what was sent with what arrived. Runs of one generator are
// added; a flow that two generators send is divided in the order of the list.
func (r *Run) reportFlows(runs map[*generator.Run]string, arrived *arrivals) []Flow {
	index := make(map[Flow]int)
	var flows []Flow
	for _, c := range r.flowList {
		f := Flow{Generator: runs[c.run], Source: c.Src, Destination: c.Dst, Protocol: uint8(c.Protocol), Port: c.DstPort,
			Owner: arrived.owner(r.targets[runs[c.run]], c.Dst)}
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
		key := sim.Flow{Src: f.Source, Dst: f.Destination, Protocol: protocol(f.Protocol), DstPort: f.Port}
		sum[key] += f.Sent
		f.Received = min(f.Sent, arrived.counts[key])
		arrived.counts[key] -= f.Received
	}
	r.judgeArrivals(arrived.counts, sum)
	return flows
}

// judgeArrivals is left with what nobody sent: copies made by the wires, frames
// with two flipped bits that one checksum does not tell, or something that should
// not be.
func (r *Run) judgeArrivals(left, sent map[sim.Flow]uint64) {
	surplus, strange := uint64(0), uint64(0)
	var flows []string
	for flow, count := range left {
		if count == 0 || flow.Protocol != header.ProtocolUDP {
			continue // nothing but UDP's checksum tells a flipped bit of IPv6
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
		r.violated(RuleReceived, "%d packets of flows that nobody sent arrived, and only %d had two flipped bits: %v", strange, wires.Reflipped, flows)
	}
	if surplus > wires.Duplicated+wires.Reflipped {
		r.violated(RuleReceived, "%d packets arrived more than were sent, and the wires made only %d copies", surplus, wires.Duplicated)
	}
}
