package tap

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/loop"
)

func TestPatienceGrowsAndEnds(t *testing.T) {
	var p patience
	began := time.Unix(1000, 0)
	for _, step := range []struct {
		err   error
		after time.Duration
		want  time.Duration
	}{
		{nil, 0, 0},
		{errGone, 0, 0},
		{fieldError("name", ErrBusy), 0, busyFirst},
		{ErrBusy, time.Millisecond, 2 * busyFirst},
		{ErrBusy, busyFor - 1, 4 * busyFirst},
		{ErrBusy, busyFor, 0},
		{ErrBusy, busyFor + time.Hour, 0},
		{errGone, busyFor, 0},
		{ErrBusy, busyFor, busyFirst}, // by another process, of another TAP
	} {
		if got := p.wait(step.err, began.Add(step.after)); got != step.want {
			t.Errorf("%v after %v: wait %v, want %v", step.err, step.after, got, step.want)
		}
	}
	for range 20 {
		if gap := p.wait(ErrBusy, began.Add(busyFor)); gap > busyLongest {
			t.Errorf("wait %v, want at most %v", gap, busyLongest)
		}
	}
}

func TestRetryEndsWithTheFirstOtherOutcome(t *testing.T) {
	for _, want := range []error{nil, errGone} {
		tries := 0
		err := retryBusy(func() error {
			if tries++; tries < 4 {
				return ErrBusy
			}
			return want
		})
		if err != want || tries != 4 {
			t.Errorf("%v after %d tries, want %v after 4", err, tries, want)
		}
	}
}

// TestTAPInUseIsRefused checks that a TAP that has queues in use is refused, whatever
// its kind, and keeps working for its user; with none in use it is attached to.
func TestTAPInUseIsRefused(t *testing.T) {
	own := netlab.Own(t)
	for _, test := range []struct {
		name   string
		made   string // by an administrator; empty: by the user's TUNSETIFF
		multi  bool
		queues int // that we want
	}{
		{"one queue", "", false, 1},
		{"multi_queue", "", true, 1},
		{"multi_queue, several wanted", "", true, 2},
		{"persistent", "mode tap", false, 1},
		{"persistent, multi_queue", "mode tap multi_queue", true, 1},
		{"persistent, multi_queue, several wanted", "mode tap multi_queue", true, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := netlab.Name()
			remove(t, own, name)
			if test.made != "" {
				own.IP("tuntap add dev " + name + " " + test.made)
			}
			user, err := openQueue(name, test.multi, test.made != "")
			if err != nil {
				t.Fatal(err)
			}
			c := Config{Name: name, Queues: test.queues}.withDefaults()
			for _, create := range []bool{true, false} {
				if d, err := attach(c, create); !errors.Is(err, ErrBusy) {
					t.Errorf("in use, create %v: error %v, want %v", create, err, ErrBusy)
					if err == nil {
						d.close()
					}
				}
			}
			if !exists(t, name) {
				t.Error("the refusal removed the TAP")
			}
			_ = user.file.Close()
			o := open(t, c)
			o.attach()
			if _, err := o.send(linktest.ARPFrame(60)); err != nil {
				t.Errorf("not in use any more: %v", err)
			}
		})
	}
}

// TestOneUserOfATAP checks that of several that open one TAP at the same time no two
// get it.
func TestOneUserOfATAP(t *testing.T) {
	own := netlab.Own(t)
	for range 5 {
		name := netlab.Name()
		remove(t, own, name)
		own.IP("tuntap add dev " + name + " mode tap multi_queue")
		opened := make(chan *device, 4)
		for range cap(opened) {
			go func() {
				d, err := attach(Config{Name: name}.withDefaults(), false)
				if err != nil && !errors.Is(err, ErrBusy) {
					t.Errorf("error %v, want %v", err, ErrBusy)
				}
				opened <- d
			}()
		}
		var users []*device
		for range cap(opened) {
			if d := <-opened; d != nil {
				users = append(users, d)
			}
		}
		for _, d := range users {
			d.close()
		}
		if len(users) > 1 {
			t.Fatalf("%d have the TAP", len(users))
		}
	}
}

// TestTAPMovedAtOnceIsAttached checks that the link attaches to a TAP as soon as netlink
// reports it, also when a script moves it in its next line.
func TestTAPMovedAtOnceIsAttached(t *testing.T) {
	ns, own := netlab.New(t), netlab.Own(t)
	for _, made := range []string{"mode tap", "mode tap multi_queue"} {
		o := openEvery(t, Config{Name: netlab.Name()}, time.Hour)
		o.attach()
		remove(t, own, o.Name())
		own.IP("link del " + o.Name())
		o.AwaitState(t, deleted)
		// On a busy machine a move may come first.
		attached := false
		for tries := 0; !attached && tries < 20; tries++ {
			own.IP("tuntap add dev "+o.Name()+" "+made, "link show "+o.Name())
			ns.Move(o.Name())
			ns.IP("link set " + o.Name() + " up")
			select {
			case s := <-o.States:
				attached = s != deleted
			case <-time.After(lookEvery):
				ns.IP("link del " + o.Name())
			}
		}
		if !attached {
			t.Fatalf("%s: the TAP was never attached to", made)
		}
		if n, err := o.send(linktest.ARPFrame(60)); n != 1 || err != nil {
			t.Errorf("%s: Send: took %d, error %v", made, n, err)
		}
		ns.IP("link del " + o.Name())
	}
}

// TestReturnIsTakenWithoutPolling checks that the link attaches to a TAP of `ip tuntap
// add`, which has its queue for a moment, although netlink does not report the end of
// that.
func TestReturnIsTakenWithoutPolling(t *testing.T) {
	own := netlab.Own(t)
	for _, multi := range []bool{false, true} {
		o := openEvery(t, Config{Name: netlab.Name()}, time.Hour)
		o.attach()
		remove(t, own, o.Name())
		own.IP("link del " + o.Name())
		o.AwaitState(t, deleted)
		maker, err := openQueue(o.Name(), multi, false)
		if err != nil {
			t.Fatal(err)
		}
		own.IP("link show " + o.Name()) // takes a while, in which the event comes
		err = maker.raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), unix.TUNSETPERSIST, 1) })
		_ = maker.file.Close()
		if err != nil {
			t.Fatal(err)
		}
		o.AwaitState(t, up)
	}
}

// TestReattach checks that Reattach creates a deleted TAP, and returns why when it
// cannot.
func TestReattach(t *testing.T) {
	own := netlab.Own(t)
	o := open(t, Config{Name: netlab.Name(), Queues: 2, MTU: 1400})
	o.attach()
	remove(t, own, o.Name())
	if err := o.Reattach(); !errors.Is(err, link.ErrAttached) {
		t.Errorf("with its device: error %v, want %v", err, link.ErrAttached)
	}
	own.IP("link del " + o.Name())
	if err := o.Reattach(); err != nil { // whether the deletion was seen or not
		t.Fatalf("without a device: %v", err)
	}
	o.AwaitState(t, up)
	if _, err := o.send(linktest.ARPFrame(60)); err != nil || o.MTU() != 1400 || !exists(t, o.Name()) {
		t.Errorf("after it: Send says %v, the MTU is %d, want 1400", err, o.MTU())
	}
	own.IP("link del "+o.Name(), "tuntap add dev "+o.Name()+" mode tap")
	var field *link.FieldError
	if err := o.Reattach(); !errors.Is(err, ErrQueues) || !errors.As(err, &field) || field.Field != "queues" {
		t.Errorf("with a TAP of one queue: error %v, want %v", err, ErrQueues)
	}
	own.IP("link del " + o.Name())
	user, err := openQueue(o.Name(), true, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Reattach(); !errors.Is(err, ErrBusy) {
		t.Errorf("with a TAP in use: error %v, want %v", err, ErrBusy)
	}
	_ = user.file.Close()
	if err := o.Reattach(); err != nil {
		t.Errorf("when that is gone: %v", err)
	}
	o.close(t)
	if err := o.Reattach(); !errors.Is(err, link.ErrClosed) {
		t.Errorf("after Close: error %v, want %v", err, link.ErrClosed)
	}
	if exists(t, o.Name()) {
		t.Error("closing left the TAP that Reattach made")
	}
}

// TestOpenWaitsForABusyTAP checks that Open waits for a TAP whose user is about to go.
func TestOpenWaitsForABusyTAP(t *testing.T) {
	netlab.Require(t)
	name := netlab.Name()
	user, err := openQueue(name, false, false)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		k, err := Open(loop.NewVirtual(), Config{Name: name})
		if err == nil {
			_ = k.Close()
			<-k.Done()
		}
		opened <- err
	}()
	_ = user.file.Close()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}
