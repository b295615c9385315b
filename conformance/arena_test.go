package conformance

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"glean/internal/netlab"
	"glean/learning"
	"glean/server/engine"
	"glean/stack/link/afpacket"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

// arena is a device on which several resolvers resolve addresses in turn, and a peer that
// has all of these addresses.
//
//	veth:  kernel, glean (AF_PACKET), arp-scan  ==== a kernel that has them all
//	TAP:   glean ==== kernel, arp-scan; each has the addresses that the other resolves
//
// Addresses are 10.1.0.0 and on in 10.0.0.0/8 (on the TAP glean has 10.2.0.0
// and on), and 2001:db8:1::1, 2001:db8:1:1::1 and on in 2001:db8::/32.
type arena struct {
	arenaConfig
	t      *testing.T
	near   *netlab.Namespace // of the soliciting kernel and arp-scan
	device string
	kernel *kernelResolver
	glean  *glean // on a TAP; on a veth there is one for each trial
}

type arenaConfig struct {
	count  int // addresses
	tap    bool
	v6     bool
	loss   int  // percent of the requests that are lost
	dead   bool // every second block of 16 addresses has no owner
	queues int  // of the TAP; 0 means 1
}

// queueLength is the queue length of devices. It holds every request, so that only the
// configured loss occurs.
const queueLength = "131072"

func newArena(t *testing.T, c arenaConfig) *arena {
	a := &arena{arenaConfig: c, t: t, device: netlab.Name()}
	if c.tap {
		a.near = netlab.New(t, "arp-scan")
		a.glean = newGlean(t)
		a.glean.openTAP("0", tap.Config{Name: a.device, Room: tap.MaxRoom, Queues: c.queues})
		a.near.Move(a.device)
	} else {
		a.near = netlab.Own(t, "arp-scan")
		a.addPeer()
	}
	a.setUp()
	if c.tap {
		a.near.IP("route add local 10.1.0.0/16 dev lo")
		a.addInterface(a.glean, `,"respond_for":["10.2.0.0/16"]`)
	}
	a.kernel = newKernelResolver(t, a.near, a.device)
	return a
}

// setUp prepares the device on the side of the soliciting kernel.
func (a *arena) setUp() {
	raiseThresholds(a.t)
	a.near.Sysctl("net.ipv6.conf."+a.device+".accept_dad=0", "net.ipv6.conf."+a.device+".router_solicitations=0")
	if !a.v6 {
		a.near.Quiet(a.device)
	}
	a.near.IP("link set "+a.device+" txqueuelen "+queueLength, "addr add 10.0.0.1/8 dev "+a.device, "link set "+a.device+" up")
	for _, family := range []string{"ipv4", "ipv6"} {
		for _, setting := range []string{"retrans_time_ms=50", "mcast_solicit=8", "base_reachable_time_ms=3600000"} {
			a.near.Sysctl("net." + family + ".neigh." + a.device + "." + setting)
		}
	}
	if a.v6 {
		a.near.IP("addr add 2001:db8::1/32 nodad dev " + a.device)
	}
}

// raiseThresholds lets the kernel keep as many neighbors as a trial resolves. The values
// apply to the whole machine, not to a namespace.
func raiseThresholds(t *testing.T) {
	for _, family := range []string{"ipv4", "ipv6"} {
		for _, n := range []string{"1", "2", "3"} {
			path := "/proc/sys/net/" + family + "/neigh/default/gc_thresh" + n
			old, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, []byte("1000000"), 0)
			}
			if err != nil {
				t.Skipf("needs to raise the kernel's gc_thresh: %v", err)
			}
			t.Cleanup(func() { _ = os.WriteFile(path, old, 0) })
		}
	}
}

// addPeer makes a veth whose far end is a kernel that has all addresses.
func (a *arena) addPeer() {
	a.t.Helper()
	far, there := netlab.New(a.t), netlab.Name()
	a.near.Veth(a.device, far, there)
	a.t.Cleanup(func() { _, _ = a.near.Try("ip", "link", "del", a.device) })
	far.Sysctl("net.ipv6.conf."+there+".accept_dad=0", "net.ipv6.conf."+there+".router_solicitations=0")
	far.IP("addr add 10.0.0.3/8 dev "+there, "link set "+there+" txqueuelen "+queueLength, "link set "+there+" up", "route add local 10.1.0.0/16 dev lo")
	if a.v6 {
		var batch strings.Builder
		for k := range a.count {
			fmt.Fprintf(&batch, "addr add %v/32 dev %s nodad\n", a.address(k), there)
		}
		file := a.t.TempDir() + "/addresses"
		if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
			a.t.Fatal(err)
		}
		far.Run("ip", "-batch", file)
	}
	if a.dead {
		a.addBlocks(far)
	}
	if a.loss > 0 {
		dropSome(a.t, far, there, a.loss)
	}
	swallow(a.t, far)
}

// addBlocks adds the live blocks of addresses to a namespace.
func (a *arena) addBlocks(far *netlab.Namespace) {
	a.t.Helper()
	var batch strings.Builder
	for k := 0; k < a.count; k += 16 {
		fmt.Fprintf(&batch, "route add local %v/28 dev lo\n", a.address(k))
	}
	file := a.t.TempDir() + "/blocks"
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		a.t.Fatal(err)
	}
	far.Run("ip", "-batch", file)
}

// scattered returns address number k in the even blocks of 16 addresses from 10.4.0.0
// on, or in the odd blocks.
func scattered(k, odd int) netip.Addr {
	n := (2*(k/16)+odd)*16 + k%16
	return netip.AddrFrom4([4]byte{10, 4 + byte(n>>16), byte(n >> 8), byte(n)})
}

// swallow opens the port that packets go to, so that the kernel does not answer that it
// is closed. The packets are not read.
func swallow(t *testing.T, n *netlab.Namespace) {
	t.Helper()
	err := n.Do(func() error {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: discard})
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (a *arena) addInterface(g *glean, neighbor string) {
	a.t.Helper()
	g.iface(`{"id":"if-1","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:64"}},
		{"ipv4":{"method":"static","static":{"address":"10.0.0.2","prefix_length":8}}},
		{"ipv6":{"method":"static","static":{"address":"2001:db8::2","prefix_length":32}}}],
		"neighbor":{"duplicate_detection":"none","retrans_timer_ms":50,"multicast_solicits":8,"reachable_time_ms":3600000` + neighbor + `}}}`)
}

// address returns number k of the peer's addresses.
func (a *arena) address(k int) netip.Addr {
	if a.dead {
		return scattered(k, 0)
	}
	if a.v6 {
		// All addresses have one solicited-node group, because the kernel searches its
		// groups one by one.
		b := netip.MustParseAddr("2001:db8:1::1").As16()
		binary.BigEndian.PutUint16(b[6:], uint16(k))
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte{10, 1, byte(k >> 8), byte(k)})
}

// gleansAddress returns number k of glean's addresses on a TAP.
func (a *arena) gleansAddress(k int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 2, byte(k >> 8), byte(k)})
}

// index returns the number of an address, -1 for one outside of the arena.
func index(a netip.Addr) int {
	b := a.AsSlice()
	if len(b) == 4 {
		return int(b[2])<<8 | int(b[3])
	}
	if b[15] != 1 || b[5] != 1 {
		return -1
	}
	return int(b[6])<<8 | int(b[7])
}

// forKernel returns the function for the addresses that the kernel and arp-scan resolve.
func (a *arena) forKernel() func(int) netip.Addr {
	if a.tap {
		return a.gleansAddress
	}
	return a.address
}

// sent returns how many frames have left the kernel's side of the device. If glean is on
// a TAP, these are the requests of the kernel and arp-scan only.
func (a *arena) sent() (n uint64) {
	a.t.Helper()
	err := a.near.Do(func() error {
		l, err := netlink.LinkByName(a.device)
		if err == nil {
			n = l.Attrs().Statistics.TxPackets
		}
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return n
}

// gleanResolves lets glean learn all addresses with an empty neighbor cache.
func (a *arena) gleanResolves() trial { return a.gleanLearns(false) }

// gleanLearns lets glean learn all addresses with an empty neighbor cache, and with dead
// as many addresses without an owner. It returns when all live addresses are found. On
// a veth glean exists only during its trial, because its socket would receive the
// replies to the other resolvers.
func (a *arena) gleanLearns(dead bool) trial {
	a.t.Helper()
	g := a.glean
	if g == nil {
		g = newGlean(a.t)
		defer g.close()
		g.openPacket("0", afpacket.Config{Name: a.device, Room: 16384})
		a.addInterface(g, "")
	}
	spec := engine.LearningSpec{InterfaceID: "if-1", Timeout: 60 * loop.Second}
	for k := range a.count {
		spec.Addresses = append(spec.Addresses, a.address(k))
		if dead {
			spec.Addresses = append(spec.Addresses, scattered(k, 1))
		}
	}
	g.do(func(e *engine.Engine) {
		if err := e.FlushNeighbors("", func() {}); err != nil {
			a.t.Error(err)
		}
	})
	before := g.counters()
	began := startWatch()
	r := g.resolve(spec, a.count)
	t := began.stop()
	after := g.counters()
	t.requests = after.ARPRequestsSent + after.SolicitsSent - before.ARPRequestsSent - before.SolicitsSent
	g.do(func(e *engine.Engine) {
		t.missed = a.count - r.Progress().Completed
		e.DeleteLearning(r.ID())
	})
	g.until("the request has ended", func(*engine.Engine) bool { return r.State() != learning.StateResolving })
	g.do(func(e *engine.Engine) {
		result := r.ResultID()
		e.DeleteLearning(r.ID())
		if err := e.DeleteLearningResult(result); err != nil {
			a.t.Error(err)
		}
	})
	return t
}

// resolve runs a learning request until count addresses are found or it ends.
func (g *glean) resolve(spec engine.LearningSpec, count int) *learning.Request {
	g.t.Helper()
	if len(spec.Addresses) == count {
		return g.request(spec)
	}
	var r *learning.Request
	var err error
	g.do(func(e *engine.Engine) { r, err = e.StartLearning(spec) })
	if err != nil {
		g.t.Fatal(err)
	}
	g.until("the live addresses are found", func(*engine.Engine) bool { return r.Progress().Completed == count })
	return r
}

// kernelResolves lets the kernel resolve all addresses, requested by netlink or with
// packets: then a packet is sent to each address, and not counted.
func (a *arena) kernelResolves(packets bool) trial {
	a.t.Helper()
	a.near.Run("ip", "neigh", "flush", "dev", a.device)
	defer a.queue(a.shortQueue())()
	a.kernel.drain()
	before := a.sent()
	began := startWatch()
	request := a.kernel.use
	if packets {
		request = a.kernel.send
		before += uint64(a.count)
	}
	missed := a.kernel.resolve(request, a.count, a.forKernel(), index)
	t := began.stop()
	t.requests, t.missed = a.sent()-before, missed
	return t
}

// shortQueue returns the queue length with which the kernel is fastest. On a TAP it is
// the default: in a longer queue requests wait so long that the kernel repeats them.
func (a *arena) shortQueue() string {
	if a.tap {
		return "1000"
	}
	return queueLength
}

// queue sets the device's queue length. The returned function restores it.
func (a *arena) queue(length string) (restore func()) {
	a.near.IP("link set " + a.device + " txqueuelen " + length)
	return func() { a.near.IP("link set " + a.device + " txqueuelen " + queueLength) }
}

// arpScanSetting holds the options of arp-scan that determine its speed.
type arpScanSetting struct {
	interval string // time between packets
	retry    int
	timeout  int // in ms, after the last packet
}

func (s arpScanSetting) String() string {
	return fmt.Sprintf("--interval=%s --retry=%d --timeout=%d", s.interval, s.retry, s.timeout)
}

// arpScan lets arp-scan resolve all addresses.
func (a *arena) arpScan(s arpScanSetting) trial {
	a.t.Helper()
	address := a.forKernel()
	defer a.queue(a.shortQueue())()
	before := a.sent()
	began := startWatch()
	out := a.near.Run("arp-scan", "--interface="+a.device, "--plain", "--quiet", "--ouifile=/dev/null", "--macfile=/dev/null",
		"--ignoredups", "--interval="+s.interval, fmt.Sprintf("--retry=%d", s.retry), fmt.Sprintf("--timeout=%d", s.timeout),
		fmt.Sprintf("%v-%v", address(0), address(a.count-1)))
	t := began.stop()
	t.requests, t.missed = a.sent()-before, a.count-strings.Count(out, "\n")
	return t
}

// tuneArpScan returns the fastest setting that misses no address in two trials.
func (a *arena) tuneArpScan() arpScanSetting {
	best, fastest := arpScanSetting{"100u", 3, 500}, time.Duration(0)
	for _, retry := range []int{1, 2} {
		for _, interval := range []string{"1u", "2u", "5u", "10u", "20u", "40u"} {
			for _, timeout := range []int{20, 100} {
				s := arpScanSetting{interval, retry, timeout}
				first := a.arpScan(s)
				if first.missed > 0 || fastest > 0 && first.wall > fastest {
					continue
				}
				if second := a.arpScan(s); second.missed == 0 {
					best, fastest = s, max(first.wall, second.wall)
				}
			}
		}
	}
	return best
}

// interfaceIndex returns the index of a device in the current namespace.
func interfaceIndex(device string) (int, error) {
	d, err := net.InterfaceByName(device)
	if err != nil {
		return 0, err
	}
	return d.Index, nil
}
