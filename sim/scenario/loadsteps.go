package scenario

import (
	"fmt"
	"net/netip"
	"strings"

	"glean/sim"
	"glean/stack/link"
	"glean/stack/loop"
)

// deed is what a step does: to the network, or to glean.
type deed struct {
	network func(n *Network) error
	engine  func(r *Run) error
}

// deeds are the steps of a timeline by name. Each reads its value and says what
// it does.
var deeds = map[string]func(v value) deed{
	"heal": func(v value) deed {
		v.boolean()
		return deed{network: func(n *Network) error { n.World.Heal(); return nil }}
	},
	"faults": func(v value) deed {
		var faults []Fault
		v.list(func(item value) { faults = append(faults, item.fault()) })
		return deed{network: func(n *Network) error {
			for i := range faults {
				if err := n.Disturb(&faults[i]); err != nil {
					return err
				}
			}
			return nil
		}}
	},
	"partition": func(v value) deed {
		f := v.wires()
		return deed{network: func(n *Network) error { return n.Partition(f.Wires, f.Direction, true) }}
	},
	"mend": func(v value) deed {
		f := v.wires()
		return deed{network: func(n *Network) error { return n.Partition(f.Wires, f.Direction, false) }}
	},
	"link_down": func(v value) deed { return v.linkDeed(link.State{Reason: link.ReasonDown}) },
	"link_up":   func(v value) deed { return v.linkDeed(link.State{Up: true}) },
	"power_off": func(v value) deed {
		return v.nameDeed(func(n *Network, s string) error { return n.Power(s, false) }, aHost, aRouter)
	},
	"power_on": func(v value) deed {
		return v.nameDeed(func(n *Network, s string) error { return n.Power(s, true) }, aHost, aRouter)
	},
	"announce":   func(v value) deed { return v.nameDeed((*Network).Announce, aHost) },
	"claim":      value.claimDeed,
	"move":       value.moveDeed,
	"change_mac": value.changeDeed,
	"failover":   value.failoverDeed,
	"learn": func(v value) deed {
		b := readLearning(v)
		return deed{engine: func(r *Run) error { return r.Learn(b.Raw) }}
	},
	"start": func(v value) deed { return v.idDeed(aGenerator, (*Run).Start) },
	"stop": func(v value) deed {
		return v.idDeed(aGenerator, func(r *Run, id string) error { return r.engine.StopGenerator(id, func() {}) })
	},
	"delete_generator": func(v value) deed {
		return v.idDeed(aGenerator, func(r *Run, id string) error { r.engine.DeleteGenerator(id, true, func() {}); return nil })
	},
	"delete_interface": func(v value) deed {
		return v.idDeed(anInterface, func(r *Run, id string) error { r.engine.DeleteInterface(id, func() {}); return nil })
	},
	"cancel": func(v value) deed {
		return v.idDeed(aRequest, func(r *Run, id string) error { r.engine.DeleteLearning(id); return nil })
	},
	"flush": func(v value) deed {
		return v.idDeed(anInterface, func(r *Run, id string) error { return r.engine.FlushNeighbors(id, func() {}) })
	},
}

// step reads one line of a timeline: a time, and what happens then.
func (v value) step() (s Step) {
	known := fields{"at": into(&s.At, value.time)}
	done := 0
	for name, read := range deeds {
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
		v.wrong("must have \"at\" and one of %s", strings.Join(sorted(deeds), ", "))
	}
	return s
}

func (v value) nameDeed(do func(n *Network, name string) error, of ...thing) deed {
	name := referring(value.name, of...)(v)
	return deed{network: func(n *Network) error { return do(n, name) }}
}

func (v value) idDeed(of thing, do func(r *Run, id string) error) deed {
	id := referring(value.text, of)(v)
	return deed{engine: func(r *Run) error { return do(r, id) }}
}

// linkDeed sets the state of the far end of a port's wire.
func (v value) linkDeed(state link.State) deed {
	id := referring(value.text, aPort)(v)
	return deed{network: func(n *Network) error {
		e := n.Port(id)
		if e == nil {
			return fmt.Errorf("there is no port %q", id)
		}
		e.Peer().SetState(state)
		return nil
	}}
}

// wires reads wires by their patterns, or wires and a direction.
func (v value) wires() (f Fault) {
	if v.has("wires") {
		v.object(fields{"wires": into(&f.Wires, value.texts), "direction": into(&f.Direction, value.direction)})
		return f
	}
	f.Wires = v.texts()
	return f
}

func (v value) moveDeed() deed {
	var host, to string
	v.object(fields{"host": into(&host, hostName), "to": into(&to, switchRef)})
	v.required("host", "to")
	return deed{network: func(n *Network) error { return n.MoveHost(host, to) }}
}

func (v value) claimDeed() deed {
	var host string
	var addr netip.Addr
	v.object(fields{"host": into(&host, hostName), "address": into(&addr, value.address)})
	v.required("host", "address")
	return deed{network: func(n *Network) error { return n.Claim(host, addr) }}
}

func (v value) changeDeed() deed {
	var host string
	var announce bool
	v.object(fields{"host": into(&host, hostName), "announce": into(&announce, value.boolean)})
	v.required("host")
	return deed{network: func(n *Network) error { return n.ChangeMAC(host, announce) }}
}

func (v value) failoverDeed() deed {
	var name, to string
	announce := true
	v.object(fields{
		"virtual_router": into(&name, referring(value.name, aVirtual)), "to": into(&to, routerRef), "announce": into(&announce, value.boolean),
	})
	v.required("virtual_router", "to")
	return deed{network: func(n *Network) error { return n.Failover(name, to, announce) }}
}

// Lab builds the network of a scenario on a loop that others run, for people to
// play with: the topology and what happens to it, without what the scenario
// asks of glean. It is called on the loop. Ports of glean take the ends that
// Network.Port gives.
func Lab(l loop.Loop, s *Scenario, seed uint64) (*Network, error) {
	n, err := Build(sim.NewWorldOn(l, seed), &s.Topology)
	if err != nil {
		return nil, err
	}
	begin := l.Now()
	for _, step := range s.Timeline {
		if step.Network != nil {
			n.World.At(begin.Add(step.At), func() {
				if err := step.Network(n); err != nil {
					n.World.Note("step %s: %v", step.Text, err)
				}
			})
		}
	}
	return n, nil
}
