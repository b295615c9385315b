package afpacket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

// ringed returns a queue of a link without a reader, with a ring, on a cable.
func ringed(t testing.TB) (*Link, *sender, *cable) {
	t.Helper()
	k, c, _ := unread(t)
	s, err := newSender(k, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.fast == nil {
		t.Fatal("there is no ring")
	}
	return k, s, c
}

// catcher returns a function that receives the next frame at the far end of a
// cable, and what the kernel says of it.
func catcher(t testing.TB, c *cable) (next func() (frame []byte, status uint32)) {
	t.Helper()
	var s *socket
	err := c.peer.Do(func() error {
		d, err := find(c.far)
		if err != nil {
			return err
		}
		if s, _, err = newReceiver(10000, 2000); err != nil {
			return err
		}
		return s.receiveFrom(d.index)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	buffer, control := make([]byte, 1<<14), make([]byte, 256)
	return func() ([]byte, uint32) {
		t.Helper()
		_ = s.file.SetReadDeadline(time.Now().Add(10 * time.Second))
		var n, m int
		var failed error
		err := s.raw.Read(func(fd uintptr) bool {
			n, m, _, _, failed = unix.Recvmsg(int(fd), buffer, control, unix.MSG_DONTWAIT)
			return failed != unix.EAGAIN
		})
		if err = errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		messages, err := unix.ParseSocketControlMessage(control[:m])
		if err != nil || len(messages) != 1 {
			t.Fatalf("%d control messages, error %v", len(messages), err)
		}
		return bytes.Clone(buffer[:n]), (*unix.TpacketAuxdata)(unsafe.Pointer(&messages[0].Data[0])).Status
	}
}

// numbered is a frame of traffic whose content is a function of n and its size.
// It looks like UDP with a wrong checksum.
func numbered(n, size int) []byte {
	f := make([]byte, size)
	copy(f, linktest.UDPFrame())
	for i := 34; i < size; i++ {
		f[i] = byte(n*7 + i)
	}
	binary.BigEndian.PutUint32(f[6:], uint32(n))
	return f
}

// push sends all frames, as many as it takes calls.
func push(t testing.TB, q link.Queue, frames ...[]byte) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); len(frames) > 0; {
		n, err := q.Send(frames)
		frames = frames[n:]
		if err != nil && !errors.Is(err, link.ErrFull) || time.Now().After(end) {
			t.Fatalf("%d frames are left: %v", len(frames), err)
		}
	}
}

// TestRingGoesAround checks that frames of all lengths go around the ring many times,
// in batches of all lengths, and arrive as they were and in order. Nothing is left to
// do for a device.
func TestRingGoesAround(t *testing.T) {
	k, s, c := ringed(t)
	next := catcher(t, c)
	sent, octets := 0, 0
	for batch := 1; sent < 10*ringSlots; batch = batch%150 + 1 {
		var frames [][]byte
		for i := range batch {
			frames = append(frames, numbered(sent+i, 42+(sent+i)*31%1473))
			octets += len(frames[i])
		}
		push(t, s, frames...)
		for i, want := range frames {
			got, status := next()
			if !bytes.Equal(got, want) {
				t.Fatalf("frame %d arrived as\n%x, want\n%x", sent+i, got, want)
			}
			if status&unix.TP_STATUS_CSUMNOTREADY != 0 {
				t.Fatalf("frame %d has a checksum to be calculated", sent+i)
			}
			clear(want)
		}
		sent += batch
	}
	if n := k.Stats(); n.TxFrames != uint64(sent) || n.TxBytes != uint64(octets) || n.TxErrors != 0 {
		t.Errorf("counters %+v, want %d frames of %d octets", n, sent, octets)
	}
	if s.fast.bound == nil || s.plain.bound != nil {
		t.Error("the frames were not sent by the ring")
	}
}

// TestQueuesPassTheDiscipline checks that queues leave the queueing discipline out on
// both ways, and the link does not.
func TestQueuesPassTheDiscipline(t *testing.T) {
	k, s, _ := ringed(t)
	for _, test := range []struct {
		outlet *outlet
		want   int
	}{{s.fast, 1}, {s.plain, 1}, {k.own.plain, 0}, {k.own.fast, 0}} {
		err := test.outlet.control(func(fd int) error {
			got, err := unix.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS)
			if got != test.want {
				t.Errorf("%T: the option is %d, want %d", test.outlet.way, got, test.want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestSentIsReceived checks that the kernel at the other end has received as many frames
// as are counted as sent.
func TestSentIsReceived(t *testing.T) {
	k, s, c := ringed(t)
	received := func() (n netlink.LinkStatistics) {
		err := c.peer.Do(func() error {
			l, err := netlink.LinkByName(c.far)
			if err == nil {
				n = *l.Attrs().Statistics
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := received()
	frames := make([][]byte, sendBatch)
	for i := range frames {
		frames[i] = numbered(i, 60+i)
	}
	for range 500 {
		push(t, s, frames...)
	}
	sent, end := k.Stats(), time.Now().Add(10*time.Second)
	for {
		now := received()
		if now.RxPackets-before.RxPackets == sent.TxFrames && now.RxBytes-before.RxBytes == sent.TxBytes {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("sent %+v; the peer's counters went from %+v to %+v", sent, before, now)
		}
	}
	if sent.TxFrames != 500*sendBatch || sent.TxErrors != 0 {
		t.Errorf("counters %+v, want %d frames", sent, 500*sendBatch)
	}
}

// TestFullDevice checks that a full device refuses frames at once, on every call, and
// goes on with the next frame when it has room.
func TestFullDevice(t *testing.T) {
	own, name := netlab.Own(t), netlab.Name()
	tun, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs /dev/net/tun: %v", err)
	}
	defer tun.Close()
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(int(tun.Fd()), unix.TUNSETIFF, request); err != nil {
		t.Fatal(err)
	}
	own.Quiet(name)
	own.IP("link set " + name + " txqueuelen 100 up")
	k, err := newLink(loop.NewVirtual(), Config{Name: name, Room: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.closeSockets)
	s, err := newSender(k, true)
	if err != nil {
		t.Fatal(err)
	}
	sent, read, buffer := 0, 0, make([]byte, 2000)
	for range 3 * ringSlots / 100 {
		for {
			n, err := s.Send([][]byte{numbered(sent, 60), numbered(sent+1, 61), numbered(sent+2, 62)})
			sent += n
			if errors.Is(err, link.ErrFull) {
				break
			}
			if err != nil || sent > read+1000 {
				t.Fatalf("%d frames sent, %d read: %v", sent, read, err)
			}
		}
		for range 3 {
			if n, err := s.Send([][]byte{numbered(sent, 60)}); n != 0 || !errors.Is(err, link.ErrFull) {
				t.Fatalf("a full device took %d frames, error %v", n, err)
			}
		}
		if sent == read {
			t.Fatal("the device took nothing though it was empty")
		}
		for ; read < sent; read++ {
			n, err := unix.Read(int(tun.Fd()), buffer)
			if err != nil || int(binary.BigEndian.Uint32(buffer[6:])) != read {
				t.Fatalf("instead of frame %d: %x, error %v", read, buffer[:max(n, 0)], err)
			}
		}
	}
	if n := k.Stats(); n.TxFrames != uint64(sent) || n.TxErrors != 0 {
		t.Errorf("counters %+v, want %d frames and no errors", n, sent)
	}
}

// TestRingFull checks that a slot that the device still has is not overwritten.
func TestRingFull(t *testing.T) {
	k, s, c := ringed(t)
	next := catcher(t, c)
	r := s.fast.way.(*ring)
	kept, _ := r.slot(2)
	kept.Status = unix.TP_STATUS_SENDING
	frames := [][]byte{numbered(0, 60), numbered(1, 60), numbered(2, 60), numbered(3, 60)}
	if n, err := s.Send(frames); n != 2 || !errors.Is(err, link.ErrFull) {
		t.Errorf("took %d, error %v; want 2 and %v", n, err, link.ErrFull)
	}
	if n, err := s.Send(frames[2:]); n != 0 || !errors.Is(err, link.ErrFull) {
		t.Errorf("took %d, error %v; want 0 and %v", n, err, link.ErrFull)
	}
	kept.Status = unix.TP_STATUS_AVAILABLE
	push(t, s, frames[2:]...)
	for i, want := range frames {
		if got, _ := next(); !bytes.Equal(got, want) {
			t.Errorf("frame %d arrived as %x", i, got)
		}
	}
	if n := k.Stats(); n.TxFrames != 4 || n.TxErrors != 0 {
		t.Errorf("counters %+v, want 4 frames and no errors", n)
	}
}

// TestRingWrongFormat checks that a frame that the kernel finds malformed stops a
// batch where it stands, and what comes after it takes its slot.
func TestRingWrongFormat(t *testing.T) {
	_, s, c := ringed(t)
	next := catcher(t, c)
	push(t, s, numbered(0, 60)) // which binds the socket
	good, bad := numbered(1, 60), numbered(1, 60)[:13]
	_ = s.fast.control(func(fd int) error {
		for _, test := range []struct {
			frames [][]byte
			taken  int
		}{
			{[][]byte{good, bad, good}, 1},
			{[][]byte{bad, good}, 0},
			{[][]byte{good, good}, 2},
		} {
			taken, why := s.fast.way.push(uintptr(fd), test.frames)
			if taken != test.taken || taken < len(test.frames) && why != unix.EINVAL {
				t.Errorf("of %x took %d, error %v; want %d", test.frames, taken, why, test.taken)
			}
		}
		return nil
	})
	push(t, s, numbered(2, 60))
	for i, want := range []int{0, 1, 1, 1, 2} {
		if got, _ := next(); !bytes.Equal(got, numbered(want, 60)) {
			t.Errorf("frame %d arrived as %x", i, got)
		}
	}
}

// TestJumboFrames checks that frames for which the ring's slots are too small go
// another way, in order, and the ring is used again when the MTU is small again.
func TestJumboFrames(t *testing.T) {
	k, s, c := ringed(t)
	next := catcher(t, c)
	n := 0
	for _, mtu := range []string{"9000", "1500", "1984", "1985"} {
		c.own.IP("link set " + c.near + " mtu " + mtu)
		c.peer.IP("link set " + c.far + " mtu " + mtu)
		k.lookAgain()
		longest := numbered(n, k.MTU()+14)
		push(t, s, numbered(n, 60), longest, numbered(n+1, 60))
		for _, want := range [][]byte{numbered(n, 60), longest, numbered(n+1, 60)} {
			if got, _ := next(); !bytes.Equal(got, want) {
				t.Errorf("MTU %s: a frame of %d octets arrived as one of %d: %.30x", mtu, len(want), len(got), got)
			}
		}
		if slow := s.outlet == s.plain; slow != (k.MTU() > 1984) {
			t.Errorf("MTU %s: by messages: %v", mtu, slow)
		}
		n++
	}
}

// TestLongFrames checks that both ways take frames of the same lengths, as packet
// sockets have it.
func TestLongFrames(t *testing.T) {
	k, s, _ := ringed(t)
	k.own.fast.release()
	k.own.fast = nil // it sends messages
	mtu := k.MTU()
	for _, test := range []struct {
		name  string
		frame []byte
		fits  bool
	}{
		{"no tag", tagged(mtu + 14), true},
		{"no tag, too long", tagged(mtu + 15), false},
		{"802.1Q", tagged(mtu+18, 0x8100, 1), true},
		{"802.1Q, too long", tagged(mtu+19, 0x8100, 1), false},
		{"802.1ad", tagged(mtu+14, 0x88a8, 1), true},
		{"802.1ad, too long", tagged(mtu+18, 0x88a8, 1), false},
		{"two tags", tagged(mtu+18, 0x8100, 1, 0x8100, 2), true},
		{"two tags, too long", tagged(mtu+22, 0x8100, 1, 0x8100, 2), false},
		{"too short", tagged(14)[:13], false},
	} {
		for name, q := range map[string]link.Queue{"ring": s, "messages": k.own} {
			n, err := q.Send([][]byte{test.frame})
			if fits := n == 1 && err == nil; fits != test.fits || !fits && !errors.Is(err, link.ErrSize) {
				t.Errorf("%s by %s: took %d, error %v", test.name, name, n, err)
			}
		}
		_ = k.own.plain.control(func(fd int) error { // the length as the kernel has it
			if n, why := k.own.plain.way.push(uintptr(fd), [][]byte{test.frame}); (n == 1) != test.fits && len(test.frame) >= 14 {
				t.Errorf("%s: the kernel took %d, error %v", test.name, n, why)
			}
			return nil
		})
	}
}

// TestWithoutRing checks that a kernel without rings leaves the way of messages, and no
// descriptor.
func TestWithoutRing(t *testing.T) {
	k, s, c := ringed(t)
	next := catcher(t, c)
	noLeaks := linktest.Leaks(t)
	if o, err := newRingOutlet(1, true); err == nil {
		o.release()
		t.Error("the kernel gave a ring of less than a block")
	}
	noLeaks(0)
	s.fast.release()
	s.fast = nil
	push(t, s, numbered(1, 1514), numbered(2, 60))
	for _, want := range [][]byte{numbered(1, 1514), numbered(2, 60)} {
		if got, _ := next(); !bytes.Equal(got, want) {
			t.Errorf("a frame arrived as %x, want %x", got, want)
		}
	}
	if n := k.Stats(); n.TxFrames != 2 {
		t.Errorf("counters %+v, want 2 frames", n)
	}
}

// TestCloseWhileSending checks that links and queues that are closed while others send
// end those calls and give every ring back.
func TestCloseWhileSending(t *testing.T) {
	c := plug(t)
	rings := func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(maps), "socket:[")
	}
	before := rings()
	noLeaks := linktest.Leaks(t)
	o := open(t, Config{Name: c.near})
	const queues = 4
	ended := make(chan error, queues)
	started := make(chan bool, queues)
	for range queues {
		var q link.Queue
		o.Do(func() { q, _ = o.OpenQueue() })
		go func() {
			frames := [][]byte{numbered(0, 60), numbered(1, 1514)}
			_, err := q.Send(frames)
			for started <- true; err == nil || errors.Is(err, link.ErrFull); {
				_, err = q.Send(frames)
			}
			ended <- err
		}()
	}
	for range queues {
		<-started
	}
	links := 1 // rings of the link's own
	if o.tandem != nil {
		links++
	}
	if n := rings() - before; n != queues+links {
		t.Errorf("%d rings are mapped, want %d", n, queues+links)
	}
	o.close(t)
	for range queues {
		if err := <-ended; !errors.Is(err, link.ErrClosed) {
			t.Errorf("a sender ended with %v, want %v", err, link.ErrClosed)
		}
	}
	if n := rings() - before; n != 0 {
		t.Errorf("%d rings are mapped after all was closed", n)
	}
	noLeaks(1) // the loop's own goroutine, which ends after the test
}
