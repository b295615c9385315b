package file

import (
	"fmt"
	"net/netip"
	"strings"

	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/link"
)

// action is what a step does to the network or to glean.
type action struct {
	network func(n *topology.Network) error
	engine  func(r *scenario.Run) error
}

// actions holds the actions of a timeline by name. Each function reads the value of
// the action.
var actions = map[string]func(v value) action{
	"heal": func(v value) action {
		v.boolean()
		return action{network: func(n *topology.Network) error { n.World().Heal(); return nil }}
	},
	"faults": func(v value) action {
		var faults []topology.Fault
		v.list(func(item value) { faults = append(faults, item.fault()) })
		return action{network: func(n *topology.Network) error {
			for i := range faults {
				if err := n.AddFault(&faults[i]); err != nil {
					return err
				}
			}
			return nil
		}}
	},
	"partition": func(v value) action {
		f := v.wires()
		return action{network: func(n *topology.Network) error { return n.Partition(f.Wires, f.Direction, true) }}
	},
	"mend": func(v value) action {
		f := v.wires()
		return action{network: func(n *topology.Network) error { return n.Partition(f.Wires, f.Direction, false) }}
	},
	"link_down": func(v value) action { return v.linkAction(link.State{Reason: link.ReasonDown}) },
	"link_up":   func(v value) action { return v.linkAction(link.State{Up: true}) },
	"power_off": func(v value) action {
		return v.nameAction(func(n *topology.Network, s string) error { return n.Power(s, false) }, aHost, aRouter)
	},
	"power_on": func(v value) action {
		return v.nameAction(func(n *topology.Network, s string) error { return n.Power(s, true) }, aHost, aRouter)
	},
	"announce":   func(v value) action { return v.nameAction((*topology.Network).Announce, aHost) },
	"claim":      value.claimAction,
	"move":       value.moveAction,
	"change_mac": value.changeAction,
	"failover":   value.failoverAction,
	"learn": func(v value) action {
		b := readLearning(v)
		return action{engine: func(r *scenario.Run) error { return r.Learn(b.Raw) }}
	},
	"start": func(v value) action { return v.idAction(aGenerator, (*scenario.Run).Start) },
	"stop": func(v value) action {
		return v.idAction(aGenerator, func(r *scenario.Run, id string) error { return r.Engine().StopGenerator(id, func() {}) })
	},
	"delete_generator": func(v value) action {
		return v.idAction(aGenerator, func(r *scenario.Run, id string) error { r.Engine().DeleteGenerator(id, true, func() {}); return nil })
	},
	"delete_interface": func(v value) action {
		return v.idAction(anInterface, func(r *scenario.Run, id string) error { r.Engine().DeleteInterface(id, func() {}); return nil })
	},
	"cancel": func(v value) action {
		return v.idAction(aRequest, func(r *scenario.Run, id string) error { r.Engine().DeleteLearning(id); return nil })
	},
	"flush": func(v value) action {
		return v.idAction(anInterface, func(r *scenario.Run, id string) error { return r.Engine().FlushNeighbors(id, func() {}) })
	},
}

// step reads one item of a timeline: a time and an action.
func (v value) step() (s scenario.Step) {
	known := fields{"at": into(&s.At, value.time)}
	done := 0
	for name, read := range actions {
		known[name] = func(v value) {
			d := read(v)
			s.Network, s.Engine, s.Text = d.network, d.engine, name
			if text := v.node.Value; text != "" && text != "true" {
				s.Text += " " + text
			}
			done++
		}
	}
	v.object(known)
	v.required("at")
	if done != 1 {
		v.wrong("must have \"at\" and exactly one of %s", strings.Join(sorted(actions), ", "))
	}
	return s
}

func (v value) nameAction(do func(n *topology.Network, name string) error, of ...thing) action {
	name := referring(value.name, of...)(v)
	return action{network: func(n *topology.Network) error { return do(n, name) }}
}

func (v value) idAction(of thing, do func(r *scenario.Run, id string) error) action {
	id := referring(value.text, of)(v)
	return action{engine: func(r *scenario.Run) error { return do(r, id) }}
}

// linkDeed sets the state of the far end of a port's wire.
func (v value) linkAction(state link.State) action {
	id := referring(value.text, aPort)(v)
	return action{network: func(n *topology.Network) error {
		e := n.Port(id)
		if e == nil {
			return fmt.Errorf("no port %q", id)
		}
		e.Peer().SetState(state)
		return nil
	}}
}

// wires reads patterns of wires, or a map of wires and a direction.
func (v value) wires() (f topology.Fault) {
	if v.has("wires") {
		v.object(fields{"wires": into(&f.Wires, value.texts), "direction": into(&f.Direction, value.direction)})
		return f
	}
	f.Wires = v.texts()
	return f
}

func (v value) moveAction() action {
	var host, to string
	v.object(fields{"host": into(&host, hostName), "to": into(&to, switchRef)})
	v.required("host", "to")
	return action{network: func(n *topology.Network) error { return n.MoveHost(host, to) }}
}

func (v value) claimAction() action {
	var host string
	var addr netip.Addr
	v.object(fields{"host": into(&host, hostName), "address": into(&addr, value.address)})
	v.required("host", "address")
	return action{network: func(n *topology.Network) error { return n.Claim(host, addr) }}
}

func (v value) changeAction() action {
	var host string
	var announce bool
	v.object(fields{"host": into(&host, hostName), "announce": into(&announce, value.boolean)})
	v.required("host")
	return action{network: func(n *topology.Network) error { return n.ChangeMAC(host, announce) }}
}

func (v value) failoverAction() action {
	var name, to string
	announce := true
	v.object(fields{
		"virtual_router": into(&name, referring(value.name, aVirtual)), "to": into(&to, routerRef), "announce": into(&announce, value.boolean),
	})
	v.required("virtual_router", "to")
	return action{network: func(n *topology.Network) error { return n.Failover(name, to, announce) }}
}
