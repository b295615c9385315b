package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"glean/internal/netlab"
	"glean/server/api"
)

// failover is a daemon on a LAN, where an IPv4 and an IPv6 address move from one host to
// another while the daemon sends frames to them:
//
//	glean if-1 198.18.0.100, 2001:db8:18::100
//	   | TAP
//	bridge --- veth --- a, which has 198.18.0.1 and 2001:db8:18::1 at first
//	       --- veth --- b
type failover struct {
	*daemon
	lan  *netlab.Namespace
	tap  string
	a, b *netlab.Namespace
	// devices of a and b
	deviceA, deviceB string
	capture          *capture
}

const (
	movedV4      = "198.18.0.1"
	movedV6      = "2001:db8:18::1"
	failoverPort = 5010
	failoverRate = 20_000
)

func newFailover(t *testing.T, programs ...string) *failover {
	f := &failover{lan: netlab.New(t, programs...), a: netlab.New(t), b: netlab.New(t), tap: netlab.Name(),
		deviceA: netlab.Name(), deviceB: netlab.Name()}
	f.daemon = serve(t, "--port", "0=tap:"+f.tap)
	f.lan.Move(f.tap)
	bridge, toA, toB := netlab.Name(), netlab.Name(), netlab.Name()
	f.lan.IP("link add "+bridge+" type bridge stp_state 0 forward_delay 0 mcast_snooping 0", "link set "+f.tap+" master "+bridge)
	f.lan.Quiet(bridge)
	f.lan.Quiet(f.tap)
	f.plug(bridge, toA, f.a, f.deviceA)
	f.plug(bridge, toB, f.b, f.deviceB)
	f.lan.IP("link set "+f.tap+" up", "link set "+bridge+" up")
	f.until("/ports/0", func(p object) bool { return at(p, "status", "link") == "up" })
	f.capture = newCapture(t, f.lan, f.tap, failoverPort)
	return f
}

// plug connects a host to the bridge.
func (f *failover) plug(bridge, port string, host *netlab.Namespace, device string) {
	f.t.Helper()
	f.lan.Veth(port, host, device)
	f.lan.Quiet(port)
	f.lan.IP("link set "+port+" master "+bridge, "link set "+port+" up")
	host.Sysctl("net.ipv6.conf."+device+".accept_dad=0", "net.ipv6.conf."+device+".router_solicitations=0")
	host.IP("link set " + device + " up")
}

// have and leave add the addresses to a host and remove them, without an
// announcement.
func (f *failover) have(host *netlab.Namespace, device string) {
	f.t.Helper()
	host.IP("addr add "+movedV4+"/24 dev "+device, "addr add "+movedV6+"/64 nodad dev "+device)
}

func (f *failover) leave(host *netlab.Namespace, device string) {
	f.t.Helper()
	host.IP("addr del "+movedV4+"/24 dev "+device, "addr del "+movedV6+"/64 dev "+device)
}

// transmit starts a generator to the addresses and returns the id of its result.
func (f *failover) transmit() (result string) {
	f.t.Helper()
	f.call(201, "POST", "/interfaces", object{
		"id": "if-1", "port_id": "0",
		"config": object{
			"protocols": []any{
				object{"eth": object{"mac_address": "02:00:00:00:00:64"}},
				object{"ipv4": object{"method": "static", "static": object{"address": "198.18.0.100", "prefix_length": 24}}},
				object{"ipv6": object{"method": "static", "static": object{"address": "2001:db8:18::100", "prefix_length": 64}}},
			},
			"neighbor": object{"duplicate_detection": "none", "retrans_timer_ms": 250, "probe_interval_ms": 500},
		},
	})
	f.call(201, "POST", "/packet/generators",
		generatorTo("gen-1", object{"continuous": true}, failoverRate, failoverPort, []string{movedV4}, []string{movedV6}), "Prefer", "wait=30")
	started := f.call(201, "POST", "/packet/generators/gen-1/start", nil)
	f.sent(started["id"].(string), failoverRate/10)
	return started["id"].(string)
}

// result returns the present state of a result.
func (f *failover) result(id string) api.GeneratorResult {
	f.t.Helper()
	r, err := f.api.GeneratorResult(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// sent waits until n more frames are sent.
func (f *failover) sent(id string, n uint64) {
	f.t.Helper()
	before := f.result(id).FlowCounters.PacketsActual
	f.when(id, func(r api.GeneratorResult) bool { return r.FlowCounters.PacketsActual >= before+n })
}

// when waits until ok holds for a result; the generator must not stop meanwhile.
func (f *failover) when(id string, ok func(api.GeneratorResult) bool) {
	f.t.Helper()
	f.until("/packet/generator-results/"+id, func(object) bool {
		r := f.result(id)
		if !r.Active {
			f.t.Fatalf("the generator has stopped: %+v", r)
		}
		return ok(r)
	})
}

// lost is the value of a next hop without a MAC.
const lost = "lost"

// moved reports whether, by the changes of a result, both addresses are at a MAC now.
func moved(mac string) func(api.GeneratorResult) bool {
	return func(r api.GeneratorResult) bool {
		now := make(map[string]string)
		for _, c := range r.NeighborChanges {
			now[c.NextHopAddress] = lost
			if c.NewMAC != nil {
				now[c.NextHopAddress] = *c.NewMAC
			}
		}
		return now[movedV4] == mac && now[movedV6] == mac
	}
}

// A count may differ from the capture by these values. A batch that is sent while the
// change is stored counts as a whole, although some of its frames left before. And the
// time of a change is the beginning of the loop's turn. Frames that leave between that
// time and the storing of the MAC are not counted; this interval is long if the loop's
// thread has to wait for a processor.
const (
	slackFrames = 64
	slackTime   = 50 * time.Millisecond
)

// judge stops the generator and compares the changes in its result with the capture.
func (f *failover) judge(id string) api.GeneratorResult {
	f.t.Helper()
	f.call(204, "POST", "/packet/generators/gen-1/stop", nil)
	r := f.result(id)
	frames := f.capture.frames(int(r.FlowCounters.PacketsActual))
	if len(frames) != int(r.FlowCounters.PacketsActual) || r.FlowCounters.Errors > 0 || r.Error != "" {
		f.t.Errorf("%d frames captured, counters %+v, error %q", len(frames), r.FlowCounters, r.Error)
	}
	sum := uint64(0)
	for i, c := range r.NeighborChanges {
		sum += c.FramesToStaleMAC
		from, until := moment(f.t, c.Time), time.Now()
		for _, next := range r.NeighborChanges[i+1:] {
			if next.NextHopAddress == c.NextHopAddress {
				until = moment(f.t, next.Time)
				break
			}
		}
		between := func(from, until time.Time) (seen int) {
			for _, frame := range frames {
				if frame.v6 == strings.Contains(c.NextHopAddress, ":") && frame.dst.String() == c.OldMAC && frame.at.After(from) && frame.at.Before(until) {
					seen++
				}
			}
			return seen
		}
		what := "lost"
		if c.NewMAC != nil {
			what = "now " + *c.NewMAC
		}
		f.t.Logf("%s (%s): was %s, %s; %d frames to the old MAC counted, %d captured", c.NextHopAddress, c.Cause, c.OldMAC, what, c.FramesToStaleMAC, between(from, until))
		least, most := between(from.Add(slackTime), until)-slackFrames, between(from, until.Add(slackTime))+slackFrames
		if n := int(c.FramesToStaleMAC); n < least || n > most {
			f.t.Errorf("%+v: of frames to the old MAC %d to %d are captured", c, least, most)
		}
	}
	if sum != *r.FlowCounters.PacketsToStaleMAC || r.NeighborChangesLeftOut != 0 {
		f.t.Errorf("%d frames to stale MACs, %d in the changes", *r.FlowCounters.PacketsToStaleMAC, sum)
	}
	return r
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// noPorts6 is noPorts for IPv6.
func noPorts6(t *testing.T, n *netlab.Namespace) (count int) {
	t.Helper()
	_, rest, found := strings.Cut(n.Run("cat", "/proc/net/snmp6"), "Udp6NoPorts")
	if _, err := fmt.Sscan(rest, &count); !found || err != nil {
		t.Fatal("/proc/net/snmp6 has no Udp6NoPorts")
	}
	return count
}

// wantReceived waits until more frames are sent, and requires that a host receives a
// part of them in each family.
func (f *failover) wantReceived(id string, host *netlab.Namespace) {
	f.t.Helper()
	before4, before6 := noPorts(f.t, host), noPorts6(f.t, host)
	f.sent(id, failoverRate/2)
	if got4, got6 := noPorts(f.t, host)-before4, noPorts6(f.t, host)-before6; got4 < failoverRate/8 || got6 < failoverRate/8 {
		f.t.Errorf("of %d frames the new owner received %d by IPv4 and %d by IPv6", failoverRate/2, got4, got6)
	}
}

// TestFramesFollowMovedAddresses: the addresses move while 20,000 frames a second go to
// them. With announce the new owner's kernel sends a gratuitous ARP and an unsolicited
// advertisement.
func TestFramesFollowMovedAddresses(t *testing.T) {
	for _, announce := range []bool{true, false} {
		t.Run(map[bool]string{true: "announced", false: "unannounced"}[announce], func(t *testing.T) {
			f := newFailover(t)
			f.have(f.a, f.deviceA)
			id := f.transmit()
			f.leave(f.a, f.deviceA)
			f.have(f.b, f.deviceB)
			if announce {
				f.b.Sysctl("net.ipv4.conf."+f.deviceB+".arp_notify=1", "net.ipv6.conf."+f.deviceB+".ndisc_notify=1")
				f.b.IP("link set " + f.deviceB + " address " + movedMAC)
			}
			to := f.b.MAC(f.deviceB)
			f.when(id, moved(to))
			f.wantReceived(id, f.b)
			r := f.judge(id)
			for _, c := range r.NeighborChanges {
				if want := map[bool]string{true: "announced", false: "answer"}[announce]; c.Cause != want || c.OldMAC != f.a.MAC(f.deviceA) {
					t.Errorf("change %+v, want one from %s by %q", c, f.a.MAC(f.deviceA), want)
				}
			}
		})
	}
}

const movedMAC = "02:00:5e:00:00:99"

// TestFramesToLostNextHopAreCounted: for a while no host has the addresses. All frames of
// that time go to the old MAC and are counted. When another host takes the addresses,
// it gets the frames.
func TestFramesToLostNextHopAreCounted(t *testing.T) {
	f := newFailover(t)
	f.have(f.a, f.deviceA)
	id := f.transmit()
	f.leave(f.a, f.deviceA)
	f.when(id, moved(lost))
	f.sent(id, failoverRate)
	f.have(f.b, f.deviceB)
	f.when(id, moved(f.b.MAC(f.deviceB)))
	f.wantReceived(id, f.b)
	if r := f.judge(id); *r.FlowCounters.PacketsToStaleMAC < failoverRate {
		t.Errorf("only %d to stale MACs", *r.FlowCounters.PacketsToStaleMAC)
	}
}
