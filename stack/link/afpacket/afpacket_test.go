package afpacket

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

var (
	up      = link.State{Up: true}
	down    = link.State{Reason: link.ReasonDown}
	deleted = link.State{Reason: link.ReasonDeleted}
)

// cable is a veth pair that is up and quiet: near in our namespace, far in one
// of its own.
type cable struct {
	own, peer *netlab.Namespace
	near, far string
}

// plug makes a cable.
func plug(t testing.TB) *cable {
	t.Helper()
	c := &cable{own: netlab.Own(t), peer: netlab.New(t), near: netlab.Name(), far: netlab.Name()}
	c.make(t)
	return c
}

// make makes the two devices of the cable. They go when the test ends.
func (c *cable) make(t testing.TB) {
	t.Helper()
	c.own.Veth(c.near, c.peer, c.far)
	t.Cleanup(func() { _, _ = c.own.Try("ip", "link", "del", c.near) })
	c.own.Quiet(c.near)
	c.peer.Quiet(c.far)
	c.own.IP("link set " + c.near + " up")
	c.peer.IP("link set " + c.far + " up")
}

// opened is a link of a test.
type opened struct {
	*Link
	*linktest.Port
}

// open opens a device of our namespace, which is up. The link is closed and
// released when the test ends.
func open(t testing.TB, c Config) *opened {
	t.Helper()
	o := &opened{Port: linktest.NewPort(t)}
	var err error
	if o.Link, err = Open(o.Loop, c); err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { o.close(t) })
	if !o.Until(func() bool { return o.State().Up }) {
		t.Fatal("the link does not come up")
	}
	return o
}

// openIn opens a device of another namespace. Its OpenQueue can't be used, as
// that opens a socket in ours.
func openIn(t testing.TB, l loop.Loop, ns *netlab.Namespace, c Config) *Link {
	t.Helper()
	var k *Link
	err := ns.Do(func() (err error) { k, err = Open(l, c); return err })
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return k
}

// close closes the link, if it is not yet, and waits for its release.
func (o *opened) close(t testing.TB) {
	t.Helper()
	o.Do(func() { _ = o.Close() })
	linktest.AwaitDone(t, o.Done())
}

func (o *opened) observe() { o.Observe(o.Link) }

func (o *opened) send(frames ...[]byte) (int, error) { return o.SendOn(o.Link, frames...) }

// awaitFrame waits for a frame of size octets, which is none of the kernel's.
func (o *opened) awaitFrame(t *testing.T, size int) []byte {
	t.Helper()
	return o.AwaitFrame(t, func(f []byte) bool { return len(f) == size })
}

// rig is A on one end of a cable and B on the other.
func rig(t *testing.T, config Config, setUp func(c *cable) func(up bool)) linktest.Rig {
	c := plug(t)
	l, driver := linktest.Real(t)
	config.Name = c.far
	b := openIn(t, l, c.peer, config)
	config.Name = c.near
	a, err := Open(l, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		driver.Do(func() { _, _ = a.Close(), b.Close() })
		linktest.AwaitDone(t, a.Done())
		linktest.AwaitDone(t, b.Done())
	})
	if !driver.Until(func() bool { return a.State().Up && b.State().Up }) {
		t.Fatal("the links do not come up")
	}
	longest := a.MTU() + header.EthernetSize // and with a VLAN tag more, which the suite's frames have not
	return linktest.Rig{Driver: driver, A: a, B: b, LongestFromA: longest, LongestFromB: longest, SetUp: setUp(c)}
}

var word = map[bool]string{true: " up", false: " down"}

func TestLinkSuite(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		setUp  func(c *cable) func(up bool)
	}{
		{"veth", Config{}, func(c *cable) func(bool) {
			return func(up bool) { c.own.IP("link set " + c.near + word[up]) }
		}},
		{"veth that loses its carrier", Config{Room: 100}, func(c *cable) func(bool) {
			return func(up bool) { c.peer.IP("link set " + c.far + word[up]) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			linktest.Run(t, func(t *testing.T) linktest.Rig { return rig(t, test.config, test.setUp) })
		})
	}
	t.Run("queues", func(t *testing.T) { linktest.Run(t, queuedRig) })
	t.Run("a TAP of ours", func(t *testing.T) { linktest.Run(t, tapRig) })
}

// queued is a link that sends by a queue.
type queued struct {
	*Link
	queue link.Queue
}

func (q *queued) Send(frames [][]byte) (int, error) { return q.queue.Send(frames) }

// queuedRig is two links on a cable whose frames go by queues.
func queuedRig(t *testing.T) linktest.Rig {
	var c *cable
	r := rig(t, Config{}, func(made *cable) func(bool) {
		c = made
		return func(up bool) { c.own.IP("link set " + c.near + word[up]) }
	})
	a, b := &queued{Link: r.A.(*Link)}, &queued{Link: r.B.(*Link)}
	open := func(q *queued) (err error) { q.queue, err = q.OpenQueue(); return err }
	if err := errors.Join(open(a), c.peer.Do(func() error { return open(b) })); err != nil {
		t.Fatal(err)
	}
	r.A, r.B = a, b
	return r
}

// tapRig is A on a TAP that B, a link of ours too, made.
func tapRig(t *testing.T) linktest.Rig {
	own, name := netlab.Own(t), netlab.Name()
	l, driver := linktest.Real(t)
	b, err := tap.Open(l, tap.Config{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	own.Quiet(name)
	a, err := Open(l, Config{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		driver.Do(func() { _, _ = a.Close(), b.Close() })
		linktest.AwaitDone(t, a.Done())
		linktest.AwaitDone(t, b.Done())
	})
	return linktest.Rig{
		Driver: driver, A: a, B: b,
		LongestFromA: a.MTU() + header.EthernetSize,
		SetUp: func(up bool) {
			own.IP("link set " + name + word[up])
		},
	}
}

func TestOpenRefuses(t *testing.T) {
	own, tun := netlab.Own(t), netlab.Name()
	own.IP("tuntap add dev " + tun + " mode tun")
	t.Cleanup(func() { own.IP("link del " + tun) })
	noLeaks := linktest.Leaks(t)
	for _, test := range []struct {
		name string
		want error
	}{{netlab.Name(), ErrNoDevice}, {tun, ErrNotEthernet}, {"lo", ErrNotEthernet}} {
		_, err := Open(loop.NewVirtual(), Config{Name: test.name})
		var field *link.FieldError
		if !errors.Is(err, test.want) || !errors.As(err, &field) || field.Field != "name" {
			t.Errorf("%s: error %v, want %v of the name", test.name, err, test.want)
		}
	}
	noLeaks(0)
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{{Name: "eth0"}, {Name: "a", Room: 1}, {Name: "a", Room: MaxRoom}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, test := range []struct {
		config Config
		field  string
		want   error
	}{
		{Config{}, "name", link.ErrDeviceName},
		{Config{Name: "sixteen-characte"}, "name", link.ErrDeviceName},
		{Config{Name: "a/b"}, "name", link.ErrDeviceName},
		{Config{Name: "a", Room: -1}, "room", ErrRange},
		{Config{Name: "a", Room: MaxRoom + 1}, "room", ErrRange},
	} {
		var field *link.FieldError
		_, err := Open(nil, test.config)
		if !errors.As(err, &field) || field.Field != test.field || !errors.Is(err, test.want) {
			t.Errorf("%+v: error %v, want %v of %q", test.config, err, test.want, test.field)
		}
	}
}

// TestPromiscuity checks that the device is promiscuous as long as the link is open,
// also when it was deleted and is back.
func TestPromiscuity(t *testing.T) {
	c := plug(t)
	promiscuity := func() int {
		l, err := netlink.LinkByName(c.near)
		if err != nil {
			t.Fatal(err)
		}
		return l.Attrs().Promisc
	}
	o := open(t, Config{Name: c.near})
	o.observe()
	if n := promiscuity(); n != 1 {
		t.Errorf("promiscuity %d while open, want 1", n)
	}
	c.own.IP("link del " + c.near)
	o.AwaitState(t, deleted)
	c.make(t)
	o.AwaitState(t, up)
	if n := promiscuity(); n != 1 {
		t.Errorf("promiscuity %d after the return, want 1", n)
	}
	o.close(t)
	if n := promiscuity(); n != 0 {
		t.Errorf("promiscuity %d after Close, want 0", n)
	}
}

// TestCloseEndsEverything checks that a link that is down or deleted when it is closed,
// or has open queues, leaves neither a goroutine nor a descriptor behind.
func TestCloseEndsEverything(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(*cable, *opened)
	}{
		{"up", func(*cable, *opened) {}},
		{"down", func(c *cable, o *opened) { c.own.IP("link set " + c.near + " down"); o.AwaitState(t, down) }},
		{"deleted", func(c *cable, o *opened) { c.own.IP("link del " + c.near); o.AwaitState(t, deleted) }},
		{"before it is seen to be deleted", func(c *cable, o *opened) { c.own.IP("link del " + c.near) }},
		{"with queues", func(c *cable, o *opened) {
			o.Do(func() {
				for i := range 4 {
					q, err := o.OpenQueue()
					if err != nil {
						t.Error(err)
					} else if i%2 == 0 {
						_ = q.Close()
					}
				}
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := plug(t)
			noLeaks := linktest.Leaks(t)
			o := open(t, Config{Name: c.near})
			o.observe()
			test.prepare(c, o)
			o.close(t)
			noLeaks(1) // the loop's own goroutine, which ends after the test
		})
	}
}
