package transmit

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"

	"glean/generator/program"
	"glean/internal/netlab"
	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/linktest"
	"glean/stack/link/tap"
	"glean/stack/loop"
)

// port is a TAP whose other end is in a namespace, where it is up.
type port struct {
	*tap.Link
	linktest.Driver
	t    testing.TB
	loop *loop.Real
	ns   *netlab.Namespace
}

func newPort(t testing.TB, c tap.Config) *port {
	t.Helper()
	ns := netlab.New(t)
	l, driver := linktest.Real(t)
	c.Name = netlab.Name()
	k, err := tap.Open(l, c)
	if err != nil {
		t.Fatal(err)
	}
	p := &port{Link: k, Driver: driver, t: t, loop: l, ns: ns}
	t.Cleanup(func() { driver.Do(func() { _ = k.Close() }); <-k.Done() })
	ns.Move(k.Name())
	ns.Quiet(k.Name())
	ns.IP("link set " + k.Name() + " up")
	if !driver.Until(func() bool { return k.State().Up }) {
		t.Fatal("the link does not come up")
	}
	return p
}

// received is how many frames the kernel has taken from the TAP.
func (p *port) received() (frames uint64) {
	p.t.Helper()
	err := p.ns.Do(func() error {
		l, err := netlink.LinkByName(p.Name())
		if err == nil {
			frames = l.Attrs().Statistics.RxPackets
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return frames
}

// transmission is a run on a port.
type transmission struct {
	*program.Run
	*Transmitter
	done chan error
}

func (p *port) start(made *program.Program) *transmission {
	p.t.Helper()
	return p.startRun(program.NewRun(made, program.RunOptions{}))
}

func (p *port) startRun(run *program.Run) *transmission {
	p.t.Helper()
	var q link.Queue
	var err error
	if p.Do(func() { q, err = p.OpenQueue() }); err != nil {
		p.t.Fatal(err)
	}
	x := &transmission{Run: run, done: make(chan error, 1)}
	x.Transmitter = Start(x.Run, q, p.loop.Clock, func(reason error) { x.done <- reason })
	return x
}

// awaitFrames waits until the run has sent n frames more.
func (x *transmission) awaitFrames(n uint64) {
	for n += x.Counters().PacketsActual; x.Counters().PacketsActual < n; {
		runtime.Gosched()
	}
}

func (x *transmission) end() error {
	x.Transmitter.Stop()
	return <-x.done
}

const (
	fullRate   = `{"value":100000000,"period":"second"}`
	continuous = `{"continuous":true}`
)

// Several generators at full rate on one port get about the same share of it,
// whether they have queues of their own or not, and the kernel has every frame
// that they say was sent, and none after they have ended.
func TestGeneratorsShareAPort(t *testing.T) {
	for name, c := range map[string]tap.Config{"one queue": {}, "four queues": {Queues: 4}, "plain": {Plain: true}} {
		t.Run(name, func(t *testing.T) {
			p := newPort(t, c)
			var runs []*transmission
			before := p.received()
			for range 3 {
				runs = append(runs, p.start(programAt(t, fullRate, continuous)))
			}
			for _, x := range runs {
				x.awaitFrames(30_000)
			}
			var all, most uint64
			least := ^uint64(0)
			for _, x := range runs {
				n := x.Counters().PacketsActual
				least, most = min(least, n), max(most, n)
			}
			for _, x := range runs {
				if reason := x.end(); reason != nil {
					t.Error(reason)
				}
				c := x.Counters()
				if all += c.PacketsActual; c.Errors+c.PacketsDropped > 0 {
					t.Errorf("%+v", c)
				}
			}
			if got := p.received() - before; got != all {
				t.Errorf("the kernel has %d frames, %d were sent", got, all)
			}
			if most > 10*least {
				t.Errorf("one generator sent %d frames while another one sent %d", most, least)
			}
		})
	}
}

// Frames of protocols pass in both directions while more transmitters than the
// machine has processors do what they can, on the same queue. How long an answer
// takes is told in frames that were sent meanwhile, since a busy machine slows
// down both alike.
func TestProtocolsWhileTransmitting(t *testing.T) {
	p := newPort(t, tap.Config{})
	p.ns.IP("address add 10.77.255.1/16 dev " + p.Name())
	a := &answers{}
	p.Do(func() { p.Attach(a) })
	var runs []*transmission
	for range runtime.NumCPU() + 1 {
		runs = append(runs, p.start(programAt(t, fullRate, continuous)))
		runs[len(runs)-1].awaitFrames(1)
	}
	traffic := func() (n uint64) {
		for _, x := range runs {
			n += x.Counters().PacketsActual
		}
		return n
	}
	const exchanges = 101
	var meanwhile []int64
	for n := range exchanges {
		before := traffic()
		p.Do(func() {
			if _, err := p.Send([][]byte{linktest.ARPRequest([4]byte{10, 77, 255, 1})}); err != nil {
				t.Error(err)
			}
		})
		if !p.Until(func() bool { return a.count > n }) {
			t.Fatalf("request %d is not answered", n)
		}
		meanwhile = append(meanwhile, int64(traffic()-before))
	}
	if most := int64(5000); median(meanwhile) > most {
		t.Errorf("%d frames of traffic left between a request and its answer, want %d at most", median(meanwhile), most)
	}
	for _, x := range runs {
		if reason := x.end(); reason != nil {
			t.Error(reason)
		}
	}
}

// answers counts ARP replies.
type answers struct{ count int }

func (a *answers) HandleFrame(f []byte) {
	_, payload, err := header.ParseEthernet(f)
	if err != nil {
		return
	}
	if r, err := header.ParseARP(payload); err == nil && r.Op == header.ARPReply {
		a.count++
	}
}

func (a *answers) HandleState(link.State) {}

// While the device is down frames are counted as errors, and the run goes on
// when it is up again.
func TestDownAndUpWhileTransmitting(t *testing.T) {
	p := newPort(t, tap.Config{})
	x := p.start(programAt(t, fullRate, continuous))
	x.awaitFrames(1000)
	p.ns.IP("link set " + p.Name() + " down")
	for x.Counters().Errors < 1000 {
		runtime.Gosched()
	}
	p.ns.IP("link set " + p.Name() + " up")
	x.awaitFrames(1000)
	if reason := x.end(); reason != nil {
		t.Error(reason)
	}
}

// A device that goes away ends the run with a reason, and its counters are those
// of the kernel's side up to then.
func TestDeletedWhileTransmitting(t *testing.T) {
	p := newPort(t, tap.Config{})
	x := p.start(programAt(t, fullRate, continuous))
	x.awaitFrames(1000)
	p.ns.IP("link del " + p.Name())
	if reason := <-x.done; !errors.Is(reason, link.ErrDeleted) {
		t.Errorf("the run ended with %v", reason)
	}
	if c, s := x.Counters(), p.Stats(); c.PacketsActual != s.TxFrames {
		t.Errorf("the run sent %d frames, the link %d", c.PacketsActual, s.TxFrames)
	}
}

// GOMAXPROCS is what it was when the last transmitter has ended.
func TestProcessorsAreGivenBack(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	var done []chan error
	var all []*Transmitter
	for n := range 5 {
		ended := make(chan error, 1)
		run := program.NewRun(programAt(t, `{"value":1,"period":"hour"}`, continuous), program.RunOptions{})
		all = append(all, Start(run, new(device), clock(), func(reason error) { ended <- reason }))
		done = append(done, ended)
		if got, want := runtime.GOMAXPROCS(0), before+[]int{1, 2, 4, 4, 8}[n]; got != want {
			t.Errorf("GOMAXPROCS is %d with %d transmitters, want %d", got, n+1, want)
		}
	}
	for n := range all {
		all[n].Stop()
		<-done[n]
	}
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("GOMAXPROCS is %d, was %d", got, before)
	}
}

// A step that sends allocates nothing, neither in the run nor in the TAP.
func TestTransmittingAllocatesNothing(t *testing.T) {
	for name, c := range map[string]tap.Config{"io_uring": {}, "plain": {Plain: true}} {
		t.Run(name, func(t *testing.T) {
			p := newPort(t, c)
			var q link.Queue
			p.Do(func() { q, _ = p.OpenQueue() })
			defer q.Close()
			run := program.NewRun(programAt(t, fullRate, continuous), program.RunOptions{})
			now := loop.Time(0)
			if n := testing.AllocsPerRun(100, func() {
				now += loop.Time(loop.Millisecond)
				run.Step(now, q)
			}); n != 0 {
				t.Errorf("%v allocations for a step", n)
			}
			if got, want := run.Counters().PacketsActual, uint64(101*program.Batch-program.Batch+1); got < want {
				t.Error(fmt.Sprint(got, " frames were sent, want ", want))
			}
		})
	}
}
