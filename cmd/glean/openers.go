package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"glean/server"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/link"
	"glean/stack/link/afpacket"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

// openers returns a function for each kind of port that opens its device. They must not
// be called on the loop.
func openers(l *loop.Real) map[engine.PortKind]server.Opener {
	wires := &wires{loop: l, world: sim.NewWorldOn(l, 0), patches: make(map[string]*sim.Switch)}
	return map[engine.PortKind]server.Opener{
		engine.KindTAP: func(spec engine.PortSpec) (link.Link, error) {
			return tap.Open(l, tap.Config{
				Name: spec.Name, Queues: spec.Queues, Persist: spec.Persist, MTU: spec.MTU, MAC: spec.MAC,
			})
		},
		engine.KindPacket: func(spec engine.PortSpec) (link.Link, error) {
			opened, err := afpacket.Open(l, afpacket.Config{Name: spec.Name})
			if errors.Is(err, afpacket.ErrNoDevice) {
				return nil, &link.FieldError{Kind: "packet", Field: "name", Err: fmt.Errorf("%w; devices are %s", afpacket.ErrNoDevice, deviceNames())}
			}
			if err != nil {
				return nil, err
			}
			return opened, nil
		},
		engine.KindWire: wires.open,
	}
}

// deviceNames lists the network devices of the process's namespace.
func deviceNames() string {
	devices, err := net.Interfaces()
	if err != nil {
		return "unknown: " + err.Error()
	}
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = strconv.Quote(d.Name)
	}
	return strings.Join(names, ", ")
}

// wires holds the in-process wires by name. A wire is a cable between two ports; with
// more ports it is a switch.
type wires struct {
	loop    *loop.Real
	world   *sim.World             // this and the following are used on the loop only
	patches map[string]*sim.Switch // by name
	plugs   int
}

func (w *wires) open(spec engine.PortSpec) (link.Link, error) {
	opened := make(chan link.Link, 1)
	if !w.loop.PostWork(func() { opened <- w.plug(spec.Name) }) {
		return nil, context.Canceled
	}
	select {
	case lk := <-opened:
		return lk, nil
	case <-w.loop.Done():
		return nil, context.Canceled
	}
}

func (w *wires) plug(name string) link.Link {
	patch := w.patches[name]
	if patch == nil {
		patch = w.world.NewSwitch(name, sim.SwitchConfig{Cable: true})
		w.patches[name] = patch
	}
	w.plugs++
	port, plug := w.world.Wire(fmt.Sprintf("%s.%d", name, w.plugs), sim.WireConfig{})
	return link.WithoutTraffic(&pluggedEnd{End: port, wires: w, socket: patch.AddPort(plug, sim.PortConfig{Trunk: true}), patch: patch})
}

// pluggedEnd is the link of a wire port. Close removes its wire, and the patch switch
// when it has no other port, so that deleted ports leave nothing behind.
type pluggedEnd struct {
	*sim.End
	wires  *wires
	patch  *sim.Switch
	socket *sim.SwitchPort
}

// Close implements link.Link. It is called on the loop.
func (p *pluggedEnd) Close() error {
	p.Wire().Remove()
	p.patch.RemovePort(p.socket)
	if len(p.patch.Ports()) == 0 && p.wires.patches[p.patch.Name()] == p.patch {
		delete(p.wires.patches, p.patch.Name())
	}
	return nil
}
