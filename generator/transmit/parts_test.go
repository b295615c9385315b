package transmit

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"glean/generator/program"
	"glean/generator/signature"
	"glean/stack/link"
	"glean/stack/link/tap"
)

// startParts starts one run on all queues of a port.
func (p *port) startParts(made *program.Program) (*program.Run, []*transmission) {
	p.t.Helper()
	run := program.NewRun(made, program.RunOptions{})
	var all []*transmission
	for _, part := range run.Split(p.Queues()) {
		all = append(all, p.startRun(part))
	}
	return run, all
}

// manyFlows is a program of flows with signatures, each with a MAC of its own.
func manyFlows(t testing.TB, load, duration string) *program.Program {
	return compile(t, `{"duration":`+duration+`,"load":{"rate":`+load+`,"units":"frames"},"traffic":[{"length":{"fixed":128},
		"signature":{"stream_id":1,"latency":"start_of_frame"},"packet":{"protocols":[{"ethernet":{"destination":"02:00:00:00:00:09"},
		"modifiers":{"items":[{"name":"source","permute":false,"mac":{"sequence":{"count":50,"start":"02:00:00:00:01:00"}}}]}},
		{"ipv4":{"source":"198.18.0.1","destination":"198.18.0.2"}},{"udp":{}}]}}]}`, program.Binding{})
}

// capture gives a function that reads all frames that a namespace has received
// on a device since.
func (p *port) capture() func() [][]byte {
	p.t.Helper()
	var fd int
	err := p.ns.Do(func() (err error) {
		device, err := net.InterfaceByName(p.Name())
		if err != nil {
			return err
		}
		const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<27); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: device.Index})
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = unix.Close(fd) })
	return func() (frames [][]byte) {
		b := make([]byte, 2048)
		for {
			n, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
			if errors.Is(err, unix.EAGAIN) {
				return frames
			}
			if err != nil {
				p.t.Fatal(err)
			}
			frames = append(frames, append([]byte(nil), b[:n]...))
		}
	}
}

// One generator on four queues sends what one on one queue sends: as many frames
// as were ordered, each flow's in order.
func TestOneGeneratorOnFourQueues(t *testing.T) {
	for name, c := range map[string]tap.Config{"io_uring": {Queues: 4}, "plain": {Queues: 4, Plain: true}} {
		t.Run(name, func(t *testing.T) {
			p := newPort(t, c)
			captured := p.capture()
			const ordered = 20_011
			run, parts := p.startParts(manyFlows(t, fullRate, frames(ordered)))
			if len(parts) != 4 {
				t.Fatalf("%d parts", len(parts))
			}
			for _, x := range parts {
				if reason := <-x.done; reason != nil {
					t.Error(reason)
				}
				if c := x.Counters(); c.PacketsActual < ordered/50*12 { // of 50 flows it has 12 or 13
					t.Errorf("a queue sent %d frames", c.PacketsActual)
				}
			}
			next, count := make(map[uint32]uint32), 0
			for _, f := range captured() {
				s, ok := signature.Read(f)
				if !ok {
					continue // the kernel's own
				}
				if s.Sequence != next[s.Stream] {
					t.Fatalf("stream %x: frame %d, want %d", s.Stream, s.Sequence, next[s.Stream])
				}
				next[s.Stream]++
				count++
			}
			if c := run.Counters(); count != ordered || c.PacketsActual != ordered || c.PacketsIntended != ordered || len(next) != 50 {
				t.Errorf("%d frames of %d flows arrived, %d were ordered; counters %+v", count, len(next), ordered, c)
			}
		})
	}
}

// A stop ends all parts, and a device that goes away too.
func TestEndOfFourQueues(t *testing.T) {
	for name, end := range map[string]func(*port, *program.Run) error{
		"stop":    func(_ *port, r *program.Run) error { r.Stop(); return nil },
		"deleted": func(p *port, _ *program.Run) error { p.ns.IP("link del " + p.Name()); return link.ErrDeleted },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPort(t, tap.Config{Queues: 4})
			run, parts := p.startParts(manyFlows(t, fullRate, continuous))
			for _, x := range parts {
				x.awaitFrames(1000)
			}
			want := end(p, run)
			for _, x := range parts {
				if reason := <-x.done; !errors.Is(reason, want) {
					t.Errorf("a part ended with %v, want %v", reason, want)
				}
			}
			if c, s := run.Counters(), p.Stats(); c.PacketsActual != s.TxFrames {
				t.Errorf("the run sent %d frames, the link %d", c.PacketsActual, s.TxFrames)
			}
		})
	}
}
