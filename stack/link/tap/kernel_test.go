package tap

import (
	"testing"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
)

// inNamespace opens a TAP and moves it to a new namespace, where it is up.
func inNamespace(t testing.TB, c Config) (*opened, *netlab.Namespace) {
	t.Helper()
	ns := netlab.New(t)
	c.Name = netlab.Name()
	o := open(t, c)
	ns.Move(c.Name)
	if !o.Until(func() bool { return !o.State().Up }) {
		t.Fatal("the link stays up while it moves")
	}
	ns.Quiet(c.Name)
	ns.IP("link set " + c.Name + " up")
	if !o.Until(func() bool { return o.State().Up }) {
		t.Fatal("the link does not come up")
	}
	return o, ns
}

// answered is a handler that counts the ARP replies of a MAC.
type answered struct {
	from  header.MAC
	count int
}

func (a *answered) HandleFrame(f []byte) {
	e, payload, err := header.ParseEthernet(f)
	if err != nil || e.Type != header.EtherTypeARP {
		return
	}
	if r, err := header.ParseARP(payload); err == nil && r.Op == header.ARPReply && r.SenderMAC == a.from {
		a.count++
	}
}

func (a *answered) HandleState(link.State) {}

// TestKernelsAnswersFillTheRoom checks that as many requests as the link has room for
// are answered by the kernel while the loop is busy elsewhere. None of the answers is
// lost, though a TAP as it is made by default holds a quarter of them. With several
// queues the answers come on any of them.
func TestKernelsAnswersFillTheRoom(t *testing.T) {
	for name, c := range map[string]Config{"one queue": {}, "four queues": {Queues: 4}} {
		t.Run(name, func(t *testing.T) {
			o, ns := inNamespace(t, c)
			ns.IP("address add 10.77.255.1/16 dev " + o.Name())
			mac, err := header.ParseMAC(ns.MAC(o.Name()))
			if err != nil {
				t.Fatal(err)
			}
			h := &answered{from: mac}
			room := 0
			o.Do(func() {
				o.Attach(h)
				room = o.Room()
				for i := range room {
					if n, err := o.Send([][]byte{linktest.ARPRequest([4]byte{10, 77, 255, 1})}); n != 1 {
						t.Errorf("request %d: %v", i, err)
						return
					}
				}
			})
			if room != DefaultRoom {
				t.Errorf("room %d, want %d", room, DefaultRoom)
			}
			if !o.Until(func() bool { return h.count == room }) {
				t.Errorf("%d of %d requests were answered; counters %+v", h.count, room, o.Stats())
			}
		})
	}
}

// TestTrafficStaysOffTheLoop checks that traffic is counted and does not reach the
// loop.
func TestTrafficStaysOffTheLoop(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name()})
	own.Quiet(o.Name())
	o.attach()
	p := openPacket(t, o.Loop, own, o.Name())
	var frames [][]byte
	for range 200 {
		frames = append(frames, linktest.UDPFrame())
	}
	frames = append(frames, linktest.ARPFrame(77))
	before := o.Stats()
	if n, err := p.Send(frames); n != len(frames) {
		t.Fatalf("sent %d: %v", n, err)
	}
	o.awaitFrame(t, 77)
	if s := o.Stats(); s.RxTraffic-before.RxTraffic != 200 || s.RxDropped != before.RxDropped {
		t.Errorf("counters went from %+v to %+v; want 200 frames of traffic more", before, s)
	}
	for len(o.Frames) > 0 {
		if f := <-o.Frames; len(f) == len(linktest.UDPFrame()) && f[23] == byte(header.ProtocolUDP) {
			t.Fatal("a frame of traffic reached the handler")
		}
	}
}
