package swarm

import (
	"fmt"

	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/link"
	"glean/stack/loop"
)

// steps returns the steps that cut the wires and restore them.
func (c drawnCut) steps() []scenario.Step {
	cut := func(way topology.Direction, on bool) func(n *topology.Network) error {
		return func(n *topology.Network) error {
			if c.Down {
				state := link.State{Up: !on}
				if on {
					state.Reason = link.ReasonDown
				}
				n.Port("0").Peer().SetState(state)
				return nil
			}
			_ = n.Partition([]string{c.Wires}, way, on) // a world need not have such a wire
			return nil
		}
	}
	return []scenario.Step{
		{At: c.From, Text: "cut " + c.Wires, Network: cut(c.Way, true)},
		{At: c.To, Text: "mend " + c.Wires, Network: cut(c.Way, false)},
	}
}

// changeSteps returns the steps that change hosts and routers. A host moves at most once,
// and a host that is switched off is on again when the network is healed.
func (w *RandomWorld) changeSteps() (steps []scenario.Step) {
	moved := make(map[string]bool)
	master := make(map[int]int)
	for _, c := range w.Changes {
		host := fmt.Sprintf("h%d-%d", c.Segment, c.Host)
		step := scenario.Step{At: c.At, Text: changeWords[c.What] + " " + host}
		switch c.What {
		case changeMAC, changeMACAnnounced:
			step.Network = func(n *topology.Network) error { return n.ChangeMAC(host, c.What == changeMACAnnounced) }
		case changeMove:
			if moved[host] {
				continue
			}
			moved[host] = true
			step.Network = func(n *topology.Network) error { return n.MoveHost(host, w.lan(c.Segment)+"-b") }
		case changePower:
			step.Network = func(n *topology.Network) error { return n.Power(host, false) }
			steps = append(steps, scenario.Step{At: w.Heal, Text: "power " + host, Network: func(n *topology.Network) error {
				return n.Power(host, true)
			}})
		case changeFailover:
			master[c.Segment] ^= 1
			to, announce := fmt.Sprintf("r%d-%c", c.Segment, 'a'+master[c.Segment]), c.Host%2 == 0
			step.Network = func(n *topology.Network) error { return n.Failover(fmt.Sprintf("v%d", c.Segment), to, announce) }
		}
		steps = append(steps, step)
	}
	return steps
}

func (w *RandomWorld) requestStep(i int) scenario.Step {
	q := &w.Requests[i]
	var addresses []string
	for _, t := range q.Targets {
		addresses = append(addresses, w.address(q.Segment, t).String())
	}
	_, near6, _, _ := w.prefixes(q.Segment)
	for k := range q.Crowd {
		addresses = append(addresses, sim.Address(near6, uint32(placeCrowd+k)).String())
	}
	raw := body(object{
		"id": fmt.Sprintf("lr-%d", i), "interface_id": fmt.Sprintf("if-%d", q.Segment), "addresses": addresses,
		"timeout_ms": q.Timeout / loop.Millisecond,
	})
	return scenario.Step{At: q.At, Text: fmt.Sprintf("learn lr-%d", i), Engine: func(r *scenario.Run) error {
		if _, err := r.Engine().Interface(fmt.Sprintf("if-%d", q.Segment)); err != nil {
			return nil // an order has deleted the interface
		}
		spec, err := bodies.Learning(raw)
		if err == nil {
			spec.Mode = q.Mode // the REST API has a mode for generators only
			_, err = r.Engine().StartLearning(spec)
		}
		return err
	}}
}

// orderStep returns the step of an order.
func (w *RandomWorld) orderStep(o drawnOrder) scenario.Step {
	generator, iface := fmt.Sprintf("gen-%d-%d", o.Segment, o.N), fmt.Sprintf("if-%d", o.Segment)
	learn := func(r *scenario.Run, mode learning.Mode) error {
		g, err := r.Engine().Generator(generator)
		if _, gone := r.Engine().Interface(iface); err != nil || gone != nil || g.Learning == "resolving" {
			return nil // an earlier order has made it impossible
		}
		_, err = r.Engine().StartLearning(engine.LearningSpec{
			GeneratorIDs: []string{generator}, Mode: mode, Timeout: w.Heal + 10*loop.Second,
		})
		return err
	}
	return scenario.Step{At: o.At, Text: orderWords[o.What] + " " + generator, Engine: func(r *scenario.Run) error {
		switch o.What {
		case orderDeleteGenerator:
			r.Engine().DeleteGenerator(generator, o.At%2 == 0, func() {})
		case orderCancel:
			if g, err := r.Engine().Generator(generator); err == nil && g.Learning == "resolving" {
				r.Engine().DeleteLearning(g.LearningID)
			}
		case orderDeleteInterface:
			r.Engine().DeleteInterface(iface, func() {})
		case orderRelearn:
			return learn(r, learning.ModeAll)
		case orderRetry:
			return learn(r, learning.ModeUnresolved)
		case orderFlush:
			_ = r.Engine().FlushNeighbors(iface, func() {}) // an earlier order may have deleted it
		}
		return nil
	}}
}
