package tap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

// opened is a TAP of a test.
type opened struct {
	*Link
	*linktest.Port
}

// open opens a TAP, which is closed and released when the test ends.
func open(t testing.TB, c Config) *opened {
	t.Helper()
	return openEvery(t, c, lookEvery)
}

// openEvery is open for a link with the given time between periodic looks.
func openEvery(t testing.TB, c Config, every time.Duration) *opened {
	t.Helper()
	o := &opened{Port: linktest.NewPort(t)}
	var err error
	if o.Link, err = openLooking(o.Loop, c, every); err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { o.close(t) })
	return o
}

// close closes the link, if it is not yet, and waits for its release.
func (o *opened) close(t testing.TB) {
	t.Helper()
	o.Do(func() { _ = o.Close() })
	linktest.AwaitDone(t, o.Done())
}

func (o *opened) attach() { o.Observe(o.Link) }

func (o *opened) send(frames ...[]byte) (int, error) { return o.SendOn(o.Link, frames...) }

var (
	up      = link.State{Up: true}
	down    = link.State{Reason: link.ReasonDown}
	deleted = link.State{Reason: link.ReasonDeleted}
)

func exists(t testing.TB, name string) bool {
	t.Helper()
	_, err := netlink.LinkByName(name)
	if err != nil && !errors.As(err, new(netlink.LinkNotFoundError)) {
		t.Fatal(err)
	}
	return err == nil
}

func TestLinkSuite(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		moved  bool
	}{
		{"in our namespace", Config{}, false},
		{"in another namespace", Config{}, true},
		{"with several queues", Config{Queues: 3, Room: 1024}, true},
		{"with a large MTU", Config{MTU: 9000, Room: 512}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			linktest.Run(t, func(t *testing.T) linktest.Rig {
				ns := netlab.Own(t)
				c := test.config
				c.Name = netlab.Name()
				l, driver := linktest.Real(t)
				k, err := Open(l, c)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { driver.Do(func() { _ = k.Close() }); <-k.Done() })
				if test.moved {
					ns = netlab.New(t)
					ns.Move(c.Name)
					driver.Until(func() bool { return !k.State().Up })
				}
				ns.Quiet(c.Name)
				ns.IP("link set " + c.Name + " up")
				if !driver.Until(func() bool { return k.State().Up }) {
					t.Fatal("the link does not come up")
				}
				return linktest.Rig{
					Driver: driver,
					A:      k,
					B:      openPacket(t, l, ns, c.Name),
					// The kernel sends what is longer than the MTU only with a VLAN tag.
					LongestFromB: k.MTU() + header.EthernetSize,
					SetUp: func(up bool) {
						ns.IP("link set " + c.Name + map[bool]string{true: " up", false: " down"}[up])
					},
				}
			})
		})
	}
}

func TestOpenMakesWhatCloseRemoves(t *testing.T) {
	netlab.Require(t)
	name := netlab.Name()
	mac := header.MAC{2, 0, 0x5e, 0x10, 0, 7}
	o := open(t, Config{Name: name, MTU: 1400, MAC: mac, Room: 3000})
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if a := l.Attrs(); a.MTU != 1400 || a.HardwareAddr.String() != mac.String() || a.TxQLen != 6000 {
		t.Errorf("the device has MTU %d, MAC %v, txqueuelen %d; want 1400, %v, 6000", a.MTU, a.HardwareAddr, a.TxQLen, mac)
	}
	o.Do(func() {
		if o.State() != up || o.MTU() != 1400 || o.Room() != 3000 || o.Queues() != 1 || o.Name() != name {
			t.Errorf("the link says: state %+v, MTU %d, room %d", o.State(), o.MTU(), o.Room())
		}
	})
	o.close(t)
	if exists(t, name) {
		t.Error("the TAP is still there after Close")
	}
}

// remove removes devices that are left when the test ends, however it ends.
func remove(t testing.TB, own *netlab.Namespace, devices ...string) {
	t.Cleanup(func() {
		for _, d := range devices {
			_, _ = own.Try("ip", "link", "del", d)
		}
	})
}

func TestPersistStays(t *testing.T) {
	own := netlab.Own(t)
	name := netlab.Name()
	remove(t, own, name)
	o := open(t, Config{Name: name, Persist: true})
	o.close(t)
	if !exists(t, name) {
		t.Error("the TAP went though it was to persist")
	}
	again := open(t, Config{Name: name}) // Persist belongs to the TAP, not to the link that attaches
	again.close(t)
	if !exists(t, name) {
		t.Error("attaching took its persistence away")
	}
}

// TestPersistenceOfOthersIsKept checks that an administrator's TAP outlives the link and
// keeps its persistence, also when a setting is refused.
func TestPersistenceOfOthersIsKept(t *testing.T) {
	own := netlab.Own(t)
	single, multi := netlab.Name(), netlab.Name()
	own.IP("tuntap add dev "+single+" mode tap", "tuntap add dev "+multi+" mode tap multi_queue", "link set "+single+" txqueuelen 20000")
	t.Cleanup(func() { own.IP("link del "+single, "link del "+multi) })
	for _, test := range []struct {
		config Config
		field  string
		want   error
	}{
		{Config{Name: single}, "", nil},
		{Config{Name: single, Queues: 2}, "queues", ErrQueues},
		{Config{Name: multi}, "", nil},
		{Config{Name: multi, Queues: 3}, "", nil},
	} {
		o, err := Open(loop.NewVirtual(), test.config)
		if err == nil {
			if o.txqlen.Load() < 2*DefaultRoom || test.config.Name == single && o.txqlen.Load() != 20000 {
				t.Errorf("txqueuelen is %d: it must be raised and never lowered", o.txqlen.Load())
			}
			_ = o.Close()
			<-o.Done()
		}
		var field *link.FieldError
		if !errors.Is(err, test.want) || err != nil && (!errors.As(err, &field) || field.Field != test.field) {
			t.Errorf("%+v: error %v, want %v of %q", test.config, err, test.want, test.field)
		}
		if out := own.Run("ip", "-d", "link", "show", test.config.Name); !strings.Contains(out, "persist on") {
			t.Errorf("%+v: the TAP is now: %s", test.config, out)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	own := netlab.Own(t)
	busy, dummy, tun := netlab.Name(), netlab.Name(), netlab.Name()
	open(t, Config{Name: busy})
	own.IP("link add "+dummy+" type veth peer name "+netlab.Name(), "tuntap add dev "+tun+" mode tun")
	t.Cleanup(func() { own.IP("link del "+dummy, "link del "+tun) })
	before, err := tunDescriptors()
	if err != nil || len(before) == 0 {
		t.Fatalf("descriptors of /dev/net/tun: %v, error %v", before, err)
	}
	for _, test := range []struct {
		name string
		want error
	}{{busy, ErrBusy}, {dummy, ErrNotTAP}, {tun, ErrNotTAP}, {"lo", ErrNotTAP}} {
		_, err := Open(loop.NewVirtual(), Config{Name: test.name})
		var field *link.FieldError
		if !errors.Is(err, test.want) || !errors.As(err, &field) || field.Field != "name" {
			t.Errorf("%s: error %v, want %v of the name", test.name, err, test.want)
		}
	}
	if after, _ := tunDescriptors(); len(after) != len(before) {
		t.Errorf("%d descriptors of /dev/net/tun are open, %d before the refusals", len(after), len(before))
	}
}

// TestFailedOpenLeavesNothing checks that a failed Open leaves no device behind,
// persistent or not.
func TestFailedOpenLeavesNothing(t *testing.T) {
	netlab.Require(t)
	for _, persist := range []bool{false, true} {
		name := netlab.Name()
		c := Config{Name: name, Persist: persist, MTU: MaxMTU + 1, Queues: 2} // Validate is passed by
		var field *link.FieldError
		if _, err := attach(c.withDefaults(), true); !errors.As(err, &field) || field.Field != "mtu" {
			t.Errorf("error %v, want one of the mtu", err)
		}
		if exists(t, name) {
			t.Errorf("persist %v: the TAP is there", persist)
		}
	}
}

// TestAttachDoesNotCreate checks that attach without create finds no TAP and creates
// none.
func TestAttachDoesNotCreate(t *testing.T) {
	netlab.Require(t)
	c := Config{Name: netlab.Name()}.withDefaults()
	if _, err := attach(c, false); !errors.Is(err, errGone) {
		t.Errorf("error %v, want %v", err, errGone)
	}
	if exists(t, c.Name) {
		t.Error("a TAP was made")
	}
}

// TestOpenWaitsForTheReleaseBefore checks that a port may be closed and opened again
// at once.
func TestOpenWaitsForTheReleaseBefore(t *testing.T) {
	netlab.Require(t)
	name := netlab.Name()
	for range 3 {
		o := open(t, Config{Name: name})
		o.Do(func() { _ = o.Close() }) // its device takes a while to go
	}
}

func TestValidate(t *testing.T) {
	good := []Config{{Name: "a"}, {Name: "fifteen-charact"}, {Name: "t.0_-+@"}, {Name: "t", Queues: 256, MTU: 68, Room: 1}, {Name: "...", MTU: MaxMTU}}
	for _, c := range good {
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
		{Config{Name: "."}, "name", link.ErrDeviceName},
		{Config{Name: ".."}, "name", link.ErrDeviceName},
		{Config{Name: "a/b"}, "name", link.ErrDeviceName},
		{Config{Name: "a b"}, "name", link.ErrDeviceName},
		{Config{Name: "a\tb"}, "name", link.ErrDeviceName},
		{Config{Name: "a\x00b"}, "name", link.ErrDeviceName},
		{Config{Name: "a:b"}, "name", link.ErrDeviceName},
		{Config{Name: "tap%d"}, "name", link.ErrDeviceName},
		{Config{Name: "täp"}, "name", link.ErrDeviceName},
		{Config{Name: "t", Queues: -1}, "queues", ErrRange},
		{Config{Name: "t", Queues: 257}, "queues", ErrRange},
		{Config{Name: "t", MTU: 67}, "mtu", ErrRange},
		{Config{Name: "t", MTU: 65522}, "mtu", ErrRange},
		{Config{Name: "t", MAC: header.Broadcast}, "mac_address", ErrRange},
		{Config{Name: "t", Room: -1}, "room", ErrRange},
		{Config{Name: "t", Room: MaxRoom + 1}, "room", ErrRange},
	} {
		var field *link.FieldError
		err := test.config.Validate()
		if !errors.As(err, &field) || field.Field != test.field || !errors.Is(err, test.want) {
			t.Errorf("%+v: error %v, want %v of %q", test.config, err, test.want, test.field)
		}
		if _, openErr := Open(nil, test.config); openErr == nil || openErr.Error() != err.Error() {
			t.Errorf("%+v: Open says %v", test.config, openErr)
		}
	}
}
