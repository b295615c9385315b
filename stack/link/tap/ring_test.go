package tap

import (
	"errors"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/link/uring"
)

// needRing skips a test where the kernel has no io_uring for TAPs.
func needRing(t testing.TB, k *Link) {
	t.Helper()
	if k.Engine() != "io_uring" {
		t.Skipf("needs io_uring; the engine is %q", k.Engine())
	}
}

func numbered(n, size int) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		f := make([]byte, size)
		copy(f, linktest.UDPFrame())
		f[14+4], f[14+5] = byte(i>>8), byte(i) // the IP identification
		frames[i] = f
	}
	return frames
}

// kernelCounts is what the kernel has received from a TAP.
func kernelCounts(t testing.TB, ns *netlab.Namespace, device string) (frames, octets uint64) {
	t.Helper()
	err := ns.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err == nil {
			frames, octets = l.Attrs().Statistics.RxPackets, l.Attrs().Statistics.RxBytes
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return frames, octets
}

// queue opens a queue of a test's TAP.
func (o *opened) queue(t testing.TB) *sender {
	t.Helper()
	var q link.Queue
	var err error
	if o.Do(func() { q, err = o.OpenQueue() }); err != nil {
		t.Fatal(err)
	}
	return q.(*sender)
}

// TestKernelCountsFrames checks that the kernel counts what both engines send, in
// batches of all sizes (one frame, some, more than a ring is deep), with one queue and
// with several.
func TestKernelCountsFrames(t *testing.T) {
	for name, c := range map[string]Config{
		"io_uring": {}, "plain": {Plain: true}, "io_uring, three queues": {Queues: 3},
	} {
		t.Run(name, func(t *testing.T) {
			o, ns := inNamespace(t, c)
			if c.Plain {
				if o.Engine() != "plain" {
					t.Fatalf("engine %q", o.Engine())
				}
			} else {
				needRing(t, o.Link)
			}
			before := o.Stats()
			framesBefore, octetsBefore := kernelCounts(t, ns, o.Name())
			var frames, octets uint64
			for range 2 * max(1, c.Queues) {
				q := o.queue(t)
				for n := range 150 {
					if taken, err := q.Send(numbered(n, 60+n)); taken != n || err != nil {
						t.Fatalf("took %d of %d: %v", taken, n, err)
					}
					frames += uint64(n)
					octets += uint64(n * (60 + n))
				}
				if err := q.Close(); err != nil {
					t.Fatal(err)
				}
			}
			framesAfter, octetsAfter := kernelCounts(t, ns, o.Name())
			if framesAfter-framesBefore != frames || octetsAfter-octetsBefore != octets {
				t.Errorf("the kernel counted %d frames of %d octets, want %d of %d",
					framesAfter-framesBefore, octetsAfter-octetsBefore, frames, octets)
			}
			s := o.Stats()
			if s.TxFrames-before.TxFrames != frames || s.TxBytes-before.TxBytes != octets || s.TxErrors != before.TxErrors {
				t.Errorf("the link counted %+v, before %+v; want %d frames of %d octets more", s, before, frames, octets)
			}
			if want := map[bool]string{true: "plain", false: "io_uring"}[c.Plain]; o.Engine() != want {
				t.Errorf("engine %q after sending", o.Engine())
			}
		})
	}
}

// TestRingKeepsOrder checks that frames come out in the order in which they went in,
// whole.
func TestRingKeepsOrder(t *testing.T) {
	o, ns := inNamespace(t, Config{})
	needRing(t, o.Link)
	l, driver := linktest.Real(t)
	p := openPacket(t, l, ns, o.Name())
	var got [][]byte
	driver.Do(func() { p.Attach(collector{&got}) })
	want := numbered(1000, 300)
	if taken, err := o.queue(t).Send(want); taken != len(want) || err != nil {
		t.Fatalf("took %d: %v", taken, err)
	}
	if !driver.Until(func() bool { return len(got) == len(want) }) {
		t.Fatalf("%d of %d frames came", len(got), len(want))
	}
	for i := range want {
		if string(got[i]) != string(want[i]) {
			t.Fatalf("frame %d is % x, want % x", i, got[i][:24], want[i][:24])
		}
	}
}

// collector keeps copies of frames of traffic.
type collector struct{ frames *[][]byte }

func (c collector) HandleFrame(f []byte) {
	if len(f) == 300 {
		*c.frames = append(*c.frames, append([]byte(nil), f...))
	}
}

func (c collector) HandleState(link.State) {}

// TestRingStopsAtWrongFrame checks that a frame that no device takes ends the batch;
// those before it have left.
func TestRingStopsAtWrongFrame(t *testing.T) {
	o, _ := inNamespace(t, Config{})
	needRing(t, o.Link)
	q := o.queue(t)
	for _, at := range []int{0, 1, 5, 63, 64, 65, 99} {
		for _, size := range []int{13, o.MTU() + maxOverhead + 1} {
			batch := numbered(100, 60)
			batch[at] = make([]byte, size)
			if taken, err := q.Send(batch); taken != at || err != link.ErrSize {
				t.Errorf("a frame of %d octets at %d: took %d, error %v", size, at, taken, err)
			}
		}
	}
}

// TestRingFollowsTheDevice checks that a ring has the errors of write(2) for a device
// that is down or gone, and works again with it.
func TestRingFollowsTheDevice(t *testing.T) {
	own := netlab.Own(t)
	name := netlab.Name()
	remove(t, own, name)
	own.IP("tuntap add dev "+name+" mode tap", "link set "+name+" up")
	o := open(t, Config{Name: name})
	needRing(t, o.Link)
	o.attach()
	q := o.queue(t)
	send := func(want int, wantErr error) {
		t.Helper()
		if taken, err := q.Send(numbered(100, 60)); taken != want || !errors.Is(err, wantErr) {
			t.Errorf("took %d, error %v; want %d, %v", taken, err, want, wantErr)
		}
	}
	send(100, nil)
	own.IP("link set " + name + " down")
	send(0, link.ErrDown)
	own.IP("link set " + name + " up")
	o.Until(func() bool { return o.State().Up })
	send(100, nil)
	own.IP("link del " + name)
	send(0, link.ErrDeleted)
	o.AwaitState(t, deleted)
	send(0, link.ErrDeleted)
	own.IP("tuntap add dev "+name+" mode tap", "link set "+name+" up")
	o.AwaitState(t, up)
	before, _ := kernelCounts(t, own, name)
	send(100, nil)
	after, _ := kernelCounts(t, own, name)
	if after-before != 100 || q.ring.ring == nil || o.Engine() != "io_uring" {
		t.Errorf("the kernel counted %d frames of the new device; engine %q, ring %v", after-before, o.Engine(), q.ring.ring)
	}
}

// TestOpenQueueKeepsNoDevice checks that a queue that its user has not closed keeps no
// device.
func TestOpenQueueKeepsNoDevice(t *testing.T) {
	netlab.Require(t)
	o := open(t, Config{Name: netlab.Name()})
	q := o.queue(t)
	if taken, err := q.Send(numbered(64, 60)); taken != 64 {
		t.Fatal(err)
	}
	o.close(t)
	if exists(t, o.Name()) {
		t.Error("the TAP is still there")
	}
	if _, err := q.Send(numbered(64, 60)); err != link.ErrClosed {
		t.Errorf("error %v", err)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}

// TestRingThatDoesNotWork checks that where the kernel's TAP cannot be written without
// waiting, the same frames leave by write(2), and Engine reports that.
func TestRingThatDoesNotWork(t *testing.T) {
	o, ns := inNamespace(t, Config{})
	needRing(t, o.Link)
	unable, err := os.OpenFile("/proc/self/comm", os.O_WRONLY, 0) // it does not know RWF_NOWAIT
	if err != nil {
		t.Skip(err)
	}
	defer unable.Close()
	q := o.queue(t)
	_ = q.ring.ring.Close()
	if q.ring.ring, err = uring.New(int(unable.Fd()), ringDepth); err != nil {
		t.Fatal(err)
	}
	before, _ := kernelCounts(t, ns, o.Name())
	for range 2 {
		if taken, err := q.Send(numbered(100, 60)); taken != 100 || err != nil {
			t.Errorf("took %d: %v", taken, err)
		}
	}
	after, _ := kernelCounts(t, ns, o.Name())
	if after-before != 200 || o.Engine() != "plain" {
		t.Errorf("the kernel counted %d frames; engine %q", after-before, o.Engine())
	}
	if another := o.queue(t); another.ring.ring != nil {
		t.Error("a later queue has a ring")
	}
}

// TestTakeResults checks how the results of a batch become a count of finished frames
// and of lost ones.
func TestTakeResults(t *testing.T) {
	const full, down = -int32(unix.ENOBUFS), -int32(unix.EIO)
	for _, test := range []struct {
		results     []int32
		taken, lost int
		err         error
	}{
		{nil, 0, 0, nil},
		{[]int32{60, 60}, 2, 0, nil},
		{[]int32{60, down, down}, 1, 0, link.ErrDown},
		{[]int32{full, full}, 0, 0, link.ErrFull},
		{[]int32{60, full, 60}, 3, 1, nil},
		{[]int32{full, 60, full, full, 60, down}, 5, 3, link.ErrDown},
		{[]int32{-int32(unix.EBADFD)}, 0, 0, link.ErrDeleted},
		{[]int32{-int32(unix.EINVAL), down}, 0, 0, unix.EINVAL},
	} {
		s := &sender{}
		s.take(test.results)
		sent := test.taken - test.lost
		if s.taken != test.taken || s.lost != test.lost || s.err != test.err || s.bytes != uint64(60*sent) {
			t.Errorf("%v: taken %d, lost %d, %d octets, error %v; want %+v", test.results, s.taken, s.lost, s.bytes, s.err, test)
		}
	}
}

// TestFullDevice checks that a device with no space left (a bridge whose port is slow,
// and a limited send buffer) is full, is written one frame after the other, and loses
// nothing.
func TestFullDevice(t *testing.T) {
	o, ns := inNamespace(t, Config{})
	slow, peer, bridge := netlab.Name(), netlab.Name(), netlab.Name()
	ns.Veth(slow, ns, peer)
	ns.IP("link add "+bridge+" type bridge", "link set "+slow+" master "+bridge, "link set "+peer+" up",
		"link set "+o.Name()+" master "+bridge, "link set "+slow+" up", "link set "+bridge+" up")
	ns.Quiet(slow)
	ns.Quiet(bridge)
	if _, err := ns.Try("tc", "qdisc", "add", "dev", slow, "root", "tbf", "rate", "8kbit", "burst", "2000", "limit", "10000000"); err != nil {
		t.Skipf("needs a slow queueing discipline: %v", err)
	}
	err := o.device.Load().queues[0].raw.Control(func(fd uintptr) {
		if err := unix.IoctlSetPointerInt(int(fd), unix.TUNSETSNDBUF, 1<<16); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	q := o.queue(t)
	if q.ring.ring != nil || o.Engine() != "plain" {
		t.Errorf("a limited device has a ring; engine %q", o.Engine())
	}
	batch := numbered(100, 1000)
	for _, f := range batch {
		header.Ethernet(f).SetType(0x88b5) // for experiments: a bridge looks into IP
	}
	before := o.Stats()
	total := 0
	for range 1000 {
		taken, err := q.Send(batch)
		if total += taken; err == link.ErrFull {
			if s := o.Stats(); s.TxFrames-before.TxFrames != uint64(total) || s.TxErrors != before.TxErrors {
				t.Errorf("counters %+v after %+v; %d frames were taken", s, before, total)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("the device took %d frames and is not full", total)
}
