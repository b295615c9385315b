package learning

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"glean/stack/header"
	"glean/stack/loop"

	"pgregory.net/rapid"
)

// The network that learning is tested on here is drawn solicitation by solicitation: what
// becomes of each one is decided when it leaves. A failure shrinks to a script of
// requests, solicitations and their fates.

// whatBecomes lists the fates of a solicitation. The first is the simplest.
var whatBecomes = []string{"answered", "lost", "answered late", "answered twice", "answered wrong, then right", "answered right, then wrong"}

// networkRequest is what the test knows of a request in progress.
type networkRequest struct {
	*Request
	iface   uint32
	began   loop.Time
	end     loop.Time
	sent    uint64         // solicitations on the wire while it waited for their next hops
	fresh   map[key]bool   // nothing is left of those that waited for the next hop before it
	asked   map[key]uint32 // solicitations for a next hop since it began
	waiting map[key]bool
}

// drawnNetwork plays the network and keeps the books.
type drawnNetwork struct {
	*wired
	rt       *rapid.T
	told     map[key]map[header.MAC]bool
	open     map[key]bool      // a solicitation is outstanding, so that a reply counts
	since    map[key]loop.Time // of the last event after which it has to be solicited anew
	wanted   map[key]loop.Time // when a request waited for it last
	changed  loop.Time         // when the link went down or up last
	requests []*networkRequest
	ids      int
	dead     map[string]bool // next hops that never reply
}

var networkPool = []string{"192.0.2.2", "192.0.2.3", "2001:db8::2", "fe80::3", "203.0.113.1", "203.0.113.2", "2001:db8:9::1", "192.0.2.1"}

func newDrawnNetwork(rt *rapid.T) *drawnNetwork {
	window := rapid.SampledFrom([]int{64, 2}).Draw(rt, "window")
	n := &drawnNetwork{rt: rt, told: make(map[key]map[header.MAC]bool), open: make(map[key]bool), since: make(map[key]loop.Time), wanted: make(map[key]loop.Time)}
	n.dead = make(map[string]bool)
	for _, a := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"192.0.2.3", "2001:db8::2", "192.0.2.254"}), rapid.ID[string]).Draw(rt, "dead") {
		n.dead[a] = true
	}
	n.wired = newWired(rt, Budget{Window: window})
	n.wired.asked = n.solicitation
	return n
}

// rightMAC is where a neighbor is, wrongMAC where it is not.
func rightMAC(k key) header.MAC { return macOf(k) }

func wrongMAC(k key) header.MAC {
	m := macOf(k)
	m[0] = 6
	return m
}

// timerSlack is by how much the stack's timers may be late.
const timerSlack = 5 * loop.Millisecond

// solicitation draws the fate of a solicitation.
func (n *drawnNetwork) solicitation(q solicitation) {
	n.look()
	k := q.key
	n.open[k] = true
	waited := false
	for _, r := range n.requests {
		if r.waiting[k] {
			waited = true
			r.sent++
			r.asked[k]++
		}
	}
	if !waited {
		n.rt.Fatalf("at %v: %v is solicited without a request", n.loop.Now(), k)
	}
	if n.dead[k.hop.String()] {
		return
	}
	right, wrong := q.answer(rightMAC(k)), q.answer(wrongMAC(k))
	const rtt = loop.Millisecond
	switch rapid.SampledFrom(whatBecomes).Draw(n.rt, fmt.Sprintf("at %v the solicitation for %v is", n.loop.Now(), k)) {
	case "answered":
		n.later(rtt, k, rightMAC(k), right)
	case "answered late":
		delay := loop.Duration(rapid.SampledFrom([]int{50, 900, 1100, 2500, 7000}).Draw(n.rt, "ms late")) * loop.Millisecond
		n.later(delay, k, rightMAC(k), right)
	case "answered twice":
		n.later(rtt, k, rightMAC(k), right)
		n.later(2*rtt, k, rightMAC(k), right)
	case "answered wrong, then right":
		n.later(rtt, k, wrongMAC(k), wrong)
		n.later(40*rtt, k, rightMAC(k), right)
	case "answered right, then wrong":
		n.later(rtt, k, rightMAC(k), right)
		n.later(40*rtt, k, wrongMAC(k), wrong)
	}
}

// later delivers a reply and checks its effect.
func (n *drawnNetwork) later(d loop.Duration, k key, mac header.MAC, frame []byte) {
	n.loop.Arm(loop.NewTimer(func() {
		if n.down {
			return
		}
		n.look()
		n.tell(k, mac)
		decides, open := n.waiters(k), n.open[k]
		n.receive(frame)
		if open {
			n.open[k] = false
			for _, r := range decides {
				n.completed(r, k, mac)
			}
		}
	}), n.loop.Now().Add(d))
}

// tell records that the stack receives a MAC.
func (n *drawnNetwork) tell(k key, mac header.MAC) {
	if n.told[k] == nil {
		n.told[k] = make(map[header.MAC]bool)
	}
	n.told[k][mac] = true
}

// waiters are the requests that wait for a next hop.
func (n *drawnNetwork) waiters(k key) []*networkRequest {
	return slices.DeleteFunc(slices.Clone(n.requests), func(r *networkRequest) bool { return !r.waiting[k] })
}

// completed wants a request to have a next hop's MAC, since now.
func (n *drawnNetwork) completed(r *networkRequest, k key, mac header.MAC) {
	for _, row := range r.Destinations(DestinationFilter{}) {
		if row.NextHop != k.hop {
			continue
		}
		if row.State != StateCompleted || row.MAC != mac || row.DecidedAt != n.loop.Now() {
			n.rt.Fatalf("at %v: %v answered with %v, but %s has %+v", n.loop.Now(), k, mac, r.ID(), row)
		}
		if r.fresh[k] && row.Attempts != r.asked[k] {
			n.rt.Fatalf("at %v: %v was asked %d times for %s, which says %d", n.loop.Now(), k, r.asked[k], r.ID(), row.Attempts)
		}
	}
	n.look()
}

// Learn begins a request.
func (n *drawnNetwork) Learn(t *rapid.T) {
	n.ids++
	r := &networkRequest{iface: rapid.Uint32Range(1, 2).Draw(t, "interface"), began: n.loop.Now(),
		fresh: make(map[key]bool), asked: make(map[key]uint32), waiting: make(map[key]bool)}
	spec := Spec{
		ID:        fmt.Sprintf("lr-%d", n.ids),
		Interface: ifc(r.iface),
		Mode:      rapid.SampledFrom([]Mode{ModeAll, ModeCached}).Draw(t, "mode"),
		Timeout:   loop.Duration(rapid.SampledFrom([]int{30_000, 4000, 1000, 100}).Draw(t, "timeout in ms")) * loop.Millisecond,
		Addresses: addresses(rapid.SliceOfNDistinct(rapid.SampledFrom(networkPool), 1, len(networkPool), rapid.ID[string]).Draw(t, "addresses")...),
	}
	r.end = r.began.Add(spec.Timeout)
	for _, a := range spec.Addresses {
		if hop, why := n.NextHop(r.iface, a); why == ReasonNone {
			k := key{r.iface, hop}
			last, before := n.last[k]
			r.fresh[k] = len(n.waiters(k)) == 0 &&
				(!before || last > n.changed && n.loop.Now() > max(last.Add(wiredRetrans), n.wanted[k]).Add(timerSlack))
		}
	}
	var err error
	if r.Request, err = n.m.Start(spec); err != nil {
		t.Fatal(err)
	}
	n.requests = append(n.requests, r)
	n.look()
}

// Pass lets time go by.
func (n *drawnNetwork) Pass(t *rapid.T) {
	n.loop.RunFor(loop.Duration(rapid.SampledFrom([]int{1, 100, 1000, 3100, 20_000, 40_000}).Draw(t, "ms")) * loop.Millisecond)
}

// Cancel ends a request.
func (n *drawnNetwork) Cancel(t *rapid.T) {
	if len(n.requests) == 0 {
		t.Skip("nothing is in progress")
	}
	r := n.requests[rapid.IntRange(0, len(n.requests)-1).Draw(t, "request")]
	if !n.m.Cancel(r.ID()) || r.State() != StateCancelled {
		t.Fatalf("%s is %v after Cancel", r.ID(), r.State())
	}
}

// Flush empties the neighbor cache of an interface; replies in flight do not count
// then.
func (n *drawnNetwork) Flush(t *rapid.T) {
	handle := rapid.Uint32Range(1, 2).Draw(t, "interface")
	n.ifaces[handle].Flush()
	for k := range n.open {
		if k.iface == handle {
			n.open[k] = false
		}
	}
}

// Link takes the link down, or up. Replies to earlier solicitations do not count.
func (n *drawnNetwork) Link(*rapid.T) {
	n.setLink(n.down)
	n.changed = n.loop.Now()
	clear(n.open)
	for _, r := range n.requests {
		for k := range r.waiting {
			n.since[k] = n.loop.Now()
		}
	}
}

// Announce has a neighbor, or another station, announce its address.
// Nothing is learned of that alone.
func (n *drawnNetwork) Announce(t *rapid.T) {
	if n.down {
		t.Skip("the link is down")
	}
	k := key{rapid.Uint32Range(1, 2).Draw(t, "interface"), netip.MustParseAddr(rapid.SampledFrom(networkPool[:4]).Draw(t, "address"))}
	mac := rapid.SampledFrom([]header.MAC{rightMAC(k), wrongMAC(k)}).Draw(t, "MAC")
	n.tell(k, mac)
	before := n.waiters(k)
	n.receive(n.announce(k, mac))
	for _, r := range before {
		if !slices.ContainsFunc(r.Destinations(DestinationFilter{State: StateResolving}), func(row Destination) bool { return row.NextHop == k.hop }) {
			t.Fatalf("at %v: an announcement by %v was enough for %s", n.loop.Now(), k, r.ID())
		}
	}
}

// look updates the records: which requests wait, and which have ended.
func (n *drawnNetwork) look() {
	for _, r := range slices.Clone(n.requests) {
		for k := range r.waiting {
			n.wanted[k] = n.loop.Now()
		}
		clear(r.waiting)
		for _, row := range r.Destinations(DestinationFilter{}) {
			k := key{r.iface, row.NextHop}
			switch row.State {
			case StateResolving:
				r.waiting[k] = true
			case StateCompleted:
				if !n.told[k][row.MAC] {
					n.rt.Fatalf("at %v: %s has %v for %v, which was in no frame", n.loop.Now(), r.ID(), row.MAC, k)
				}
			default:
				n.failed(r, k, row)
			}
		}
		if r.RequestsSent() != r.sent {
			n.rt.Fatalf("at %v: %d solicitations left for %s, which says %d", n.loop.Now(), r.sent, r.ID(), r.RequestsSent())
		}
		if r.State() != StateResolving {
			n.requests = slices.DeleteFunc(n.requests, func(other *networkRequest) bool { return other == r })
		}
	}
	for k := range n.open {
		n.open[k] = n.open[k] && len(n.waiters(k)) > 0
	}
}

// failed checks that a next hop that was not found was solicited: with room in the window,
// every three seconds or more often, until the deadline is near.
func (n *drawnNetwork) failed(r *networkRequest, k key, row Destination) {
	if r.fresh[k] && k.hop.IsValid() && row.Attempts != r.asked[k] {
		n.rt.Fatalf("at %v: %v was asked %d times for %s, which says %d", n.loop.Now(), k, r.asked[k], r.ID(), row.Attempts)
	}
	const longestGap, slack = 3 * loop.Second, loop.Second
	if row.Reason != NoReply || n.budget.Window < 64 {
		return
	}
	asked := max(r.began, n.last[k], n.since[k])
	if gap := row.DecidedAt.Sub(asked); gap > longestGap+slack {
		n.rt.Fatalf("%v was given up at %v for %s, and not asked since %v", k, row.DecidedAt, r.ID(), asked)
	}
}

// Check looks at everything.
func (n *drawnNetwork) Check(*rapid.T) {
	n.look()
	n.check()
}

// TestDrawnNetwork: learning and the stack on a network that loses, delays,
// repeats and falsifies replies. Only MACs that were sent are learned; the first
// reply to a solicitation decides, in the same turn; no neighbor is solicited twice in a
// RetransTimer (wired.Send checks that); what is counted is what was on the wire.
func TestDrawnNetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := newDrawnNetwork(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"learn": n.Learn, "pass": n.Pass, "pass more": n.Pass, "cancel": n.Cancel, "flush": n.Flush, "link": n.Link,
			"announce": n.Announce, "": n.Check,
		})
		if n.down {
			n.setLink(true)
		}
		n.loop.RunFor(100 * loop.Second)
		if n.Check(rt); len(n.requests) != 0 || n.m.pending.live != 0 || len(n.m.schedulers) != 0 {
			rt.Fatalf("%d requests and %d targets are left", len(n.requests), n.m.pending.live)
		}
	})
}
