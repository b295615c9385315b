package tap

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
)

// TestMoveIsDownAndRecovers checks that a move is "down" for any message of netlink; the
// link recovers in the other namespace and again at home.
func TestMoveIsDownAndRecovers(t *testing.T) {
	ns := netlab.New(t)
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name()})
	o.attach()
	ns.Move(o.Name())
	o.AwaitState(t, down)
	if n, err := o.send(linktest.ARPFrame(60)); n != 0 || !errors.Is(err, link.ErrDown) {
		t.Errorf("Send while moved: took %d, error %v", n, err)
	}
	ns.IP("link set " + o.Name() + " up")
	o.AwaitState(t, up)
	if n, err := o.send(linktest.ARPFrame(60)); n != 1 || err != nil {
		t.Errorf("Send there: took %d, error %v", n, err)
	}
	ns.IP("link set " + o.Name() + " down") // where only looking can tell
	o.AwaitState(t, down)
	ns.Return(o.Name())
	own.IP("link set " + o.Name() + " mtu 1280 up")
	o.AwaitState(t, up)
	if !o.Until(func() bool { return o.MTU() == 1280 }) {
		t.Errorf("back home the MTU is %d, want 1280: it is not followed", o.MTU())
	}
}

// TestWriteTells checks that a failing write reports the state before the next look.
func TestWriteTells(t *testing.T) {
	k, d, p, _ := unread(t)
	name := p.file.Name()
	own := netlab.Own(t)
	for _, test := range []struct {
		command string
		state   link.State
		want    error
	}{
		{"link set " + name + " down", down, link.ErrDown},
		{"link set " + name + " up", up, nil},
		{"link del " + name, deleted, link.ErrDeleted},
	} {
		own.IP(test.command)
		if s := d.probe(); s != test.state {
			t.Errorf("after %q the device's state is %+v, want %+v", test.command, s, test.state)
		}
		if _, err := newSender(k, 0).Send([][]byte{linktest.UDPFrame()}); !errors.Is(err, test.want) {
			t.Errorf("after %q Send says %v, want %v", test.command, err, test.want)
		}
	}
	if s := k.Stats(); s.TxErrors != 2 || s.TxFrames != 1 {
		t.Errorf("counters %+v, want 2 errors and 1 frame", s)
	}
}

// TestDeletionAndReturn checks that only deletion is deletion. The link does not create
// the TAP again, but attaches to it when another process does, which then owns it.
func TestDeletionAndReturn(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name(), MTU: 1400, Queues: 2})
	o.attach()
	var q link.Queue
	o.Do(func() { q, _ = o.OpenQueue() })
	own.IP("link del " + o.Name())
	o.AwaitState(t, deleted)
	for name, send := range map[string]func() (int, error){
		"Link":  func() (int, error) { return o.send(linktest.ARPFrame(60)) },
		"Queue": func() (int, error) { return q.Send([][]byte{linktest.ARPFrame(60)}) },
	} {
		if n, err := send(); n != 0 || !errors.Is(err, link.ErrDeleted) {
			t.Errorf("%s.Send after deletion: took %d, error %v", name, n, err)
		}
	}
	if exists(t, o.Name()) {
		t.Error("the TAP is there again without anybody having made it")
	}
	remove(t, own, o.Name())
	own.IP("tuntap add dev " + o.Name() + " mode tap multi_queue")
	o.AwaitState(t, up)
	if n, err := q.Send([][]byte{linktest.ARPFrame(60), linktest.ARPFrame(1400)}); n != 2 || err != nil {
		t.Errorf("the queue after the return: took %d, error %v", n, err)
	}
	if l, err := netlink.LinkByName(o.Name()); err != nil || l.Attrs().MTU != 1400 || l.Attrs().TxQLen < 2*DefaultRoom {
		t.Errorf("the TAP that came back was not set up: %+v, %v", l, err)
	}
	p := openPacket(t, o.Loop, own, o.Name())
	if _, err := p.Send([][]byte{linktest.ARPFrame(77)}); err != nil {
		t.Fatal(err)
	}
	o.awaitFrame(t, 77)
	o.close(t)
	if !exists(t, o.Name()) {
		t.Error("closing removed a TAP of another process")
	}
}

// awaitFrame waits for a frame of size octets, which is none of the kernel's.
func (o *opened) awaitFrame(t *testing.T, size int) {
	t.Helper()
	o.AwaitFrame(t, func(f []byte) bool { return len(f) == size })
}

func TestDeletionInAnotherNamespace(t *testing.T) {
	ns := netlab.New(t)
	o := open(t, Config{Name: netlab.Name()})
	o.attach()
	ns.Move(o.Name())
	o.AwaitState(t, down)
	ns.IP("link set " + o.Name() + " up")
	o.AwaitState(t, up)
	ns.IP("link del " + o.Name())
	o.AwaitState(t, deleted)
}

// TestReturnWithoutQueuesIsNotTaken checks that the link stays deleted, not broken, when
// the TAP that came back has fewer features.
func TestReturnWithoutQueuesIsNotTaken(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name(), Queues: 2})
	o.attach()
	own.IP("link del " + o.Name())
	o.AwaitState(t, deleted)
	remove(t, own, o.Name())
	own.IP("tuntap add dev "+o.Name()+" mode tap", "link set "+o.Name()+" up")
	if _, err := attach(o.config, false); !errors.Is(err, ErrQueues) { // as the watcher does
		t.Errorf("attaching to one queue where two are wanted: %v", err)
	}
	own.IP("link del " + o.Name())
	if len(o.States) > 0 {
		t.Errorf("the state became %+v with a TAP that does not fit", <-o.States)
	}
	own.IP("tuntap add dev " + o.Name() + " mode tap multi_queue")
	o.AwaitState(t, up)
}

func TestCarrierAndMTUAreFollowed(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name()})
	o.attach()
	own.IP("link set " + o.Name() + " mtu 1300")
	if !o.Until(func() bool { return o.MTU() == 1300 }) {
		t.Errorf("MTU is %d, want 1300", o.MTU())
	}
	own.IP("link set " + o.Name() + " carrier off")
	o.AwaitState(t, down)
	own.IP("link set " + o.Name() + " carrier on")
	o.AwaitState(t, up)
}

// TestMTUIsFollowedBothWays checks that frames for a larger MTU are sent and received,
// also after a smaller one.
func TestMTUIsFollowedBothWays(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name(), MTU: 1400})
	o.attach()
	for _, mtu := range []int{4000, 1300, 6000} {
		own.IP(fmt.Sprintf("link set %s mtu %d", o.Name(), mtu))
		if !o.Until(func() bool { return o.MTU() == mtu }) {
			t.Fatalf("MTU is %d, want %d", o.MTU(), mtu)
		}
		o.Do(func() {}) // the inbox grows in a turn of the loop
		if n, err := o.send(linktest.ARPFrame(mtu + header.EthernetSize)); n != 1 || err != nil {
			t.Errorf("MTU %d: sent %d, error %v", mtu, n, err)
		}
		p := openPacket(t, o.Loop, own, o.Name())
		if _, err := p.Send([][]byte{linktest.ARPFrame(mtu + header.EthernetSize)}); err != nil {
			t.Fatal(err)
		}
		o.awaitFrame(t, mtu+header.EthernetSize)
	}
}

// TestShortFlapIsSeen checks that a TAP, or its carrier, that goes down and up in one
// batch of commands is reported as down, without a periodic look.
func TestShortFlapIsSeen(t *testing.T) {
	own := netlab.Own(t)
	for _, flap := range [][]string{{"down", "up"}, {"carrier off", "carrier on"}} {
		t.Run(flap[0], func(t *testing.T) {
			o := openEvery(t, Config{Name: netlab.Name()}, time.Hour)
			o.attach()
			for range 3 {
				own.IP("link set "+o.Name()+" "+flap[0], "link set "+o.Name()+" "+flap[1])
				o.AwaitState(t, down)
				o.AwaitState(t, up)
			}
			if len(o.States) > 0 {
				t.Errorf("then it became %+v", <-o.States)
			}
		})
	}
}

// TestOpenAndReturnAreNoFlaps checks that netlink messages about the time before a TAP
// was set up are no flap.
func TestOpenAndReturnAreNoFlaps(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name()})
	o.attach()
	settle := func(mtu string, octets int) { // all before that was reported too
		own.IP("link set " + o.Name() + " mtu " + mtu)
		if !o.Until(func() bool { return o.MTU() == octets }) {
			t.Fatalf("the MTU is %d", o.MTU())
		}
		if len(o.States) > 0 {
			t.Errorf("the state became %+v", <-o.States)
		}
	}
	settle("1301", 1301)
	own.IP("link del " + o.Name())
	o.AwaitState(t, deleted)
	remove(t, own, o.Name())
	own.IP("tuntap add dev " + o.Name() + " mode tap")
	o.AwaitState(t, up)
	settle("1302", 1302)
}

// TestCloseEndsEverything checks that a link that is down when it is closed, deleted
// when it is closed, or busy receiving leaves neither a goroutine nor a descriptor
// behind.
func TestCloseEndsEverything(t *testing.T) {
	own := netlab.Own(t)
	for _, test := range []struct {
		name    string
		prepare func(*opened)
	}{
		{"up", func(*opened) {}},
		{"down", func(o *opened) { own.IP("link set " + o.Name() + " down"); o.AwaitState(t, down) }},
		{"deleted", func(o *opened) { own.IP("link del " + o.Name()); o.AwaitState(t, deleted) }},
		{"before it is seen to be deleted", func(o *opened) { own.IP("link del " + o.Name()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			noLeaks := linktest.Leaks(t)
			o := open(t, Config{Name: netlab.Name(), Queues: 4})
			o.attach()
			test.prepare(o)
			o.close(t)
			// Left are the loop's own goroutine and, for a moment, what the library of
			// netlink ends right after that message.
			noLeaks(1)
		})
	}
}
