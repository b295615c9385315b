package engine_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"glean/generator"
	"glean/learning"
	"glean/server/engine"
	"glean/sim"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/loop"
)

// flap takes the link of port 0 down for a while.
func (n *network) flap(d loop.Duration) {
	n.far[0].SetState(link.State{Reason: link.ReasonDown})
	n.run(d)
	n.far[0].SetState(link.State{Up: true})
}

// TestRunAfterAFlapGoesOnUnconfirmed: when the link is up again, a running generator sends
// to the MACs that it has. Each frame is counted until the next hop has answered one
// solicitation, with the same MAC or another.
func TestRunAfterAFlapGoesOnUnconfirmed(t *testing.T) {
	for _, moved := range []bool{false, true} {
		for _, down := range []loop.Duration{0, 500 * loop.Millisecond} {
			t.Run(fmt.Sprintf("moved %t, down for %v", moved, down), func(t *testing.T) {
				n, h, r := tracking(t, "")
				n.run(2 * loop.Second) // no host is solicited twice in a RetransTimer
				want := ""
				before := r.Run().Counters()
				n.taken()
				n.far[0].SetState(link.State{Reason: link.ReasonDown})
				if moved {
					if err := h.ChangeMAC(0, secondMAC, false); err != nil {
						t.Fatal(err)
					}
					want = fmt.Sprintf("%s: %v -> %v answer; %s: %v -> %v answer", host4, firstMAC, secondMAC, host6, firstMAC, secondMAC)
				}
				n.run(down)
				n.far[0].SetState(link.State{Up: true})
				n.run(2 * loop.Second)
				sent := n.taken()
				if kept, _ := r.NeighborChanges(); len(kept) == 2 && kept[0].NextHop.Is6() { // both are solicited at the same time
					parts := strings.Split(want, "; ")
					want = parts[1] + "; " + parts[0]
				}
				n.wantChanges(r, sent, want)
				c := r.Run().Counters()
				if u := c.PacketsToUnconfirmed - before.PacketsToUnconfirmed; u > 2 || down > 0 && c.PacketsActual-before.PacketsActual < 1990 {
					t.Errorf("%d frames to unconfirmed MACs of %d in 2 s", u, c.PacketsActual-before.PacketsActual)
				}
				for _, s := range sent {
					if _, mac := destination(s.frame); moved && mac == firstMAC && s.at > n.world.Now().Add(-1990*loop.Millisecond) {
						t.Fatalf("a frame to the old MAC at %v", s.at)
					}
				}
			})
		}
	}
}

// TestUnansweredFlapIsCounted: while no answer confirms a next hop, all frames to it are
// counted. With on_lost continue its MAC is stale when no solicitation was answered.
func TestUnansweredFlapIsCounted(t *testing.T) {
	n, h, r := tracking(t, `"track":true`)
	h.Power(false)
	n.run(loop.Second)
	before := r.Run().Counters()
	n.flap(10 * loop.Millisecond)
	n.run(2 * loop.Second)
	c := r.Run().Counters()
	sent, u := c.PacketsActual-before.PacketsActual, c.PacketsToUnconfirmed-before.PacketsToUnconfirmed
	if sent < 1990 || u != sent || c.PacketsToStale != 0 {
		t.Errorf("%d sent, %d to unconfirmed MACs, %d to stale ones", sent, u, c.PacketsToStale)
	}
	n.run(2 * loop.Second)
	after := r.Run().Counters()
	if stale := after.PacketsToStale; stale < 500 || after.PacketsToUnconfirmed-before.PacketsToUnconfirmed > 3100 {
		t.Errorf("%d to stale MACs, %d to unconfirmed ones", stale, after.PacketsToUnconfirmed-before.PacketsToUnconfirmed)
	}
}

// TestUntrackedRunStaysUnconfirmed: the stack does not solicit the next hops of a run that
// does not track. Its frames are counted until its end; the next start confirms first.
func TestUntrackedRunStaysUnconfirmed(t *testing.T) {
	n, _, r := tracking(t, `"track":false`)
	n.flap(10 * loop.Millisecond)
	before := r.Run().Counters()
	n.run(loop.Second)
	c := r.Run().Counters()
	if u := c.PacketsToUnconfirmed - before.PacketsToUnconfirmed; u != c.PacketsActual-before.PacketsActual || u < 990 {
		t.Errorf("%d of %d frames count", u, c.PacketsActual-before.PacketsActual)
	}
	n.stop("gen-1")
	again, err := n.startConfirmed("gen-1", loop.Second)
	if err != nil {
		t.Fatal(err)
	}
	n.run(100 * loop.Millisecond)
	if c := again.Run().Counters(); c.PacketsToUnconfirmed != 0 || c.PacketsActual < 90 {
		t.Errorf("%+v", c)
	}
}

// TestShortDeadlineAllowsOneLoss: with a timeout of 2 s the first solicitation is repeated,
// so that learning succeeds if one is lost.
func TestShortDeadlineAllowsOneLoss(t *testing.T) {
	for timeout, want := range map[int]string{2000: "resolved", 1100: "resolved", 1000: "timed_out"} {
		t.Run(fmt.Sprint(timeout), func(t *testing.T) {
			n := newNetwork(t, 1)
			h := n.host(0, 1, host4+"/24", host6+"/64")
			n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
			n.run(loop.Second)
			h.Power(false)
			n.create(flowsTo("gen-1", "if-0", "", fmt.Sprintf(`"timeout_ms":%d`, timeout), host4, host6))
			n.run(500 * loop.Millisecond)
			h.Power(true)
			n.run(2 * loop.Second)
			if got := n.learned("gen-1"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// startConfirmed starts a generator and returns the outcome within a time.
func (n *network) startConfirmed(id string, within loop.Duration) (r *generator.Result, err error) {
	n.t.Helper()
	answered := false
	n.StartWhenConfirmed(id, func(result *generator.Result, refusal error) {
		r, err, answered = result, refusal, true
	})
	for until := n.world.Now().Add(within); !answered && n.world.Now() < until; {
		n.run(loop.Millisecond)
	}
	if !answered {
		n.t.Fatalf("nothing came of the start within %v", within)
	}
	return r, err
}

// waiting returns an engine with a generator that has learned the addresses of a host and
// was not started.
func waiting(t *testing.T, learn string) *network {
	n := newNetwork(t, 1)
	n.host(0, 1, host4+"/24", host6+"/64")
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
	n.create(flowsTo("gen-1", "if-0", "", learn, host4, host6))
	n.create(flowsTo("gen-2", "if-0", "", learn, host4, host6))
	n.run(loop.Second)
	return n
}

// starts holds the ways to start generator gen-1.
var starts = map[string]func(n *network, done func(error)){
	"start": func(n *network, done func(error)) {
		n.StartWhenConfirmed("gen-1", func(_ *generator.Result, err error) { done(err) })
	},
	"bulk-start": func(n *network, done func(error)) {
		n.StartGenerators([]string{"gen-2", "gen-1"}, func([]*generator.Result) { done(nil) }, done)
	},
	"toggle": func(n *network, done func(error)) {
		n.create(flowsTo("old", "if-0", "", "", "224.0.0.1"))
		n.start("old")
		if err := n.ToggleGenerator(engine.Toggle{Replace: "old", With: "gen-1"}, func(_ *generator.Result, err error) { done(err) }); err != nil {
			done(err)
		}
	},
}

// TestStartConfirmsAfterAFlap: a start of any kind solicits all next hops at once and
// waits for the answers. The first frame goes to the host that has the address then.
func TestStartConfirmsAfterAFlap(t *testing.T) {
	for _, way := range []string{"start", "bulk-start"} {
		t.Run(way, func(t *testing.T) {
			n := waiting(t, "")
			n.flap(100 * loop.Millisecond)
			n.run(2 * loop.Second)
			n.taken()
			began := n.world.Now()
			var ended loop.Time
			starts[way](n, func(err error) {
				if ended = n.world.Now(); err != nil {
					t.Error(err)
				}
			})
			if ended != 0 {
				t.Fatal("it did not wait")
			}
			n.run(100 * loop.Millisecond)
			solicitations, first := 0, loop.Never
			for _, s := range n.taken() {
				if hop, _ := destination(s.frame); hop.IsValid() {
					first = min(first, s.at)
				} else if s.at.Sub(began) < loop.Millisecond {
					solicitations++
				}
			}
			if solicitations != 2 || first == loop.Never || ended == 0 || ended.Sub(began) > loop.Millisecond || first < ended {
				t.Errorf("%d solicitations at once; ended %v and the first frame %v after the start", solicitations, ended.Sub(began), first.Sub(began))
			}
		})
	}
}

// TestStartIsRefusedUnconfirmed: if the next hops are not confirmed within RetransTimer
// times MulticastSolicits, the start is a conflict with the reason, and no frame is sent.
func TestStartIsRefusedUnconfirmed(t *testing.T) {
	for way, start := range starts {
		for _, down := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, link down %t", way, down), func(t *testing.T) {
				n := newNetwork(t, 1)
				h := n.host(0, 1, host4+"/24", host6+"/64")
				n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
				n.create(flowsTo("gen-1", "if-0", "", "", host4))
				n.create(flowsTo("gen-2", "if-0", "", "", host4))
				n.run(loop.Second)
				h.Power(false)
				n.flap(loop.Millisecond)
				reason := "no_reply after 3 attempts"
				if down {
					n.far[0].SetState(link.State{Reason: link.ReasonDown})
					reason = "link_down"
				}
				n.run(2 * loop.Second)
				n.taken()
				began := n.world.Now()
				var ended loop.Time
				var refusal error
				start(n, func(err error) { ended, refusal = n.world.Now(), err })
				n.run(5 * loop.Second)
				if refusal == nil || kindOf(t, refusal) != engine.Conflict || !strings.Contains(refusal.Error(), host4) ||
					!strings.Contains(refusal.Error(), reason) || ended.Sub(began) > 3*loop.Second+loop.Millisecond {
					t.Errorf("after %v: %v", ended.Sub(began), refusal)
				}
				for _, s := range n.taken() {
					if hop, _ := destination(s.frame); hop.String() == host4 {
						t.Fatalf("a frame to %v", hop)
					}
				}
			})
		}
	}
}

// TestStaticNeighborNeedsNoConfirmation: a static neighbor is not solicited, also after a
// flap.
func TestStaticNeighborNeedsNoConfirmation(t *testing.T) {
	n := newNetwork(t, 1)
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, ""), `"duplicate_detection":"none","static":[{"ip_address":"198.18.0.1","mac_address":"02:00:00:00:00:99"}]`)
	n.create(flowsTo("gen-1", "if-0", "", "", host4))
	n.run(loop.Second)
	n.flap(loop.Millisecond)
	r := n.start("gen-1")
	n.run(10 * loop.Millisecond)
	n.flap(loop.Millisecond)
	n.run(100 * loop.Millisecond)
	if c := r.Run().Counters(); c.PacketsToUnconfirmed != 0 || c.PacketsActual == 0 {
		t.Errorf("%+v", c)
	}
}

// TestLinkUpRelearns: learning that failed because the link was down starts again when the
// link comes up, unless relearn is false.
func TestLinkUpRelearns(t *testing.T) {
	for _, relearn := range []bool{true, false} {
		t.Run(fmt.Sprint(relearn), func(t *testing.T) {
			n := newNetwork(t, 1)
			n.host(0, 1, host4+"/24", host6+"/64")
			n.far[0].SetState(link.State{Reason: link.ReasonDown})
			n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
			n.create(flowsTo("gen-1", "if-0", "", fmt.Sprintf(`"timeout_ms":2000,"relearn":%t`, relearn), host4, host6))
			n.run(3 * loop.Second)
			if got := n.learned("gen-1"); got != "timed_out" {
				t.Fatal(got)
			}
			n.far[0].SetState(link.State{Up: true})
			n.run(loop.Second)
			want, requests := "resolved", 2
			if !relearn {
				want, requests = "timed_out", 1
			}
			if got, all := n.learned("gen-1"), len(n.LearningRequests()); got != want || all != requests {
				t.Errorf("%s after %d requests, want %s after %d", got, all, want, requests)
			}
			n.flap(loop.Second)
			n.run(loop.Second)
			if all := len(n.LearningRequests()); all != requests {
				t.Errorf("%d requests after a flap that nothing was missed in", all)
			}
		})
	}
}

// TestLinkUpRestartsRelearning: there is one request at a time. Each link-up restarts its
// time, and its solicitations leave time for an answer.
func TestLinkUpRestartsRelearning(t *testing.T) {
	n := newNetwork(t, 1)
	h := n.host(0, 1, host4+"/24", host6+"/64")
	h.Power(false)
	n.far[0].SetState(link.State{Reason: link.ReasonDown})
	n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
	n.create(flowsTo("gen-1", "if-0", "", `"timeout_ms":5000`, host4, host6))
	n.run(6 * loop.Second)
	for range 5 {
		n.far[0].SetState(link.State{Up: true})
		n.run(3 * loop.Second)
		n.far[0].SetState(link.State{Reason: link.ReasonDown})
		n.run(loop.Second)
	}
	n.far[0].SetState(link.State{Up: true})
	began := n.world.Now()
	n.run(2 * loop.Second)
	requests := n.LearningRequests()
	resolving := 0
	for _, r := range requests {
		if r.State() == learning.StateResolving {
			resolving++
			if got := r.Deadline(); got != began.Add(5*loop.Second) {
				t.Errorf("the deadline is %v, want %v", got, began.Add(5*loop.Second))
			}
		}
	}
	if len(requests) != 2 || resolving != 1 {
		t.Errorf("%d requests, %d in progress", len(requests), resolving)
	}
	n.run(1500 * loop.Millisecond)
	h.Power(true) // solicitations at 0, 1, 2 and 4 s
	n.run(loop.Second)
	if got := n.learned("gen-1"); got != "resolved" {
		t.Error(got)
	}
}

// announcer is a peer that sends its MAC after each solicitation: by an answer if it
// confirms, else by an announcement or an unsolicited advertisement.
type announcer struct {
	end      *sim.End
	mac      header.MAC
	confirms bool
}

func (p *announcer) HandleState(link.State) {}

func (p *announcer) HandleFrame(frame []byte) {
	eth, payload, err := header.ParseEthernet(frame)
	if err != nil {
		return
	}
	out := make([]byte, 128)
	var arp header.ARPRepr
	switch {
	case eth.Type == header.EtherTypeARP && arp.Parse(payload) == nil && arp.TargetIP == netip.MustParseAddr(host4).As4() && arp.Op == header.ARPRequest:
		told := header.ARPRepr{Op: header.ARPRequest, SenderMAC: p.mac, SenderIP: arp.TargetIP, TargetIP: arp.TargetIP}
		if p.confirms {
			told = header.ARPRepr{Op: header.ARPReply, SenderMAC: p.mac, SenderIP: arp.TargetIP, TargetMAC: eth.Src, TargetIP: arp.SenderIP}
		}
		n := header.EmitEthernet(out, &header.Broadcast, &p.mac, nil, header.EtherTypeARP)
		p.send(out[:n+told.EmitTo(out[n:])])
	case eth.Type == header.EtherTypeIPv6:
		ip, icmp, err := header.ParseIPv6(payload)
		var ns header.NeighborSolicitation
		if err != nil || ns.Parse(&ip, icmp) != nil || ns.Target != netip.MustParseAddr(host6).As16() {
			return
		}
		na := header.NeighborAdvertisement{Solicited: p.confirms, Override: true, Target: ns.Target, TargetLink: p.mac, HasTargetLink: true}
		n := header.EmitEthernet(out, &eth.Src, &p.mac, nil, header.EtherTypeIPv6)
		p.send(out[:n+na.EmitPacket(out[n:], &ns.Target, &ip.Src)])
	}
}

func (p *announcer) send(frame []byte) { _, _ = p.end.Send([][]byte{frame}) }

// TestUnconfirmedNextHopIsRefusedUnlessAccepted: a next hop that announces its MAC but never
// answers is unconfirmed, and the refused start names this reason. With
// accept_unconfirmed its MAC is used, and the frames are counted.
func TestUnconfirmedNextHopIsRefusedUnlessAccepted(t *testing.T) {
	for _, accept := range []bool{false, true} {
		t.Run(fmt.Sprint(accept), func(t *testing.T) {
			n := newNetwork(t, 1)
			n.far[0].Attach(&announcer{end: n.far[0], mac: firstMAC})
			n.addInterface("if-0", 0, v4("198.18.0.100", 24, "")+v6("2001:db8::64", 64, ""), probing)
			g := n.create(flowsTo("gen-1", "if-0", "", fmt.Sprintf(`"timeout_ms":5000,"accept_unconfirmed":%t`, accept), host4, host6))
			n.run(loop.Second)
			if accept { // it can be used at once, and no confirmation comes while the start waits
				if _, err := n.startConfirmed("gen-1", 3*loop.Second+loop.Millisecond); err != nil {
					t.Fatal(err)
				}
				n.stop("gen-1")
			}
			n.run(5 * loop.Second)
			n.wantRows(g.LearningID, map[string]string{host4: "unconfirmed", host6: "unconfirmed"})
			want := "timed_out"
			if accept {
				want = "resolved"
			}
			if got := n.learned("gen-1"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			r, err := n.startConfirmed("gen-1", 5*loop.Second)
			if !accept {
				if kindOf(t, err) != engine.Conflict || !strings.Contains(err.Error(), "is unconfirmed") ||
					!strings.Contains(err.Error(), "accept_unconfirmed") || strings.Contains(err.Error(), "no MAC") {
					t.Errorf("start: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			n.taken()
			n.run(100 * loop.Millisecond)
			for _, s := range n.taken() {
				if hop, mac := destination(s.frame); hop.IsValid() && mac != firstMAC {
					t.Fatalf("a frame to %v", mac)
				}
			}
			if c := r.Run().Counters(); c.PacketsActual < 90 || c.PacketsToUnconfirmed != c.PacketsActual {
				t.Errorf("%+v", c)
			}
		})
	}
}
