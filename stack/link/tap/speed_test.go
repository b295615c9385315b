package tap

import (
	"testing"

	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

// unread opens a TAP without readers, and the kernel's side of it, so that a
// test can read when it wants. The device is up and quiet.
func unread(t testing.TB) (*Link, *device, *packetLink, *loop.Virtual) {
	t.Helper()
	own := netlab.Own(t)
	c := Config{Name: netlab.Name()}.withDefaults()
	d, err := attach(c, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	own.Quiet(c.Name)
	v := loop.NewVirtual()
	k := &Link{config: c}
	k.base.Init(v, c.Room, d.mtu+maxOverhead, link.State{Up: true})
	k.Attach(linktest.Discard{})
	k.mtu.Store(int64(d.mtu))
	k.up.Store(true)
	k.device.Store(d)
	return k, d, openPacket(t, v, own, c.Name), v
}

// readAll returns a function that reads what waits in the device's first queue
// and delivers it.
func readAll(k *Link, d *device, v *loop.Virtual) func() {
	r := newReader(k, d, d.queues[0])
	empty := func(fd uintptr) {
		for r.readBatch(fd) {
		}
	}
	return func() {
		_ = r.queue.raw.Control(empty)
		v.RunFor(0)
	}
}

func TestReceivingAllocatesNothing(t *testing.T) {
	k, d, p, v := unread(t)
	read := readAll(k, d, v)
	var frames [][]byte
	for range 50 {
		frames = append(frames, linktest.ARPFrame(60), linktest.UDPFrame())
	}
	read() // messages of the kernel from before it was quiet
	before := k.Stats()
	allocations := testing.AllocsPerRun(20, func() {
		if n, err := p.Send(frames); n != len(frames) {
			t.Fatalf("sent %d: %v", n, err)
		}
		read()
	})
	sending := testing.AllocsPerRun(20, func() { _, _ = p.Send(frames) }) // the test's own
	read()
	if allocations > sending {
		t.Errorf("%v allocations to send and receive %d frames, %v of them to send", allocations, len(frames), sending)
	}
	const sends = 2 * 21 // each has one more to warm up
	if s := k.Stats(); s.RxTraffic-before.RxTraffic != sends*50 || s.RxFrames-before.RxFrames != sends*100 || s.RxDropped != 0 {
		t.Errorf("counters %+v: not all was received", s)
	}
}

func TestSendingAllocatesNothing(t *testing.T) {
	k, _, _, _ := unread(t)
	q, err := queueOf(k)
	if err != nil {
		t.Fatal(err)
	}
	frames := [][]byte{linktest.UDPFrame(), linktest.UDPFrame(), linktest.UDPFrame()}
	before := k.Stats().TxFrames
	if n := testing.AllocsPerRun(100, func() { _, _ = q.Send(frames) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := k.Stats().TxFrames - before; n != 101*3 { // one run is to warm up
		t.Errorf("%d frames were sent, want %d", n, 101*3)
	}
}

func queueOf(k *Link) (link.Queue, error) {
	k.usage.senders = make([]int, 1)
	return k.OpenQueue()
}

// BenchmarkSend compares Queue.Send with a bare loop of write(2) on the same
// TAP, whose other side drops the frames at once.
func BenchmarkSend(b *testing.B) {
	const perRound, batch = 8192, 64
	k, d, p, _ := unread(b)
	_ = p.Close() // the frames must reach no host
	q, err := queueOf(k)
	if err != nil {
		b.Fatal(err)
	}
	frames := make([][]byte, batch)
	for i := range frames {
		frames[i] = linktest.UDPFrame()
	}
	bare := func() {
		_ = d.queues[0].raw.Control(func(fd uintptr) {
			for range perRound / batch {
				for _, f := range frames {
					if _, err := unix.Write(int(fd), f); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	ours := func() {
		for range perRound / batch {
			if _, err := q.Send(frames); err != nil {
				b.Fatal(err)
			}
		}
	}
	linktest.Rounds(b, "write", perRound, bare, ours)
}

// BenchmarkReceive is what a frame costs from read(2) to the handler's door.
func BenchmarkReceive(b *testing.B) {
	for _, class := range []link.Class{link.ClassControl, link.ClassTraffic} {
		f := map[link.Class][]byte{link.ClassControl: linktest.ARPFrame(60), link.ClassTraffic: linktest.UDPFrame()}[class]
		b.Run(class.String(), func(b *testing.B) {
			const perRound = 512
			k, d, p, v := unread(b)
			read := readAll(k, d, v)
			frames := make([][]byte, perRound)
			for i := range frames {
				frames[i] = f
			}
			read()
			b.ReportAllocs()
			received := k.Stats().RxFrames
			for b.Loop() {
				b.StopTimer()
				if n, err := p.Send(frames); n != perRound {
					b.Fatalf("sent %d: %v", n, err)
				}
				b.StartTimer()
				read()
			}
			received = k.Stats().RxFrames - received
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(received), "ns/frame")
		})
	}
}
