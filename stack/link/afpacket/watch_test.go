package afpacket

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
)

// TestAfter checks every message in every situation.
func TestAfter(t *testing.T) {
	const running = unix.IFF_UP | unix.IFF_LOWER_UP
	mac := header.MAC{2, 0, 0, 0, 0, 7}
	here := device{index: 7, mtu: 1500, state: up}
	gone := device{mtu: 1500, state: deleted}
	away := device{mtu: 1500, state: down}
	for _, test := range []struct {
		name   string
		before device
		change change
		want   device
	}{
		{"goes down", here, change{index: 7, name: "x", ethernet: true, mtu: 1500}, device{index: 7, mtu: 1500, state: down}},
		{"loses its carrier", here, change{index: 7, name: "x", flags: unix.IFF_UP, mtu: 1500}, device{index: 7, mtu: 1500, state: down}},
		{"comes up", device{index: 7, mtu: 1500, state: down}, change{index: 7, name: "x", flags: running, mtu: 1500}, here},
		{"gets another MTU", here, change{index: 7, name: "x", flags: running, mtu: 9000}, device{index: 7, mtu: 9000, state: up}},
		{"lost and found its carrier", here, change{index: 7, name: "x", flags: running, mtu: 1500, changes: 4}, device{index: 7, mtu: 1500, state: up, changes: 4}},
		{"a message without carrier changes", device{index: 7, mtu: 1500, state: up, changes: 4}, change{index: 7, name: "x", flags: running, mtu: 1500}, device{index: 7, mtu: 1500, state: up, changes: 4}},
		{"an old message comes late", device{index: 7, mtu: 1500, state: up, changes: 4}, change{index: 7, name: "x", flags: running, mtu: 1500, changes: 2}, device{index: 7, mtu: 1500, state: up, changes: 4}},
		{"a message without MTU", here, change{index: 7, name: "x", flags: running}, here},
		{"gets a MAC", here, change{index: 7, name: "x", flags: running, mtu: 1500, mac: mac}, device{index: 7, mtu: 1500, state: up, mac: mac}},
		{"a message without MAC", device{index: 7, mtu: 1500, state: up, mac: mac}, change{index: 7, name: "x", flags: running, mtu: 1500}, device{index: 7, mtu: 1500, state: up, mac: mac}},
		{"moves and has had a MAC", device{index: 7, mtu: 1500, state: up, mac: mac}, change{gone: true, moved: true, index: 7, name: "x"}, device{mtu: 1500, state: down, mac: mac}},
		{"gets another name", here, change{index: 7, name: "y", flags: running, mtu: 1500}, here},
		{"is deleted", here, change{gone: true, index: 7, name: "x"}, gone},
		{"moves", here, change{gone: true, moved: true, index: 7, name: "x"}, away},
		{"another is deleted", here, change{gone: true, index: 8, name: "x"}, here},
		{"another appears", here, change{index: 8, name: "x", ethernet: true, flags: running, mtu: 1500}, here},
		{"comes back", gone, change{index: 9, name: "x", ethernet: true, flags: running, mtu: 1400}, device{index: 9, mtu: 1400, state: up}},
		{"comes back down", away, change{index: 7, name: "x", ethernet: true, mtu: 1500}, device{index: 7, mtu: 1500, state: down}},
		{"another kind comes in its place", gone, change{index: 9, name: "x", flags: running, mtu: 1500}, gone},
		{"another name comes", gone, change{index: 9, name: "y", ethernet: true, flags: running, mtu: 1500}, gone},
		{"something else goes", gone, change{gone: true, index: 0, name: "x"}, gone},
	} {
		if got := test.before.after(test.change, "x"); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestFlapInOneMessageIsReported checks that a carrier that was lost and found again
// before netlink reported it counts as down in between. A count that is older than the
// known one is of a message that was pending when the device was looked at.
func TestFlapInOneMessageIsReported(t *testing.T) {
	k, _, v := unread(t)
	var told states
	k.Attach(&told)
	now := *k.device.Load()
	for _, test := range []struct {
		changes uint32
		want    []link.State
	}{{now.changes, nil}, {now.changes + 2, []link.State{down, up}}, {now.changes + 1, nil}} {
		told = nil
		next := now
		next.changes = test.changes
		if err := k.become(next); err != nil {
			t.Fatal(err)
		}
		v.RunFor(0)
		if !slices.Equal(told, test.want) {
			t.Errorf("%d carrier changes after %d: told %+v, want %+v", test.changes, now.changes, told, test.want)
		}
	}
}

// states are the states that a handler received.
type states []link.State

func (s *states) HandleFrame([]byte)       {}
func (s *states) HandleState(l link.State) { *s = append(*s, l) }

// TestLargerMTUIsReceived checks that frames for an MTU that was raised while the link
// is open arrive whole.
func TestLargerMTUIsReceived(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	p := linktest.NewPort(t)
	far := openIn(t, p.Loop, c.peer, Config{Name: c.far})
	p.Observe(far)
	defer func() { p.Do(func() { _ = far.Close() }); linktest.AwaitDone(t, far.Done()) }()
	for _, mtu := range []int{4000, 9000} {
		set := fmt.Sprintf(" mtu %d", mtu)
		c.peer.IP("link set " + c.far + set)
		c.own.IP("link set " + c.near + set)
		if !o.Until(func() bool { return o.MTU() == mtu }) {
			t.Fatalf("MTU is %d, want %d", o.MTU(), mtu)
		}
		if !p.Until(func() bool { return far.MTU() == mtu }) {
			t.Fatalf("the other end's MTU is %d, want %d", far.MTU(), mtu)
		}
		o.Do(func() {}) // the inbox grows in a turn of the loop
		if n, err := p.SendOn(far, linktest.ARPFrame(mtu+14)); n != 1 || err != nil {
			t.Fatalf("sent %d, error %v", n, err)
		}
		o.awaitFrame(t, mtu+14)
	}
}

// TestShortFlapIsSeen checks that a flap is reported when the other end goes down and up
// in one batch of commands.
func TestShortFlapIsSeen(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	for range 3 {
		c.peer.IP("link set "+c.far+" down", "link set "+c.far+" up")
		o.AwaitState(t, down)
		o.AwaitState(t, up)
	}
}

// TestDeletionAndReturn checks that a deletion is reported, and that the link attaches
// to a new device of the name, with the queues that were open.
func TestDeletionAndReturn(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	var q link.Queue
	o.Do(func() { q, _ = o.OpenQueue() })
	c.own.IP("link del " + c.near)
	o.AwaitState(t, deleted)
	for name, send := range map[string]func() (int, error){
		"Link":  func() (int, error) { return o.send(linktest.ARPFrame(60)) },
		"Queue": func() (int, error) { return q.Send([][]byte{linktest.ARPFrame(60)}) },
	} {
		if n, err := send(); n != 0 || !errors.Is(err, link.ErrDeleted) {
			t.Errorf("%s.Send after deletion: took %d, error %v", name, n, err)
		}
	}
	if s := o.Stats(); s.TxErrors != 2 {
		t.Errorf("%d errors are counted, want 2", s.TxErrors)
	}
	c.make(t)
	o.AwaitState(t, up)
	o.passes(t, c, q)
}

// passes checks that a frame comes in, and that one goes out on the link and on
// the queue.
func (o *opened) passes(t *testing.T, c *cable, q link.Queue) {
	t.Helper()
	p := linktest.NewPort(t)
	b := openIn(t, p.Loop, c.peer, Config{Name: c.far})
	p.Observe(b)
	defer func() { p.Do(func() { _ = b.Close() }); linktest.AwaitDone(t, b.Done()) }()
	if n, err := p.SendOn(b, linktest.ARPFrame(61)); n != 1 {
		t.Fatalf("sending to the link: %v", err)
	}
	o.awaitFrame(t, 61)
	if n, err := o.send(linktest.ARPFrame(62)); n != 1 || err != nil {
		t.Errorf("Send: took %d, error %v", n, err)
	}
	if n, err := q.Send([][]byte{linktest.ARPFrame(63)}); n != 1 || err != nil {
		t.Errorf("Queue.Send: took %d, error %v", n, err)
	}
	p.AwaitFrame(t, func(f []byte) bool { return len(f) == 62 })
	p.AwaitFrame(t, func(f []byte) bool { return len(f) == 63 })
}

// TestMoveIsDownAndReturnIsFollowed checks that a device that moves to another
// namespace is down, not deleted, and is used again when it returns.
func TestMoveIsDownAndReturnIsFollowed(t *testing.T) {
	c := plug(t)
	there := netlab.New(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	var q link.Queue
	o.Do(func() { q, _ = o.OpenQueue() })
	for name, send := range map[string]func([][]byte) (int, error){"Link": o.Link.Send, "Queue": q.Send} { // the sockets are bound now
		if n, err := send([][]byte{linktest.ARPFrame(60)}); n != 1 || err != nil {
			t.Errorf("%s.Send: took %d, error %v", name, n, err)
		}
	}
	before := o.device.Load().index
	there.Move(c.near)
	o.AwaitState(t, down)
	if !o.Until(func() bool { return o.device.Load().index == 0 }) { // it goes down first and away then
		t.Fatal("netlink did not tell of the move")
	}
	if d := o.device.Load(); d.state != down {
		t.Errorf("the device is now %+v", d)
	}
	for name, send := range map[string]func([][]byte) (int, error){"Link": o.Link.Send, "Queue": q.Send} {
		if n, err := send([][]byte{linktest.ARPFrame(60)}); n != 0 || !errors.Is(err, link.ErrDown) {
			t.Errorf("%s.Send while moved: took %d, error %v", name, n, err)
		}
	}
	there.Return(c.near)
	c.own.Quiet(c.near)
	c.own.IP("link set " + c.near + " mtu 1280 up")
	o.AwaitState(t, up)
	if d := o.device.Load(); d.mtu != 1280 || d.index != before {
		t.Errorf("the device is now %+v; want MTU 1280 and index %d, which the kernel keeps", d, before)
	}
	o.passes(t, c, q)
	if len(o.States) > 0 {
		t.Errorf("after all the state became %+v", <-o.States)
	}
}

// TestOpenWhileDown checks that a device that is opened while it is down works when it
// comes up.
func TestOpenWhileDown(t *testing.T) {
	c := plug(t)
	c.own.IP("link set " + c.near + " down")
	o := &opened{Port: linktest.NewPort(t)}
	var err error
	if o.Link, err = Open(o.Loop, Config{Name: c.near}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.close(t) })
	o.observe()
	var q link.Queue
	o.Do(func() {
		if s := o.State(); s != down {
			t.Errorf("the state is %+v, want down", s)
		}
		q, _ = o.OpenQueue()
	})
	if n, err := q.Send([][]byte{linktest.ARPFrame(60)}); n != 0 || !errors.Is(err, link.ErrDown) {
		t.Errorf("Queue.Send: took %d, error %v", n, err)
	}
	c.own.IP("link set " + c.near + " up")
	o.AwaitState(t, up)
	o.passes(t, c, q)
}

// TestRenameAndMTUAreFollowed checks that another name or MTU is followed.
func TestRenameAndMTUAreFollowed(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	name := netlab.Name()
	c.own.IP("link set " + c.near + " name " + name) // Linux 6.3 or newer lets it be up
	t.Cleanup(func() { _, _ = c.own.Try("ip", "link", "del", name) })
	c.own.IP("link set " + name + " mtu 1300")
	if !o.Until(func() bool { return o.MTU() == 1300 }) {
		t.Errorf("MTU is %d, want 1300", o.MTU())
	}
	if n, err := o.send(linktest.ARPFrame(1300+18), linktest.ARPFrame(1300+22)); n != 0 || !errors.Is(err, link.ErrSize) {
		t.Errorf("a frame for a larger MTU: took %d, error %v", n, err)
	}
	if len(o.States) > 0 {
		t.Errorf("the state became %+v", <-o.States)
	}
}

// TestSendTells checks that the kernel's answer to a send shows a state that netlink has
// not reported yet.
func TestSendTells(t *testing.T) {
	k, c, _ := unread(t)
	for _, test := range []struct {
		command string
		want    error
	}{
		{"link set " + c.near + " down", link.ErrDown},
		{"link set " + c.near + " up", nil},
		{"link del " + c.near, link.ErrDown}, // it might have moved
	} {
		c.own.IP(test.command)
		if _, err := k.Send([][]byte{linktest.UDPFrame()}); !errors.Is(err, test.want) {
			t.Errorf("after %q Send says %v, want %v", test.command, err, test.want)
		}
		q, err := k.OpenQueue() // is bound when it sends first
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Send([][]byte{linktest.UDPFrame()}); !errors.Is(err, test.want) {
			t.Errorf("after %q Queue.Send says %v, want %v", test.command, err, test.want)
		}
	}
	if s := k.Stats(); s.TxErrors != 4 || s.TxFrames != 2 {
		t.Errorf("counters %+v, want 4 errors and 2 frames", s)
	}
}

func TestSendErrors(t *testing.T) {
	for errno, want := range map[unix.Errno]error{
		unix.EAGAIN: link.ErrFull, unix.ENOBUFS: link.ErrFull, unix.ENOMEM: link.ErrFull,
		unix.ENETDOWN: link.ErrDown, unix.ENXIO: link.ErrDown, unix.ENODEV: link.ErrDown,
		unix.EMSGSIZE: link.ErrSize, unix.EACCES: unix.EACCES,
	} {
		if got := sendError(errno); !errors.Is(got, want) {
			t.Errorf("%v becomes %v, want %v", errno, got, want)
		}
	}
}

// TestMissedChanges checks that the link reads the present state after it missed
// messages of netlink.
func TestMissedChanges(t *testing.T) {
	k, c, v := unread(t)
	k.lookAgain()
	if d := k.device.Load(); d.state != up || d.index == 0 {
		t.Errorf("nothing happened, and the device is %+v", d)
	}
	for _, test := range []struct {
		commands []string
		want     link.State
	}{
		{[]string{"link set " + c.near + " mtu 1290 down"}, down},
		{[]string{"link set " + c.near + " up"}, up},
		{[]string{"link del " + c.near}, deleted},
	} {
		c.own.IP(test.commands...)
		k.lookAgain()
		v.RunFor(0)
		if d := k.device.Load(); d.state != test.want || k.State() != test.want || d.mtu != 1290 {
			t.Errorf("after %q: %+v, the loop was told %+v; want %+v", test.commands, d, k.State(), test.want)
		}
	}
	c.make(t)
	before := k.device.Load().index
	k.lookAgain()
	if d := k.device.Load(); d.state != up || d.index == 0 || d.index == before || d.mtu != 1500 {
		t.Errorf("after the return: %+v", d)
	}
}

// TestNetlinkOverflow checks that next reports lost messages, and goes on.
func TestNetlinkOverflow(t *testing.T) {
	c := plug(t)
	e, err := subscribe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	raw, err := e.file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	room := func(octets int) {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, octets) })
	}
	room(1)
	for mtu := range 10 {
		c.own.IP(fmt.Sprintf("link set %s mtu %d", c.near, 1300+mtu))
	}
	for {
		if _, err = e.next(); err != nil {
			break
		}
	}
	if !errors.Is(err, errMissed) {
		t.Fatalf("error %v, want %v", err, errMissed)
	}
	// Messages that are lost now too would never be reported: other tests make devices as well.
	room(1 << 20)
	c.own.IP("link set " + c.near + " down")
	for {
		changes, err := e.next()
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range changes {
			if change.name == c.near && stateOf(change.flags) == down && !change.gone {
				return
			}
		}
	}
}

// TestReattachSaysWhy checks that Reattach returns why no device is attached, and
// ErrAttached when one is.
func TestReattachSaysWhy(t *testing.T) {
	c := plug(t)
	o := open(t, Config{Name: c.near})
	o.observe()
	if err := o.Reattach(); !errors.Is(err, link.ErrAttached) {
		t.Errorf("with its device: error %v, want %v", err, link.ErrAttached)
	}
	c.own.IP("link del " + c.near)
	o.AwaitState(t, deleted)
	var field *link.FieldError
	if err := o.Reattach(); !errors.Is(err, ErrNoDevice) || !errors.As(err, &field) || field.Field != "name" {
		t.Errorf("without a device: error %v, want %v of the name", err, ErrNoDevice)
	}
	c.make(t)
	o.AwaitState(t, up)
	o.Do(func() { _ = o.Close() })
	if err := o.Reattach(); !errors.Is(err, link.ErrClosed) {
		t.Errorf("after Close: error %v, want %v", err, link.ErrClosed)
	}
}

// TestMACIsTheDevices checks that the link has the MAC of its device, also after an
// administrator has set another one.
func TestMACIsTheDevices(t *testing.T) {
	k, _, c := ringed(t)
	if got, want := k.MAC().String(), c.own.MAC(c.near); got != want {
		t.Errorf("MAC %s, the device has %s", got, want)
	}
	const other = "02:00:00:00:0a:0b"
	c.own.IP("link set " + c.near + " address " + other)
	k.lookAgain()
	if got := k.MAC().String(); got != other {
		t.Errorf("MAC %s after the device was given %s", got, other)
	}
}
