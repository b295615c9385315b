package file

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"glean/internal/document/yaml"
	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/topology"
	"glean/stack/loop"
)

// Load reads a scenario file. Its error is an *Error with every fault of the file.
func Load(file string, text []byte) (*scenario.Scenario, error) {
	return (&reader{file: file, budget: maxNodes}).load(text)
}

func (r *reader) load(text []byte) (*scenario.Scenario, error) {
	root, wrong := yaml.Parse(text)
	if root == nil && wrong == nil {
		wrong = &yaml.Error{Line: 1, Column: 1, Text: "the file is empty"}
	}
	if wrong != nil {
		return nil, &Error{[]Problem{{File: r.file, Line: wrong.Line, Column: wrong.Column, Text: wrong.Text}}}
	}
	top := value{root, "", r}.child(root, "")
	s := top.scenario()
	r.resolve()
	if len(r.problems) == 0 {
		return s, nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil, &Error{r.problems}
}

func (v value) scenario() *scenario.Scenario {
	s := &scenario.Scenario{Seed: 1}
	traffic := "learned"
	v.object(fields{
		"name": into(&s.Name, value.text), "about": into(&s.About, value.text),
		"seed":  into(&s.Seed, integer[uint64](0, 1<<64-1)),
		"until": into(&s.Until, value.time), "late": into(&s.Late, value.time),
		"traffic":    into(&traffic, oneOf("learned", "none")),
		"topology":   func(v value) { s.Topology = v.topology() },
		"interfaces": each(&s.Interfaces, readInterface),
		"generators": each(&s.Generators, readGenerator),
		"learning":   each(&s.Learning, readLearning),
		"timeline":   func(v value) { v.list(func(item value) { s.Timeline = append(s.Timeline, item.step()) }) },
		"expect":     into(&s.Expect, value.expect),
	})
	v.required("name", "topology")
	s.NoTraffic = traffic == "none"
	return s
}

// oneOf makes a reader of one of several words.
func oneOf(words ...string) func(value) string {
	return func(v value) string {
		for _, w := range words {
			if v.node.Value == w {
				return w
			}
		}
		v.wrong("must be one of %s, got %q", strings.Join(words, ", "), v.node.Value)
		return words[0]
	}
}

var nameRule = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// name reads the name of a device, which is also part of the names of wires.
func (v value) name() string {
	s := v.text()
	if !nameRule.MatchString(s) {
		v.wrong("must be a name of letters, digits, \".\", \"_\" and \"-\", got %q", s)
	}
	return s
}

func (v value) topology() (t topology.Topology) {
	v.object(fields{
		"switches":        each(&t.Switches, value.switchName),
		"provider":        into(&t.Provider, switchRefs),
		"trunks":          each(&t.Trunks, value.trunk),
		"routers":         each(&t.Routers, value.router),
		"virtual_routers": each(&t.Virtual, value.virtual),
		"hosts":           each(&t.Hosts, value.hosts),
		"odd_hosts":       each(&t.LinkLocalHosts, value.linkLocalHost),
		"farms":           each(&t.Farms, value.farm),
		"ports":           each(&t.Ports, value.port),
		"faults":          each(&t.Faults, value.fault),
	})
	v.required("ports")
	return t
}

var newSwitch = naming(aSwitch, value.name)

// switchName reads a name or, so that it can be repeated, a map with a name.
func (v value) switchName() (name string) {
	if v.node.Kind != yaml.Map {
		return newSwitch(v)
	}
	v.object(fields{"name": into(&name, newSwitch)})
	v.required("name")
	return name
}

// wireFields adds the members that every wire has.
func wireFields(w *topology.Wire, f fields) fields {
	f["delay"] = into(&w.Delay, value.time)
	f["mtu"] = into(&w.MTU, integer[int](68, 65535))
	return f
}

func (v value) trunk() (t topology.Trunk) {
	var between []string
	t.Origin = v.origin()
	v.object(wireFields(&t.Wire, fields{"between": each(&between, switchRef)}))
	if len(between) != 2 {
		v.wrong("\"between\" must be a list of two switches")
		return t
	}
	t.A, t.B = between[0], between[1]
	return t
}

var vlanID = integer[uint16](1, 4094)

func (v value) router() (r topology.Router) {
	r.Origin = v.origin()
	v.object(fields{
		"name": into(&r.Name, naming(aRouter, value.name)),
		"ports": each(&r.Ports, func(v value) (p topology.RouterPort) {
			p.Origin = v.origin()
			v.object(wireFields(&p.Wire, fields{
				"on": into(&p.On, value.attachment), "vlan": into(&p.VLAN, vlanID),
				"ipv4": into(&p.IPv4, prefix4), "ipv6": into(&p.IPv6, prefix6),
			}))
			v.required("on")
			return p
		}),
		"routes": each(&r.Routes, func(v value) (t topology.Route) {
			t.Origin = v.origin()
			v.object(fields{"to": into(&t.To, value.prefix), "via": into(&t.Via, value.address)})
			v.required("to", "via")
			return t
		}),
	})
	v.required("name", "ports")
	return r
}

func (v value) virtual() (r topology.Virtual) {
	r.Origin = v.origin()
	v.object(fields{
		"name": into(&r.Name, naming(aVirtual, value.name)), "on": into(&r.On, switchRef), "vlan": into(&r.VLAN, vlanID),
		"routers": each(&r.Routers, routerRef), "id": into(&r.ID, integer[uint8](1, 255)),
		"ipv4": into(&r.IPv4, prefix4), "ipv6": into(&r.IPv6, prefix6),
	})
	v.required("name", "on", "routers")
	return r
}

// maxHosts bounds the hosts with full stacks of one entry.
const maxHosts = 100_000

func (v value) hosts() (g topology.HostGroup) {
	g.Origin = v.origin()
	v.object(wireFields(&g.Wire, fields{
		"name": into(&g.Name, value.name), "count": into(&g.Count, integer[int](1, maxHosts)),
		"first": into(&g.First, integer[uint32](1, 1<<24-1)), "address": into(&g.Address, integer[uint32](1, 1<<31)),
		"on": into(&g.On, value.attachment), "vlan": into(&g.VLAN, vlanID), "inner_vlan": into(&g.Inner, vlanID),
		"ipv4": into(&g.IPv4, prefix4), "ipv6": into(&g.IPv6, prefix6),
		"gateway_ipv4": into(&g.Gateway4, address4), "gateway_ipv6": into(&g.Gateway6, address6),
		"answers_for": each(&g.AnswersFor, value.prefix),
		"boot":        into(&g.Boot, value.time), "off": into(&g.Off, value.boolean), "think": into(&g.Think, value.time),
	}))
	v.required("name", "on")
	for _, name := range g.Names() {
		if !v.define(aDevice, name) || !v.define(aHost, name) {
			break
		}
	}
	return g
}

func (v value) linkLocalHost() (o topology.LinkLocalHost) {
	o.Origin = v.origin()
	v.object(fields{
		"name": into(&o.Name, naming(aDevice, value.name)), "on": into(&o.On, value.attachment), "vlan": into(&o.VLAN, vlanID),
		"number": into(&o.Number, integer[uint32](1, 1<<24-1)), "ipv6": into(&o.IPv6, address6),
	})
	v.required("name", "on", "number", "ipv6")
	return o
}

func (v value) farm() (f topology.Farm) {
	f.Origin = v.origin()
	v.object(wireFields(&f.Wire, fields{
		"name": into(&f.Name, naming(aDevice, value.name)), "hosts": into(&f.Hosts, integer[int](1, 1<<24)),
		"first": into(&f.First, integer[uint32](0, 1<<24-1)),
		"on":    into(&f.On, value.attachment), "vlan": into(&f.VLAN, vlanID),
		"ipv4": into(&f.IPv4, address4), "ipv6": into(&f.IPv6, address6),
		"dead": each(&f.Dead, integer[uint32](0, 1<<24)),
	}))
	v.required("name", "hosts", "on")
	return f
}

func (v value) port() (p topology.Port) {
	p.Origin = v.origin()
	v.object(wireFields(&p.Wire, fields{"id": into(&p.ID, naming(aPort, value.text)), "on": into(&p.On, switchRef)}))
	v.required("id")
	return p
}

var directions = map[string]topology.Direction{"both": topology.Both, "out": topology.Out, "in": topology.In}

func (v value) direction() topology.Direction { return directions[oneOf("both", "out", "in")(v)] }

func (v value) fault() (f topology.Fault) {
	f.Origin = v.origin()
	v.object(fields{
		"wires": into(&f.Wires, value.texts), "direction": into(&f.Direction, value.direction),
		"rules": each(&f.Rules, value.rule),
	})
	v.required("wires", "rules")
	return f
}

// rule reads a rule. One member names the rule; the others belong to it.
func (v value) rule() func() sim.Rule {
	var (
		chance, goodToBad, badToGood, lossGood sim.Chance
		after                                  loop.Duration
		bits, queue, bucket, count             int
		rate                                   uint64
		kind                                   string
	)
	lossBad := sim.Always
	v.object(fields{
		"loss": into(&chance, value.chance), "duplicate": into(&chance, value.chance),
		"reorder": into(&chance, value.chance), "corrupt": into(&chance, value.chance),
		"burst": func(v value) {
			v.object(fields{
				"good_to_bad": into(&goodToBad, value.chance), "bad_to_good": into(&badToGood, value.chance),
				"loss_good": into(&lossGood, value.chance), "loss_bad": into(&lossBad, value.chance),
			})
			v.required("good_to_bad", "bad_to_good")
		},
		"delay": into(&after, value.time), "jitter": into(&after, value.time),
		"after": into(&after, value.time), "by": into(&after, value.time),
		"bits": into(&bits, integer[int](1, 8)),
		"rate": into(&rate, integer[uint64](1, 1<<40)), "queue": into(&queue, integer[int](1, 1<<30)),
		"police": into(&rate, integer[uint64](1, 1_000_000)), "bucket": into(&bucket, integer[int](1, 1_000_000)),
		"mtu":        into(&count, integer[int](1, 65535)),
		"drop_first": into(&count, integer[int](1, 1_000_000)), "of": into(&kind, oneOf(scenario.FrameKinds()...)),
	})
	rules := map[string]func() sim.Rule{
		"loss": func() sim.Rule { return sim.Loss(chance) },
		"burst": func() sim.Rule {
			return &sim.Burst{GoodToBad: goodToBad, BadToGood: badToGood, LossGood: lossGood, LossBad: lossBad}
		},
		"duplicate": func() sim.Rule { return sim.Duplicate(chance, after) },
		"reorder":   func() sim.Rule { return sim.Reorder(chance, after) },
		"corrupt":   func() sim.Rule { return sim.Corrupt(chance, max(1, bits)) },
		"delay":     func() sim.Rule { return sim.Delay(after) },
		"jitter":    func() sim.Rule { return sim.Jitter(after) },
		"rate":      func() sim.Rule { return sim.Rate(rate, max(queue, 1<<16)) },
		"police":    func() sim.Rule { return sim.Police(rate, max(1, bucket)) },
		"mtu":       func() sim.Rule { return sim.LimitMTU(count) },
		"drop_first": func() sim.Rule {
			matches := sim.Any
			if kind != "" {
				matches = scenario.MatchKind(kind)
			}
			return sim.DropFirst(count, "frames", matches)
		},
	}
	for _, name := range sorted(rules) {
		if v.has(name) {
			return v.ruleWith(name, rules[name])
		}
	}
	v.wrong("one of %s is required", strings.Join(sorted(rules), ", "))
	return nil
}

// ruleMembers lists the members of each rule besides the one that names it. Members with
// a "!" are required.
var ruleMembers = map[string][]string{
	"loss": nil, "burst": nil, "duplicate": {"after!"}, "reorder": {"by!"}, "corrupt": {"bits"}, "delay": nil,
	"jitter": nil, "rate": {"queue"}, "police": {"bucket"}, "mtu": nil, "drop_first": {"of"},
}

// ruleWith checks that a rule has its own members only.
func (v value) ruleWith(name string, make func() sim.Rule) func() sim.Rule {
	allowed := map[string]bool{name: true}
	for _, m := range ruleMembers[name] {
		if plain := m[:len(m)-1]; m[len(m)-1] == '!' {
			v.required(plain)
			m = plain
		}
		allowed[m] = true
	}
	for key := range yaml.Pairs(v.node) {
		if !allowed[key.Value] {
			value{key, v.path, v.r}.wrong("%s is not a member of %s", key.Value, name)
		}
	}
	return make
}

func (v value) expect() (e scenario.Expect) {
	share := func(v value) scenario.Share { return scenario.Share(v.percent()) }
	count := func(v value) *uint64 { n := integer[uint64](0, 1<<53)(v); return &n }
	v.object(fields{
		"learning":             into(&e.Learning, oneOf("completed", "timed_out", "cancelled")),
		"timed_out":            into(&e.TimedOut, value.reasons),
		"within":               into(&e.Within, value.time),
		"answered_within":      into(&e.AnsweredWithin, value.time),
		"started":              into(&e.Started, generatorRefs),
		"refused":              into(&e.Refused, generatorRefs),
		"received":             into(&e.Received, share),
		"accounted":            into(&e.Accounted, value.boolean),
		"flows":                into(&e.Flows, integer[int](1, 1<<30)),
		"neighbor_changes":     into(&e.NeighborChanges, count),
		"packets_to_stale_mac": into(&e.Stale, count),
		"conflicts":            into(&e.Conflicts, interfaceRefs),
	})
	return e
}

// reasons reads a map from addresses to reasons.
func (v value) reasons() map[netip.Addr]string {
	found := make(map[netip.Addr]string)
	if v.node.Kind != yaml.Map {
		v.wrong("must be a map from addresses to reasons")
		return found
	}
	for k, n := range yaml.Pairs(v.node) {
		key := v.child(k, v.path)
		why := v.child(n, fmt.Sprintf("%s.%s", v.path, key.node.Value))
		found[key.address()] = why.text()
	}
	return found
}
