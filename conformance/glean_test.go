package conformance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/transmit"
	"glean/internal/netlab"
	"glean/learning"
	"glean/server/bodies"
	"glean/server/engine"
	"glean/stack"
	"glean/stack/link"
	"glean/stack/link/afpacket"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

// patience is the time that a test waits for an event that must happen.
const patience = 30 * time.Second

// glean is an engine on a real loop. Its ports are TAPs.
type glean struct {
	t      testing.TB
	loop   *loop.Real
	engine *engine.Engine // on the loop only
	wake   chan struct{}  // something happened
	links  []interface{ Done() <-chan struct{} }
	close  func() // ends glean; a second call does nothing
}

func newGlean(t testing.TB) *glean {
	l := loop.NewReal()
	g := &glean{t: t, loop: l, wake: make(chan struct{}, 1)}
	g.engine = engine.New(engine.Config{
		Loop: l,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return transmit.Start(r, q, l.Clock, func(reason error) { l.Post(func() { done(reason) }) })
		},
	})
	g.engine.OnEvent(func(engine.Event) {
		select {
		case g.wake <- struct{}{}:
		default:
		}
	})
	go l.Run()
	g.close = sync.OnceFunc(func() {
		stopped := make(chan struct{})
		l.Post(func() { g.engine.Stop(func() { close(stopped) }) })
		<-stopped
		for _, k := range g.links {
			<-k.Done()
		}
		l.Stop()
		<-l.Done()
	})
	t.Cleanup(g.close)
	return g
}

// do runs f on the loop and waits for it.
func (g *glean) do(f func(e *engine.Engine)) {
	done := make(chan struct{})
	g.loop.Post(func() { defer close(done); f(g.engine) })
	<-done
}

// until waits until ok holds. It calls ok on the loop after each event and every few
// milliseconds. The test fails with the text what if ok does not hold within patience.
func (g *glean) until(what string, ok func(e *engine.Engine) bool) {
	g.t.Helper()
	if !g.within(patience, ok) {
		g.t.Fatalf("not within %v: %s", patience, what)
	}
}

// within is like until, but takes the time and reports whether ok held.
func (g *glean) within(d time.Duration, ok func(e *engine.Engine) bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(d)
	for {
		holds := false
		g.do(func(e *engine.Engine) { holds = ok(e) })
		if holds {
			return true
		}
		select {
		case <-g.wake:
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
}

// openTAP adds a port on a TAP.
func (g *glean) openTAP(id string, c tap.Config) {
	g.t.Helper()
	k, err := tap.Open(g.loop, c)
	if err != nil {
		g.t.Fatal(err)
	}
	g.attach(engine.PortSpec{ID: id, Kind: engine.KindTAP, Name: c.Name}, k)
}

// openPacket adds a port on a device of the test's own namespace.
func (g *glean) openPacket(id string, c afpacket.Config) {
	g.t.Helper()
	k, err := afpacket.Open(g.loop, c)
	if err != nil {
		g.t.Fatal(err)
	}
	g.attach(engine.PortSpec{ID: id, Kind: engine.KindPacket, Name: c.Name}, k)
}

// closable is a link that takes a while to close.
type closable interface {
	link.Link
	Done() <-chan struct{}
}

func (g *glean) attach(spec engine.PortSpec, k closable) {
	g.t.Helper()
	g.links = append(g.links, k)
	g.do(func(e *engine.Engine) {
		if err := e.ReservePort(spec); err != nil {
			g.t.Error(err)
		}
		e.AttachPort(spec.ID, k)
	})
}

// iface makes an interface from a body of POST /interfaces.
func (g *glean) iface(body string) {
	g.t.Helper()
	spec, err := bodies.Strict.Interface([]byte(body))
	if err == nil {
		g.do(func(e *engine.Engine) { _, err = e.CreateInterface(spec) })
	}
	if err != nil {
		detail, _ := json.Marshal(err)
		g.t.Fatalf("%v %s\n%s", err, detail, body)
	}
}

// neighbor returns the state and MAC of a neighbor of if-1, "none" if it does not exist.
func (g *glean) neighbor(e *engine.Engine, address string) string {
	list := e.Neighbors(engine.NeighborFilter{InterfaceID: "if-1", Address: netip.MustParseAddr(address)})
	if len(list) == 0 {
		return "none"
	}
	return strings.TrimSuffix(list[0].Info.State.String()+" "+list[0].Info.MAC.String(), " 00:00:00:00:00:00")
}

// wantNeighbor waits until a neighbor has a state and MAC ("stale 02:..."), or a state.
func (g *glean) wantNeighbor(address, want string) {
	g.t.Helper()
	last := ""
	if !g.within(patience, func(e *engine.Engine) bool {
		last = g.neighbor(e, address)
		return last == want || strings.HasPrefix(last, want+" ")
	}) {
		g.t.Fatalf("%s is %q after %v, want %q", address, last, patience, want)
	}
}

// learn learns addresses on if-1 and returns a MAC or a reason for each.
func (g *glean) learn(timeout time.Duration, addresses ...string) map[string]string {
	g.t.Helper()
	return g.learnOn("if-1", timeout, addresses...)
}

// learnOn is learn for another interface.
func (g *glean) learnOn(id string, timeout time.Duration, addresses ...string) map[string]string {
	g.t.Helper()
	spec := engine.LearningSpec{InterfaceID: id, Timeout: loop.Duration(timeout)}
	for _, a := range addresses {
		spec.Addresses = append(spec.Addresses, netip.MustParseAddr(a))
	}
	r := g.request(spec)
	found := make(map[string]string)
	g.do(func(*engine.Engine) {
		for _, row := range r.Destinations(learning.DestinationFilter{}) {
			found[row.Address.String()] = row.MAC.String()
			if row.State != learning.StateCompleted {
				found[row.Address.String()] = row.Reason.String()
			}
		}
	})
	return found
}

// request runs a learning request to its end.
func (g *glean) request(spec engine.LearningSpec) *learning.Request {
	g.t.Helper()
	var r *learning.Request
	var err error
	ended := make(chan struct{})
	g.do(func(e *engine.Engine) {
		if r, err = e.StartLearning(spec); err == nil {
			e.WhenLearned(r.ID(), func() { close(ended) })
		}
	})
	if err != nil {
		g.t.Fatal(err)
	}
	<-ended
	return r
}

// counters returns the counters of the only port's stack.
func (g *glean) counters() (c stack.Counters) {
	g.do(func(e *engine.Engine) { c = e.StackCounters()[0] })
	return c
}

// event waits for an event of a type, resource and kind after seq, and returns it.
func (g *glean) event(seq uint64, kind, id, what string) engine.Event {
	g.t.Helper()
	var found engine.Event
	g.until(fmt.Sprintf("event %s %s %s", kind, id, what), func(e *engine.Engine) bool {
		list, _ := e.Events(seq, 1<<14)
		for _, event := range list {
			if event.Type == kind && event.ID == id && event.What == what {
				found = event
				return true
			}
		}
		return false
	})
	return found
}

// seq returns the number of the newest event.
func (g *glean) seq() (seq uint64) {
	g.do(func(e *engine.Engine) { _, seq = e.Events(0, 1) })
	return seq
}

// peer is glean on a TAP whose peer is the kernel:
//
//	glean if-1  198.18.0.100, 2001:db8:18::100   (MAC 02:00:00:00:00:64)
//	   | TAP
//	kernel      198.18.0.1, 2001:db8:18::1
type peer struct {
	*glean
	kernel *netlab.Namespace
	device string
}

const (
	gleanMAC = "02:00:00:00:00:64"
	gleanV4  = "198.18.0.100"
	gleanV6  = "2001:db8:18::100"
	kernelV4 = "198.18.0.1"
	kernelV6 = "2001:db8:18::1"
)

// newPeer starts glean and its peer. neighbor has members of config.neighbor, vlans has
// protocol entries before the addresses. Tests with a peer run in parallel, because
// they mostly wait.
func newPeer(t *testing.T, vlans, neighbor string, programs ...string) *peer {
	t.Helper()
	t.Parallel()
	p := &peer{kernel: netlab.New(t, programs...), device: netlab.Name()}
	p.glean = newGlean(t)
	p.openTAP("0", tap.Config{Name: p.device})
	p.kernel.Move(p.device)
	p.kernel.Sysctl("net.ipv6.conf."+p.device+".accept_dad=0", "net.ipv6.conf."+p.device+".router_solicitations=0")
	p.kernel.IP("addr add "+kernelV4+"/16 dev "+p.device, "addr add "+kernelV6+"/64 nodad dev "+p.device, "link set "+p.device+" up")
	p.until("the port is up", func(e *engine.Engine) bool {
		v, err := e.Port("0")
		return err == nil && v.State.Up
	})
	p.iface(interfaceBody(gleanMAC, vlans, neighbor))
	return p
}

func interfaceBody(mac, vlans, neighbor string) string {
	return fmt.Sprintf(`{"id":"if-1","port_id":"0","config":{"protocols":[{"eth":{"mac_address":%q}}%s,
		{"ipv4":{"method":"static","static":{"address":%q,"prefix_length":16}}},
		{"ipv6":{"method":"static","static":{"address":%q,"prefix_length":64}}}],"neighbor":{%s}}}`,
		mac, vlans, gleanV4, gleanV6, neighbor)
}

// mac returns the kernel's MAC on the TAP.
func (p *peer) mac() string { return p.kernel.MAC(p.device) }

// neigh sets values of the kernel's neighbor cache on the TAP, IPv4 and IPv6.
func (p *peer) neigh(settings ...string) {
	p.t.Helper()
	for _, s := range settings {
		p.kernel.Sysctl("net.ipv4.neigh."+p.device+"."+s, "net.ipv6.neigh."+p.device+"."+s)
	}
}

// kernelMAC returns the kernel's MAC for an address, "" if it has none.
func (p *peer) kernelMAC(address string) string {
	p.t.Helper()
	fields := strings.Fields(p.kernel.Run("ip", "neigh", "show", address, "dev", p.device))
	for i, f := range fields {
		if f == "lladdr" {
			return fields[i+1]
		}
	}
	return ""
}

// wantKernelMAC waits until the kernel has a MAC for an address.
func (p *peer) wantKernelMAC(address, want string) {
	p.t.Helper()
	got := ""
	if !p.poll(func() bool { got = p.kernelMAC(address); return got == want }) {
		p.t.Fatalf("the kernel has %q for %s after %v, want %q", got, address, patience, want)
	}
}

// poll calls ok every 10 ms until it holds. It is for states that the kernel does not
// notify. It reports whether ok held within patience.
func (p *peer) poll(ok func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// ping lets the kernel ping an address until it answers, for at most patience.
func (p *peer) ping(address string) {
	p.t.Helper()
	p.kernel.Run("ping", "-n", "-c", "1", "-i", "0.05", "-w", fmt.Sprint(int(patience.Seconds())), address)
}
