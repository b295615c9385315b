package afpacket

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

// unread opens a cable without reader or watcher, so that a test can read when
// it wants.
func unread(t testing.TB) (*Link, *cable, *loop.Virtual) {
	t.Helper()
	return unreadRoom(t, DefaultRoom)
}

func unreadRoom(t testing.TB, room int) (*Link, *cable, *loop.Virtual) {
	t.Helper()
	c, v := plug(t), loop.NewVirtual()
	k, err := newLink(v, Config{Name: c.near, Room: room})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.closeSockets)
	if s := k.State(); s != up {
		t.Fatalf("the state is %+v", s)
	}
	k.Attach(linktest.Discard{})
	return k, c, v
}

// farEnd opens the other end of a cable, for sending only.
func farEnd(t testing.TB, c *cable) *Link {
	t.Helper()
	var k *Link
	err := c.peer.Do(func() (err error) {
		k, err = newLink(loop.NewVirtual(), Config{Name: c.far, Room: 1})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.closeSockets)
	return k
}

// readAll returns a function that receives what waits and delivers it.
func readAll(k *Link, v *loop.Virtual) (*reader, func()) {
	r := newReader(k)
	empty := func(fd uintptr) {
		for r.readBatch(fd) {
		}
	}
	return r, func() {
		_ = k.receiver.raw.Control(empty)
		v.RunFor(0)
	}
}

func mixed(n int) (frames [][]byte) {
	for range n {
		frames = append(frames, linktest.ARPFrame(60), linktest.UDPFrame())
	}
	return frames
}

func TestReceivingAllocatesNothing(t *testing.T) {
	k, c, v := unread(t)
	_, read := readAll(k, v)
	far, frames := farEnd(t, c), mixed(50)
	allocations := testing.AllocsPerRun(20, func() {
		if n, err := far.Send(frames); n != len(frames) {
			t.Fatalf("sent %d: %v", n, err)
		}
		read()
	})
	if allocations != 0 {
		t.Errorf("%v allocations to send and receive %d frames", allocations, len(frames))
	}
	const sends = 21 // one more to warm up
	if s := k.Stats(); s.RxTraffic != sends*50 || s.RxFrames != sends*100 || s.RxBytes != sends*100*60 || s.RxDropped != 0 {
		t.Errorf("counters %+v: not all was received", s)
	}
}

func TestSendingAllocatesNothing(t *testing.T) {
	k, _, _ := unread(t)
	q, err := k.OpenQueue()
	if err != nil {
		t.Fatal(err)
	}
	frames := mixed(100)
	if n := testing.AllocsPerRun(100, func() { _, _ = q.Send(frames) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := k.Stats().TxFrames; n != 101*200 { // one run is to warm up
		t.Errorf("%d frames were sent, want %d", n, 101*200)
	}
}

// TestKernelsDropsAreCounted checks that frames that find the kernel's buffer full are
// counted, and the sum holds.
func TestKernelsDropsAreCounted(t *testing.T) {
	k, c, v := unreadRoom(t, 1)
	_, read := readAll(k, v)
	far, frames := farEnd(t, c), mixed(500)
	if n, err := far.Send(frames); n != len(frames) {
		t.Fatalf("sent %d: %v", n, err)
	}
	read()
	s := k.Stats()
	if s.RxFrames != 1000 || s.RxDropped < 900 || s.RxDropped >= 1000 || s.RxTraffic == 0 || s.RxBytes == 0 {
		t.Errorf("counters %+v, want 1000 frames, most of them dropped", s)
	}
	if _, err := far.Send(frames[:1]); err != nil {
		t.Fatal(err)
	}
	read()
	if after := k.Stats(); after.RxDropped != s.RxDropped || after.RxFrames != 1001 {
		t.Errorf("after one frame more the counters are %+v, and were %+v", after, s)
	}
}

// TestRoomIsWhatTheKernelHolds checks that a room of one frame is the least, whatever
// the kernel charges for it.
func TestRoomIsWhatTheKernelHolds(t *testing.T) {
	for _, room := range []int{1, 100, DefaultRoom, MaxRoom} {
		k, _, _ := unreadRoom(t, room)
		if k.Room() != room {
			t.Errorf("room %d, want %d: as root nothing limits it", k.Room(), room)
		}
		err := k.receiver.control(func(fd int) error {
			size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
			if size < 2*room*(k.MTU()+header.EthernetSize) {
				t.Errorf("room %d: the kernel's buffer has %d octets", room, size)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// perRound is how many frames are sent in a round of a benchmark.
const perRound = 8192

// BenchmarkRing compares a queue's two ways on the same device.
func BenchmarkRing(b *testing.B) {
	for _, size := range []int{60, 1514} {
		b.Run(fmt.Sprintf("%d octets", size), func(b *testing.B) {
			k, s, _ := ringed(b)
			k.receiver.close() // the frames must reach no host
			plain, err := newSender(k, true)
			if err != nil {
				b.Fatal(err)
			}
			plain.fast.release()
			plain.fast = nil
			frames := make([][]byte, sendBatch)
			for i := range frames {
				frames[i] = numbered(i, size)
			}
			all := func(s *sender) func() {
				return func() {
					for range perRound / sendBatch {
						push(b, s, frames...)
					}
				}
			}
			linktest.Rounds(b, "sendmmsg", perRound, all(plain), all(s))
		})
	}
}

// BenchmarkSend compares Queue.Send with a bare loop of sendto(2) on the same
// device, whose other end drops the frames at once.
func BenchmarkSend(b *testing.B) {
	for _, size := range []int{60, 1514} {
		for _, batch := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%d octets, %d at a time", size, batch), func(b *testing.B) {
				k, _, _ := unread(b)
				k.receiver.close() // the frames must reach no host
				q, err := k.OpenQueue()
				if err != nil {
					b.Fatal(err)
				}
				frames := make([][]byte, batch)
				for i := range frames {
					frames[i] = make([]byte, size)
					copy(frames[i], linktest.UDPFrame())
				}
				bare := bareLoop(b, k)
				times := func(send func()) func() {
					return func() {
						for range perRound / batch {
							send()
						}
					}
				}
				linktest.Rounds(b, "sendto", perRound, times(func() { bare(frames) }), times(func() {
					if _, err := q.Send(frames); err != nil {
						b.Fatal(err)
					}
				}))
			})
		}
	}
}

// bareLoop returns a function that sends frames as a plain program would.
func bareLoop(b *testing.B, k *Link) func(frames [][]byte) {
	s, err := newTransmitter(false)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.close)
	to := &unix.SockaddrLinklayer{Ifindex: k.device.Load().index}
	return func(frames [][]byte) {
		_ = s.raw.Control(func(fd uintptr) {
			for _, f := range frames {
				if err := unix.Sendto(int(fd), f, 0, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReceive is what a frame costs from recvmmsg(2) to the handler's
// door.
func BenchmarkReceive(b *testing.B) {
	for _, test := range []struct {
		name  string
		frame []byte
	}{{"control", linktest.ARPFrame(60)}, {"traffic", linktest.UDPFrame()}, {"control with a tag", tagged(64, 0x8100, 1)}} {
		b.Run(test.name, func(b *testing.B) {
			const perRound = 512
			k, c, v := unread(b)
			_, read := readAll(k, v)
			far, frames := farEnd(b, c), make([][]byte, perRound)
			for i := range frames {
				frames[i] = test.frame
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				if n, err := far.Send(frames); n != perRound {
					b.Fatalf("sent %d: %v", n, err)
				}
				b.StartTimer()
				read()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(k.Stats().RxFrames), "ns/frame")
		})
	}
}
