package scenario

import (
	"fmt"

	"glean/learning"
	"glean/sim/topology"
)

// SVG draws the topology with the addresses that were learned.
func (r *Report) SVG() []byte {
	labels := topology.Labels{
		Title: r.Scenario + ": " + r.About,
		Ports: make(map[string][]string), Learned: make(map[string]topology.Learned),
	}
	portOf := make(map[string]string) // of interfaces
	for _, e := range r.interfaces {
		portOf[e.ID] = e.PortID
		labels.Ports[e.PortID] = append(labels.Ports[e.PortID], topology.PrefixLines(e.ipv4, e.ipv6)...)
	}
	perPort := make(map[string]topology.Learned)
	for _, q := range r.Learning {
		for i := range q.Addresses {
			a := &q.Addresses[i]
			count(labels.Learned, a.Owner, a.State)
			count(perPort, portOf[a.Interface], a.State)
		}
	}
	for _, e := range r.interfaces {
		if l, any := perPort[e.PortID]; any {
			labels.Ports[e.PortID] = append(labels.Ports[e.PortID], fmt.Sprintf("%d of %d learned", l.Completed, l.Total))
			delete(perPort, e.PortID) // once for each port
		}
	}
	return r.drawing.SVG(labels)
}

// count adds an address in a state to the counts of a device.
func count(counts map[string]topology.Learned, device, state string) {
	l := counts[device]
	l.Total++
	if state == learning.StateCompleted.String() {
		l.Completed++
	}
	counts[device] = l
}
