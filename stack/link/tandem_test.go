package link

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"testing"

	"glean/stack/loop"
)

// tank is a queue that takes room frames and is full then.
type tank struct {
	mu     sync.Mutex
	room   int
	err    error
	got    [][]byte
	before func() // in each Send
	after  func()
}

func (k *tank) Send(frames [][]byte) (n int, err error) {
	if k.before != nil {
		k.before()
	}
	if k.after != nil {
		defer k.after()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return 0, k.err
	}
	for _, f := range frames {
		if k.room == 0 {
			return n, ErrFull
		}
		k.room--
		k.got = append(k.got, bytes.Clone(f))
		n++
	}
	return n, nil
}

func (*tank) Close() error { return nil }

// crew is a tandem with its queues.
type crew struct {
	*Tandem
	t           *testing.T
	base        Base
	own, second *tank
	offers      chan struct{}
}

func newCrew(t *testing.T) *crew {
	c := &crew{t: t, own: &tank{room: 1 << 20}, second: &tank{room: 1 << 20}, offers: make(chan struct{}, 100)}
	c.base.Init(loop.NewVirtual(), 1, 60, State{Up: true})
	c.Tandem = newTandem(&c.base, c.own, c.second, func() { c.offers <- struct{}{} })
	return c
}

// run starts a second thread, which helps after each offer; end stops it and waits.
func (c *crew) run() (end func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range c.offers {
			for c.Help() {
				runtime.Gosched()
			}
		}
	}()
	return func() { close(c.offers); <-done }
}

// meet has the loop's own queue wait, the first time, until the second one has
// been called.
func (c *crew) meet() {
	met := make(chan struct{})
	c.second.before = sync.OnceFunc(func() { close(met) })
	c.own.before = func() { <-met }
}

// wantAll fails unless each of n frames left once, so many of them by own.
func (c *crew) wantAll(n, own int) {
	c.t.Helper()
	seen := make(map[[2]byte]int)
	for _, k := range []*tank{c.own, c.second} {
		for _, f := range k.got {
			seen[[2]byte(f)]++
		}
	}
	for k := range n {
		if times := seen[[2]byte{byte(k >> 8), byte(k)}]; times != 1 {
			c.t.Fatalf("frame %d left %d times", k, times)
		}
	}
	if len(seen) != n || len(c.own.got) != own {
		c.t.Errorf("%d frames left, %d by the loop's own queue, want %d and %d", len(seen), len(c.own.got), n, own)
	}
}

// series is n numbered frames.
func series(n, size int) [][]byte {
	frames := make([][]byte, n)
	for k := range frames {
		frames[k] = make([]byte, size)
		frames[k][0], frames[k][1] = byte(k>>8), byte(k)
	}
	return frames
}

func (c *crew) send(frames [][]byte, taken int, err error) {
	c.t.Helper()
	if n, got := c.SendBulk(frames); n != taken || !errors.Is(got, err) {
		c.t.Errorf("%d taken, %v; want %d, %v", n, got, taken, err)
	}
}

func TestTandemShares(t *testing.T) {
	c := newCrew(t)
	c.meet()
	end := c.run()
	c.send(series(100, 60), 100, nil)
	end()
	c.wantAll(100, 50)
}

// TestTandemWaitsForNobody checks that the loop sends, in order, the frames that the
// second thread has not begun.
func TestTandemWaitsForNobody(t *testing.T) {
	for _, n := range []int{0, 1, tandemLeast - 1, tandemLeast, 255, 256, 1000} {
		c := newCrew(t)
		c.send(series(n, 60), n, nil)
		c.wantAll(n, n)
		for k, f := range c.own.got {
			if f[0] != byte(k>>8) || f[1] != byte(k) {
				t.Fatalf("place %d has frame %x", k, f[:2])
			}
		}
		if offers := len(c.offers); (offers == 1) != (n >= tandemLeast) {
			t.Errorf("%d offers for %d frames", offers, n)
		}
		if c.Help() || len(c.second.got) > 0 {
			t.Error("the second thread sends what the loop has sent")
		}
	}
}

func TestTandemKeepsLongFrames(t *testing.T) {
	frames := series(100, tandemSlot)
	frames[99] = append(frames[99], 0)
	c := newCrew(t)
	c.send(frames, 100, nil)
	if c.wantAll(100, 100); len(c.offers) > 0 {
		t.Error("frames that do not fit were offered")
	}
	c = newCrew(t)
	c.send(series(100, tandemSlot), 100, nil)
	if c.wantAll(100, 100); len(c.offers) != 1 {
		t.Error("nothing was offered")
	}
}

func TestTandemWhileTheOtherIsBusy(t *testing.T) {
	c := newCrew(t)
	c.meet()
	goOn := make(chan struct{})
	c.second.after = func() { <-goOn }
	end := c.run()
	frames := series(300, 60)
	c.send(frames[:100], 100, nil)
	c.send(frames[100:200], 100, nil) // the other thread is in its call still
	c.send(frames[200:], 100, nil)
	close(goOn)
	end()
	c.wantAll(300, 250)
}

// TestTandemOfADeviceThatIsFull checks that a device that is full stops the loop's
// part, and the rest comes again: what others send already is not among it.
func TestTandemOfADeviceThatIsFull(t *testing.T) {
	for _, room := range []int{0, 7, 49} {
		c := newCrew(t)
		c.meet()
		c.own.room = room
		end := c.run()
		frames := series(100, 60)
		c.send(frames, room+50, ErrFull)
		c.own.room = 1 << 20
		c.send(frames[room+50:], 50-room, nil)
		end()
		c.wantAll(100, 50)
	}
}

// TestTandemTakesBackFromADeviceThatIsFull checks that the loop takes back the frames
// that the second thread has not begun, and that those that do not fit come last.
func TestTandemTakesBackFromADeviceThatIsFull(t *testing.T) {
	for _, room := range []int{0, 7, 50, 60, 99} {
		c := newCrew(t)
		c.own.room = room
		frames := series(100, 60)
		c.send(frames, room, ErrFull)
		c.own.room = 1 << 20
		c.send(frames[room:], 100-room, nil)
		c.wantAll(100, 100)
	}
}

// TestTandemHelpsAgain checks that a device that is full does not keep the second
// thread; it comes again.
func TestTandemHelpsAgain(t *testing.T) {
	c := newCrew(t)
	c.second.room = 15
	c.own.before = func() { // as if at the same time
		c.own.before = nil
		if !c.Help() {
			t.Error("nothing is left")
		}
	}
	c.send(series(100, 60), 100, nil)
	for c.second.room = 10; c.Help(); c.second.room = 10 {
		c.send(nil, 0, nil)
	}
	c.wantAll(100, 50)
}

func TestTandemCountsWhatIsLost(t *testing.T) {
	c := newCrew(t)
	c.meet()
	c.second.err = ErrDown
	end := c.run()
	c.send(series(100, 60), 100, nil)
	end()
	if got := c.base.Stats().TxErrors; got != 49 { // the queue itself counts the first
		t.Errorf("%d were counted, want 49", got)
	}
	if c.state.Load() != tandemIdle {
		t.Error("it goes on with them")
	}
}

// TestTandemEndsWithTheLink checks that a device that stays full does not keep the
// second thread beyond the link's end.
func TestTandemEndsWithTheLink(t *testing.T) {
	c := newCrew(t)
	c.second.room = 0
	c.own.before = func() { c.Help() }
	c.send(series(100, 60), 100, nil)
	if !c.Help() {
		t.Error("nothing is left")
	}
	c.base.End()
	if c.Help() || c.base.Stats().TxErrors != 0 {
		t.Errorf("it goes on after the end, %d counted", c.base.Stats().TxErrors)
	}
	c.own.before = nil
	c.send(series(100, 60), 0, ErrClosed)
}

func TestTandemNeedsTwoProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if NewTandem(nil, nil, nil, nil) != nil {
		t.Error("there is a tandem with one processor")
	}
	runtime.GOMAXPROCS(2)
	if NewTandem(nil, nil, nil, nil) == nil {
		t.Error("there is none with two")
	}
}

func TestTandemAllocatesNothing(t *testing.T) {
	c := newCrew(t)
	c.own.err = ErrDown // and keeps nothing
	c.Tandem.ring = func() {}
	frames := series(256, 60)
	if n := testing.AllocsPerRun(100, func() { c.SendBulk(frames) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
