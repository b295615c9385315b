package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"glean/generator"
	"glean/generator/program"
	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/sim"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/pcapng"
	"glean/stack/loop"
)

// network is an engine in virtual time. Each port is the near end of a wire; the test
// attaches hosts to the far ends.
type network struct {
	*engine.Engine
	t     *testing.T
	world *sim.World
	near  []*sim.End // of ports "0", "1", ...
	far   []*sim.End
	file  *pcapng.Writer
	epoch uint64 // of signatures
	sent  []sentFrame
}

// sentFrame is a frame that left by a port.
type sentFrame struct {
	port  int
	at    loop.Time
	frame []byte
}

// newNetwork returns an engine with a number of ports on wires.
func newNetwork(t *testing.T, ports int) *network { return tracedNetwork(t, ports, 1, nil) }

// tracedNetwork is newNetwork with a seed and a trace, which may be nil.
func tracedNetwork(t *testing.T, ports int, seed uint64, trace io.Writer) *network {
	w := sim.NewWorld(seed)
	n := &network{t: t, world: w}
	n.Engine = engine.New(engine.Config{
		Loop: w.Loop(), Rand: w.Rand("engine"), Epoch: func() uint64 { return n.epoch },
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return program.StartOnLoop(w.Loop(), r, q, done)
		},
	})
	if trace != nil {
		n.file = pcapng.NewWriter(trace, time.Unix(0, 0))
	}
	for k := range ports {
		near, far := w.Wire(fmt.Sprintf("w%d", k), sim.WireConfig{Delay: 10 * loop.Microsecond})
		n.near, n.far = append(n.near, near), append(n.far, far)
		id := fmt.Sprint(k)
		if err := n.ReservePort(engine.PortSpec{ID: id, Kind: engine.KindWire, Name: "w" + id}); err != nil {
			t.Fatal(err)
		}
		lk, err := n.file.Trace(id, near, w.Now)
		if err != nil {
			t.Fatal(err)
		}
		n.AttachPort(id, recorded{lk, n, k})
	}
	return n
}

// recorded is a link that stores the frames that leave in the network.
type recorded struct {
	link.Link
	network *network
	port    int
}

// recordedQueue is a queue of a recorded link.
type recordedQueue struct {
	link.Queue
	link recorded
}

// Send implements link.Queue.
func (r recorded) Send(frames [][]byte) (int, error) {
	taken, err := r.Link.Send(frames)
	r.keep(frames[:taken])
	return taken, err
}

// Send implements link.Queue.
func (q recordedQueue) Send(frames [][]byte) (int, error) {
	taken, err := q.Queue.Send(frames)
	q.link.keep(frames[:taken])
	return taken, err
}

// OpenQueue implements link.Link.
func (r recorded) OpenQueue() (link.Queue, error) {
	q, err := r.Link.OpenQueue()
	return recordedQueue{q, r}, err
}

func (r recorded) keep(frames [][]byte) {
	for _, f := range frames {
		r.network.sent = append(r.network.sent, sentFrame{r.port, r.network.world.Now(), bytes.Clone(f)})
	}
}

// taken returns the frames that left since the last call.
func (n *network) taken() []sentFrame {
	s := n.sent
	n.sent = nil
	return s
}

func (n *network) run(d loop.Duration) { n.world.Virtual().RunFor(d) }

// host attaches a host with a MAC and addresses to the far end of a port.
func (n *network) host(port int, mac byte, prefixes ...string) *sim.Host {
	n.t.Helper()
	c := stack.InterfaceConfig{MAC: header.MAC{2, 0, 0, 0, 1, mac}}
	for _, p := range prefixes {
		if prefix := netip.MustParsePrefix(p); prefix.Addr().Is4() {
			c.IPv4 = prefix
		} else {
			c.IPv6 = prefix
		}
	}
	h, err := n.world.NewHost(fmt.Sprintf("host %d.%d", port, mac), n.far[port], sim.HostConfig{Interfaces: []stack.InterfaceConfig{c}})
	if err != nil {
		n.t.Fatal(err)
	}
	return h
}

// farm attaches many hosts, from the given addresses on, to the far end of a port.
func (n *network) farm(port, hosts int, v4, v6 string) *sim.Farm {
	n.t.Helper()
	return n.taggedFarm(port, nil, hosts, v4, v6)
}

func (n *network) taggedFarm(port int, tags []header.VLAN, hosts int, v4, v6 string) *sim.Farm {
	n.t.Helper()
	c := sim.FarmConfig{Hosts: hosts, Tags: tags}
	if v4 != "" {
		c.IPv4 = netip.MustParseAddr(v4)
	}
	if v6 != "" {
		c.IPv6 = netip.MustParseAddr(v6)
	}
	f, err := n.world.NewFarm(fmt.Sprintf("farm %d", port), n.far[port], c)
	if err != nil {
		n.t.Fatal(err)
	}
	return f
}

// addInterface makes an interface on a port, by default with id "if-PORT". entries are
// protocol entries after eth, neighbor holds members of config.neighbor.
func (n *network) addInterface(id string, port int, protocols, neighbor string) {
	n.t.Helper()
	body := fmt.Sprintf(`{"id":%q,"port_id":"%d","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:%02x"}}%s],"neighbor":{%s}}}`,
		id, port, len(n.Interfaces())+0xa0, protocols, neighbor)
	spec, err := bodies.Strict.Interface([]byte(body))
	if err == nil {
		_, err = n.CreateInterface(spec)
	}
	if err != nil {
		n.t.Fatalf("%v\n%s", err, body)
	}
}

// v4 and v6 return protocol entries of an interface.
func v4(address string, prefix int, gateway string) string {
	return protocolEntry("ipv4", address, prefix, gateway)
}

func v6(address string, prefix int, gateway string) string {
	return protocolEntry("ipv6", address, prefix, gateway)
}

func protocolEntry(kind, address string, prefix int, gateway string) string {
	more := ""
	if gateway != "" {
		more = fmt.Sprintf(`,"gateway":%q`, gateway)
	}
	return fmt.Sprintf(`,{%q:{"method":"static","static":{"address":%q,"prefix_length":%d%s}}}`, kind, address, prefix, more)
}

// flowsTo returns a generator's body: UDP to each of the addresses in turn, a thousand
// frames a second. ethernet holds members of the Ethernet header, learn those of
// config.learning.
func flowsTo(id, target, ethernet, learn string, destinations ...string) []byte {
	var traffic []string
	for _, d := range destinations {
		kind := "ipv4"
		if netip.MustParseAddr(d).Is6() {
			kind = "ipv6"
		}
		traffic = append(traffic, fmt.Sprintf(`{"length":{"fixed":100},"packet":{"protocols":[{"ethernet":{%s}},{%q:{"destination":%q}},{"udp":{"destination":5000}}]}}`,
			ethernet, kind, d))
	}
	return []byte(fmt.Sprintf(`{"id":%q,"target_id":%q,"config":{"duration":{"continuous":true},
		"load":{"rate":{"value":1000,"period":"seconds"},"units":"frames"},"order":"round-robin","learning":{%s},"traffic":[%s]}}`,
		id, target, learn, strings.Join(traffic, ",")))
}

// create makes a generator from a body of flowsTo.
func (n *network) create(body []byte) engine.GeneratorView {
	n.t.Helper()
	v, err := n.tryCreate(body)
	if err != nil {
		n.t.Fatalf("%v\n%s", err, body)
	}
	return v
}

func (n *network) tryCreate(body []byte) (engine.GeneratorView, error) {
	spec, err := bodies.Strict.Generator(body)
	if err != nil {
		return engine.GeneratorView{}, err
	}
	return n.CreateGenerator(spec)
}

// learn starts a learning request from a body of POST /learning.
func (n *network) learn(body string) *learning.Request {
	n.t.Helper()
	spec, err := bodies.Learning([]byte(body))
	if err != nil {
		n.t.Fatalf("%v\n%s", err, body)
	}
	r, err := n.StartLearning(spec)
	if err != nil {
		n.t.Fatalf("%v\n%s", err, body)
	}
	return r
}

// rows returns a MAC, a reason or "resolving" for each address of a request.
func (n *network) rows(id string) map[string]string {
	n.t.Helper()
	r, err := n.LearningRequest(id)
	if err != nil {
		n.t.Fatal(err)
	}
	found := make(map[string]string)
	for _, row := range r.Destinations(learning.DestinationFilter{}) {
		switch row.State {
		case learning.StateCompleted:
			found[row.Address.String()] = row.MAC.String()
		case learning.StateTimedOut:
			found[row.Address.String()] = row.Reason.String()
		default:
			found[row.Address.String()] = row.State.String()
		}
	}
	return found
}

func (n *network) wantRows(id string, want map[string]string) {
	n.t.Helper()
	if got := n.rows(id); fmt.Sprint(got) != fmt.Sprint(want) {
		n.t.Errorf("at %v: request %s: %v, want %v", n.world.Now(), id, got, want)
	}
}

// learned returns a generator's state of learning.
func (n *network) learned(id string) string {
	n.t.Helper()
	return n.generator(id).Learning
}

func (n *network) generator(id string) engine.GeneratorView {
	n.t.Helper()
	g, err := n.Generator(id)
	if err != nil {
		n.t.Fatal(err)
	}
	return g
}

func (n *network) start(id string) *generator.Result {
	n.t.Helper()
	r, err := n.StartGenerator(id)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

func (n *network) stop(id string) {
	n.t.Helper()
	if err := n.StopGenerator(id, func() {}); err != nil {
		n.t.Fatal(err)
	}
	n.run(loop.Millisecond)
}

// destinations returns the number of UDP frames for each "destination MAC".
func destinations(t *testing.T, frames []sentFrame) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, s := range frames {
		e, payload, err := header.ParseEthernet(s.frame)
		if err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case header.EtherTypeIPv4:
			if ip, _, err := header.ParseIPv4(payload); err == nil && ip.Protocol == header.ProtocolUDP {
				counts[netip.AddrFrom4(ip.Dst).String()+" "+e.Dst.String()]++
			}
		case header.EtherTypeIPv6:
			if ip, _, err := header.ParseIPv6(payload); err == nil && ip.NextHeader == header.ProtocolUDP {
				counts[netip.AddrFrom16(ip.Dst).String()+" "+e.Dst.String()]++
			}
		}
	}
	return counts
}

// solicitations lists the ARP requests and neighbor solicitations among frames, without
// announcements, as "port seconds target".
func solicitations(frames []sentFrame) []string {
	var asked []string
	for _, s := range frames {
		if target := solicited(s.frame); target.IsValid() {
			asked = append(asked, fmt.Sprintf("%d %.3f %v", s.port, float64(s.at)/float64(loop.Second), target))
		}
	}
	return asked
}

// solicited returns the target of an ARP request or neighbor solicitation, invalid for
// another frame.
func solicited(frame []byte) netip.Addr {
	e, payload, err := header.ParseEthernet(frame)
	if err != nil {
		return netip.Addr{}
	}
	switch e.Type {
	case header.EtherTypeARP:
		if a, err := header.ParseARP(payload); err == nil && a.Op == header.ARPRequest && a.SenderIP != a.TargetIP {
			return netip.AddrFrom4(a.TargetIP)
		}
	case header.EtherTypeIPv6:
		ip, body, err := header.ParseIPv6(payload)
		if err != nil || ip.NextHeader != header.ProtocolICMPv6 {
			return netip.Addr{}
		}
		if ns, err := header.ParseNeighborSolicitation(ip, body); err == nil {
			return netip.AddrFrom16(ns.Target)
		}
	}
	return netip.Addr{}
}
