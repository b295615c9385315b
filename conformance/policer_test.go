package conformance

import (
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/server/engine"
	"glean/stack"
	"glean/stack/header"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

// policer answers ARP requests on a device: rate requests a second, and burst requests at
// once. It drops the others.
type policer struct{ rate, burst float64 }

// run answers on a packet socket until stop is closed.
func (p policer) run(t *testing.T, socket int, stop <-chan struct{}) {
	station := stack.Station{MAC: header.MAC{2, 0xaa}}
	tokens, last := p.burst, time.Now()
	in, out := make([]byte, 2048), make([]byte, stack.AnswerSize)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, err := unix.Read(socket, in)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue // the time-out of the socket
		}
		if err != nil {
			t.Errorf("reading requests: %v", err)
			return
		}
		var arp header.ARPRepr
		_, payload, err := header.ParseEthernet(in[:n])
		if err != nil || arp.Parse(payload) != nil || arp.Op != header.ARPRequest || arp.SenderIP == arp.TargetIP {
			continue
		}
		now := time.Now()
		tokens, last = min(p.burst, tokens+now.Sub(last).Seconds()*p.rate), now
		if tokens < 1 {
			continue
		}
		tokens--
		if _, err := unix.Write(socket, out[:stack.AnswerARP(out, &arp, &station)]); err != nil {
			t.Errorf("answering: %v", err)
			return
		}
	}
}

// listen opens a packet socket for ARP on a device of a namespace.
func listen(t *testing.T, n *netlab.Namespace, device string) (socket int) {
	t.Helper()
	err := n.Do(func() error {
		at, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		const protocol = unix.ETH_P_ARP<<8&0xff00 | unix.ETH_P_ARP>>8 // in network order
		if socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}),
			unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
			unix.Bind(socket, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: at.Index}))
	})
	if err != nil {
		t.Fatalf("opening a packet socket: %v", err)
	}
	return socket
}

// TestPolicerIsSolicitedAtItsRate: a peer on a real device answers a limited number of
// ARP requests a second. glean sends it less than two requests for each address. The
// time is only logged, because the machine may be busy.
func TestPolicerIsSolicitedAtItsRate(t *testing.T) {
	n := netlab.New(t)
	for _, c := range []struct{ count, rate, burst int }{{3000, 1000, 100}, {3000, 3000, 300}} {
		device := netlab.Name()
		g := newGlean(t)
		g.openTAP("0", tap.Config{Name: device})
		n.Move(device)
		n.IP("link set " + device + " up")
		socket, stop, stopped := listen(t, n, device), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			policer{rate: float64(c.rate), burst: float64(c.burst)}.run(t, socket, stop)
		}()
		g.iface(`{"id":"if-1","port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:64"}},
			{"ipv4":{"method":"static","static":{"address":"10.0.0.2","prefix_length":8}}}]}}`)
		spec := engine.LearningSpec{InterfaceID: "if-1", Timeout: 60 * loop.Second}
		for k := range c.count {
			spec.Addresses = append(spec.Addresses, scattered(k, 0))
		}
		began := time.Now()
		r := g.request(spec)
		took := time.Since(began)
		var asked uint64
		var progress any
		found := 0
		g.do(func(*engine.Engine) {
			asked, progress, found = r.RequestsSent(), r.Progress(), r.Progress().Completed
		})
		t.Logf("%+v: %.2f s, least %.2f s, %.2f solicitations each", c, took.Seconds(),
			float64(c.count-c.burst)/float64(c.rate), float64(asked)/float64(c.count))
		if found != c.count || asked > uint64(2*c.count) {
			t.Errorf("%+v: %+v, %d solicitations", c, progress, asked)
		}
		close(stop)
		<-stopped
		_ = unix.Close(socket)
		g.close()
	}
}
