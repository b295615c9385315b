package swarm

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/header"
	"glean/stack/loop"
)

// Numbers of addresses in the prefixes of a segment. Hosts begin at 1.
const (
	placeDead      = 200
	placeProxied   = 220 // to 223
	placeLinkLocal = 230
	placeTester    = 240
	placeCrowd     = 1 << 16 // in IPv6
	placePoliced   = 1 << 20 // in IPv6
	placeRouter    = 250     // and 251
	placeGateway   = 254
)

// lan and farName return the names of the switches of segment s.
func (w *RandomWorld) lan(s int) string     { return fmt.Sprintf("lan%d", w.Segments[s].Port) }
func (w *RandomWorld) farName(s int) string { return fmt.Sprintf("far%d", s) }

// prefixes returns the prefixes of the segment's own network and of the network behind
// its gateway. With Overlap they are the same for all segments.
func (w *RandomWorld) prefixes(s int) (near4, near6, far4, far6 netip.Prefix) {
	if w.Overlap {
		s = 0
	}
	if w.IPv4 {
		near4 = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(s), 0, 0}), 24)
		far4 = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(s), 1, 0}), 24)
	}
	if w.IPv6 {
		base := [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 5: byte(s)}
		near6 = netip.PrefixFrom(netip.AddrFrom16(base), 64)
		base[7] = 1
		far6 = netip.PrefixFrom(netip.AddrFrom16(base), 64)
	}
	return near4, near6, far4, far6
}

// at returns an address of a prefix, with the prefix's length.
func at(p netip.Prefix, place uint32) netip.Prefix {
	if !p.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(sim.Address(p, place), p.Bits())
}

// Scenario returns the world as a scenario.
func (w *RandomWorld) Scenario() *scenario.Scenario {
	s := &scenario.Scenario{
		Name: fmt.Sprintf("drawn-%d", w.Seed), Seed: w.Seed, About: w.String(),
		Until: w.Heal + 60*loop.Second, Late: maxLate,
	}
	w.addSwitches(&s.Topology)
	for i := range w.Segments {
		w.addSegment(s, i)
	}
	w.addPolicer(s)
	for _, f := range w.Faults {
		s.Timeline = append(s.Timeline, scenario.Step{Text: "faults on " + f.Wires, Network: f.apply})
	}
	for _, c := range w.Cuts {
		s.Timeline = append(s.Timeline, c.steps()...)
	}
	s.Timeline = append(s.Timeline, w.changeSteps()...)
	s.Timeline = append(s.Timeline, w.moveSteps()...)
	s.Timeline = append(s.Timeline, w.flapSteps()...)
	s.Timeline = append(s.Timeline, w.hostileSteps()...)
	if w.Heal > 0 {
		s.Timeline = append(s.Timeline, scenario.Step{At: w.Heal, Text: "heal", Network: func(n *topology.Network) error {
			n.World().Heal()
			return nil
		}})
	}
	for i := range w.Requests {
		s.Timeline = append(s.Timeline, w.requestStep(i))
	}
	for _, o := range w.Orders {
		s.Timeline = append(s.Timeline, w.orderStep(o))
	}
	return s
}

// addSwitches adds two switches for each port, so that hosts can move.
func (w *RandomWorld) addSwitches(t *topology.Topology) {
	ports := 0
	for _, s := range w.Segments {
		ports = max(ports, s.Port+1)
	}
	for p := range ports {
		a, b := fmt.Sprintf("lan%d", p), fmt.Sprintf("lan%d-b", p)
		t.Switches = append(t.Switches, a, b)
		if w.Provider {
			t.Provider = append(t.Provider, a, b)
		}
		t.Trunks = append(t.Trunks, topology.Trunk{A: a, B: b})
		t.Ports = append(t.Ports, topology.Port{ID: fmt.Sprint(p), On: a})
	}
}

func (w *RandomWorld) addSegment(s *scenario.Scenario, i int) {
	seg := &w.Segments[i]
	near4, near6, far4, far6 := w.prefixes(i)
	t := &s.Topology
	for k, h := range seg.Hosts {
		var proxied []netip.Prefix
		if seg.Proxy && k == 0 {
			for _, p := range []netip.Prefix{near4, near6} {
				if p.IsValid() {
					first := sim.Address(p, placeProxied)
					proxied = append(proxied, netip.PrefixFrom(first, first.BitLen()-2))
				}
			}
		}
		t.Hosts = append(t.Hosts, topology.HostGroup{
			AnswersFor: proxied,
			Name:       fmt.Sprintf("h%d-%d", i, k), On: w.lan(i), VLAN: uint16(seg.VLAN), Inner: uint16(seg.Inner), InnerTPID: w.innerTPID(i), Address: uint32(k + 1),
			IPv4: near4, IPv6: near6, Boot: h.Boot, Think: h.Think, Wire: topology.Wire{Delay: seg.Delay},
		})
	}
	if seg.LinkLocal {
		t.LinkLocalHosts = append(t.LinkLocalHosts, topology.LinkLocalHost{Name: fmt.Sprintf("odd%d", i), On: w.lan(i), VLAN: uint16(seg.VLAN),
			Number: uint32(1<<20 + i), IPv6: sim.Address(near6, placeLinkLocal)})
	}
	if seg.Gateway >= gatewayRouter {
		t.Switches = append(t.Switches, w.farName(i))
		for k, h := range seg.Far {
			t.Hosts = append(t.Hosts, topology.HostGroup{
				Name: fmt.Sprintf("f%d-%d", i, k), On: w.farName(i), Address: uint32(k + 1),
				IPv4: far4, IPv6: far6, Boot: h.Boot, Think: h.Think, Wire: topology.Wire{Delay: seg.Delay},
			})
		}
		w.addGateway(t, i)
	}
	w.addSpoofer(t, i)
	s.Interfaces = append(s.Interfaces, scenario.Body{Raw: w.interfaceBody(i)})
	for g := range seg.Generators {
		s.Generators = append(s.Generators, scenario.Body{Raw: w.generatorBody(i, g)})
	}
}

// addGateway adds a router with the gateway's address, or two routers that share it.
func (w *RandomWorld) addGateway(t *topology.Topology, i int) {
	seg := &w.Segments[i]
	near4, near6, far4, far6 := w.prefixes(i)
	router := func(name string, place, farPlace uint32) {
		t.Routers = append(t.Routers, topology.Router{Name: name, Ports: []topology.RouterPort{
			{On: w.lan(i), VLAN: uint16(seg.VLAN), IPv4: at(near4, place), IPv6: at(near6, place), Wire: topology.Wire{Delay: seg.Delay}},
			{On: w.farName(i), IPv4: at(far4, farPlace), IPv6: at(far6, farPlace), Wire: topology.Wire{Delay: seg.Delay}},
		}})
	}
	if seg.Gateway == gatewayRouter {
		router(fmt.Sprintf("r%d", i), placeGateway, placeGateway)
		return
	}
	a, b := fmt.Sprintf("r%d-a", i), fmt.Sprintf("r%d-b", i)
	router(a, placeRouter, placeRouter)
	router(b, placeRouter+1, placeRouter+1)
	id := uint8(0)
	if w.Seed&1 == 0 {
		id = uint8(i + 1)
	}
	t.Virtual = append(t.Virtual, topology.Virtual{
		Name: fmt.Sprintf("v%d", i), On: w.lan(i), VLAN: uint16(seg.VLAN), Routers: []string{a, b}, ID: id,
		IPv4: at(near4, placeGateway), IPv6: at(near6, placeGateway),
	})
}

// object is a JSON object.
type object = map[string]any

func body(o object) json.RawMessage {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // cannot fail for strings and numbers
	}
	return b
}

func (w *RandomWorld) interfaceBody(i int) json.RawMessage {
	seg := &w.Segments[i]
	near4, near6, _, _ := w.prefixes(i)
	protocols := []any{object{"eth": object{"mac_address": sim.MAC(sim.KindTester, uint32(i+1)).String()}}}
	for _, tag := range w.tags(i) {
		protocols = append(protocols, object{"vlan": object{"id": tag.ID, "priority": tag.Priority, "tpid": tag.TPID.String()}})
	}
	static := func(p netip.Prefix) object {
		s := object{"address": sim.Address(p, placeTester).String(), "prefix_length": p.Bits()}
		if seg.Gateway != gatewayNone {
			s["gateway"] = sim.Address(p, placeGateway).String()
		}
		return object{"method": "static", "static": s}
	}
	if near4.IsValid() {
		protocols = append(protocols, object{"ipv4": static(near4)})
	}
	if near6.IsValid() {
		protocols = append(protocols, object{"ipv6": static(near6)})
	}
	neighbor := object{"retrans_timer_ms": w.Retrans / loop.Millisecond, "multicast_solicits": w.Solicits,
		"duplicate_detection": w.Detect}
	if w.Probe > 0 {
		neighbor["probe_interval_ms"] = w.Probe / loop.Millisecond
	}
	for name, value := range map[string]int{"max_entries": seg.MaxEntries, "learning_rate_pps": seg.RatePPS, "learning_window": seg.Window} {
		if value > 0 {
			neighbor[name] = value
		}
	}
	if seg.Respond {
		var ranges []string
		for _, p := range []netip.Prefix{near4, near6} {
			if p.IsValid() {
				first := sim.Address(p, placeRange)
				ranges = append(ranges, netip.PrefixFrom(first, first.BitLen()-2).String())
			}
		}
		neighbor["respond_for"], neighbor["proxy_delay_ms"] = ranges, seg.ProxyDelay/loop.Millisecond
	}
	return body(object{"id": fmt.Sprintf("if-%d", i), "port_id": fmt.Sprint(seg.Port), "config": object{
		"protocols": protocols, "neighbor": neighbor,
	}})
}

// address returns the address of a target of segment i.
func (w *RandomWorld) address(i int, t drawnTarget) netip.Addr {
	near4, near6, far4, far6 := w.prefixes(i)
	near, far := near4, far4
	if t.V6 {
		near, far = near6, far6
	}
	switch t.Kind {
	case targetHost:
		return sim.Address(near, uint32(t.N+1))
	case targetDead:
		return sim.Address(near, uint32(placeDead+t.N))
	case targetFar:
		return sim.Address(far, uint32(t.N+1))
	case targetProxied:
		return sim.Address(near, uint32(placeProxied+t.N))
	case targetLinkLocal:
		return sim.Address(near, placeLinkLocal)
	case targetGateway:
		return sim.Address(near, placeGateway)
	}
	return sim.Address(near, placeTester)
}

// fallbackMAC belongs to no host.
var fallbackMAC = header.MAC{0x02, 0xee, 0, 0, 0, 1}

func (w *RandomWorld) generatorBody(i, k int) json.RawMessage {
	g := &w.Segments[i].Generators[k]
	lists := map[string][]string{}
	for _, t := range g.Targets {
		family := "ipv4"
		if t.V6 {
			family = "ipv6"
		}
		lists[family] = append(lists[family], w.address(i, t).String())
	}
	var traffic []any
	for _, family := range []string{"ipv4", "ipv6"} {
		if len(lists[family]) > 0 {
			traffic = append(traffic, g.definition(family, lists[family], 5000+10*i+k))
		}
	}
	learning := object{"timeout_ms": g.Timeout / loop.Millisecond, "on_unresolved": g.Policy}
	if g.Fallback {
		learning["fallback_mac"] = fallbackMAC.String()
	}
	if g.Untracked {
		learning["track"] = false
	}
	if g.OnLost != "" {
		learning["on_lost"] = g.OnLost
	}
	duration := object{"frames": g.Frames}
	if g.Endless {
		duration = object{"continuous": true}
	}
	order := "round-robin"
	if g.Sequential {
		order = "sequential"
	}
	return body(object{"id": fmt.Sprintf("gen-%d-%d", i, k), "target_id": fmt.Sprintf("if-%d", i), "config": object{
		"duration": duration, "order": order, "learning": learning, "traffic": traffic,
		"load": object{"rate": object{"value": g.Rate, "period": "second"}, "units": "frames"},
	}})
}

func (g *drawnGenerator) definition(family string, to []string, port int) object {
	modify := func(name, kind string, values any) object {
		return object{"items": []any{object{"name": name, "permute": false, kind: object{"list": values}}}}
	}
	udp := object{"udp": object{"source": 4000, "destination": port}}
	packet := object{}
	if g.DoubleFlows {
		udp["modifiers"] = modify("destination", "field", []int{port, port + 1000})
		packet["modifier_tie"] = "cartesian"
	}
	ethernet := object{}
	if g.Policy == "fallback" && !g.Fallback {
		ethernet["destination"] = fallbackMAC.String()
	}
	packet["protocols"] = []any{object{"ethernet": ethernet},
		object{family: object{}, "modifiers": modify("destination", family, to)}, udp}
	return object{"length": object{"fixed": 96}, "packet": packet}
}

// isIP matches frames whose checksum detects flipped bits. ARP has no checksum; on a real
// wire the FCS protects it.
func isIP(frame []byte) bool {
	eth, _, err := header.ParseEthernet(frame)
	return err == nil && (eth.Type == header.EtherTypeIPv4 || eth.Type == header.EtherTypeIPv6)
}

func (f *drawnFault) apply(n *topology.Network) error {
	fault := topology.Fault{Wires: []string{f.Wires}}
	add := func(rule func() sim.Rule) { fault.Rules = append(fault.Rules, rule) }
	switch {
	case f.Loss > 0 && f.Burst:
		add(func() sim.Rule {
			return &sim.Burst{GoodToBad: f.Loss / 4, BadToGood: 25 * sim.Percent, LossBad: sim.Always}
		})
	case f.Loss > 0:
		add(func() sim.Rule { return sim.Loss(f.Loss) })
	}
	if f.Copy > 0 {
		add(func() sim.Rule { return sim.Duplicate(f.Copy, f.After) })
	}
	if f.Jitter > 0 {
		add(func() sim.Rule { return sim.Jitter(f.Jitter) })
	}
	if f.Hold > 0 {
		add(func() sim.Rule { return sim.Reorder(f.Hold, f.Jitter) })
	}
	if f.Flip > 0 {
		add(func() sim.Rule { return sim.When("IP", isIP, sim.Corrupt(f.Flip, 1)) })
	}
	if err := n.AddFault(&fault); err != nil && f.Wires != "r*" { // a world need not have a router
		return err
	}
	return nil
}
