package linktest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"glean/stack/header"
	"glean/stack/link"
)

// Rig is two new links whose frames reach only each other. Both are up and have no
// handler yet.
type Rig struct {
	Driver
	A, B link.Link
	// LongestFromA and LongestFromB are how many octets the longest frame has that
	// A and B can send; 0 means as many as the MTU and two VLAN tags allow.
	LongestFromA, LongestFromB int
	// SetUp takes the network under A down or up again; nil if that can't be. It
	// is not called on the loop.
	SetUp func(up bool)
}

// A side is one end of a rig with the frames that it received.
type side struct {
	link.Link
	recorder
}

// bench is a rig in the hands of one subtest.
type bench struct {
	*testing.T
	Rig
	a, b *side
}

// Run runs the suite. open creates a new rig for each subtest and registers its cleanup
// with the subtest's T.
func Run(t *testing.T, open func(t *testing.T) Rig) {
	for _, law := range []struct {
		name  string
		check func(*bench)
	}{
		{"frames arrive whole and in order", inOrder},
		{"in bulk every frame arrives once", inBulk},
		{"every size that fits passes", everySize},
		{"other sizes are refused", wrongSizes},
		{"frames before Attach are dropped and counted", beforeAttach},
		{"the room is there", room},
		{"counters add up", countersAddUp},
		{"a queue sends beside the loop", queueBeside},
		{"a closed queue sends nothing", queueClosed},
		{"state changes are told", stateChanges},
		{"nothing is delivered after Close", closeStops},
		{"nothing is sent after Close", closedSends},
	} {
		t.Run(law.name, func(t *testing.T) {
			b := &bench{T: t, Rig: open(t)}
			b.a, b.b = &side{Link: b.A}, &side{Link: b.B}
			law.check(b)
		})
	}
}

// attach attaches the handlers of both links.
func (b *bench) attach() {
	b.Do(func() {
		b.A.Attach(&b.a.recorder)
		b.B.Attach(&b.b.recorder)
	})
}

// await fails the test if cond does not become true.
func (b *bench) await(what string, cond func() bool) {
	b.Helper()
	if !b.Until(cond) {
		var seen string
		b.Do(func() {
			seen = fmt.Sprintf("A received %d frames, counters %+v; B %d, %+v", len(b.a.frames), b.A.Stats(), len(b.b.frames), b.B.Stats())
		})
		b.Fatalf("never happened: %s (%s)", what, seen)
	}
}

// send sends all frames from s on the loop; it retries while the link is full.
func (b *bench) send(s *side, frames [][]byte) {
	b.Helper()
	for len(frames) > 0 {
		var n int
		var err error
		b.Do(func() { n, err = s.Send(frames) })
		frames = frames[n:]
		if err == nil && len(frames) > 0 {
			b.Fatal("Send took fewer frames than given and had no error")
		}
		if err != nil && !errors.Is(err, link.ErrFull) {
			b.Fatalf("Send: %v", err)
		}
	}
}

// expect waits for as many frames as want, and compares.
func (b *bench) expect(s *side, want [][]byte) {
	b.Helper()
	b.await("all frames arrive", func() bool { return len(s.frames) >= len(want) })
	b.Do(func() { b.compare(s.frames, want) })
}

func (b *bench) compare(got, want [][]byte) {
	b.Helper()
	if len(got) != len(want) {
		b.Errorf("%d frames, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			n, _ := number(got[i])
			m, _ := number(want[i])
			b.Errorf("frame %d: got number %d of %d octets, want number %d of %d octets, all the same", i, n, len(got[i]), m, len(want[i]))
			return
		}
	}
}

// directions runs check for both.
func (b *bench) directions(check func(from, to *side)) {
	check(b.a, b.b)
	check(b.b, b.a)
}

func (b *bench) roomOf(s *side) (n int) {
	b.Do(func() { n = s.Room() })
	return n
}

func (b *bench) longest(from *side) int {
	longest := b.LongestFromA
	if from == b.b {
		longest = b.LongestFromB
	}
	if longest > 0 {
		return longest
	}
	var mtu int
	b.Do(func() { mtu = from.MTU() })
	return mtu + overhead
}

func inOrder(b *bench) {
	b.attach()
	b.directions(func(from, to *side) {
		var all [][]byte
		half := b.roomOf(to) / 2
		for batch := 1; batch <= 12; batch++ {
			b.await("frames arrive", func() bool { return len(all)-len(to.frames) <= half })
			frames := make([][]byte, batch)
			for i := range frames {
				frames[i] = frame(uint32(len(all)), 42+len(all))
				all = append(all, bytes.Clone(frames[i]))
			}
			b.send(from, frames)
			for _, f := range frames { // the sender's memory is its own again
				clear(f)
			}
		}
		b.expect(to, all)
	})
}

// inBulk is for links that can send frames in any order.
func inBulk(b *bench) {
	b.attach()
	b.directions(func(from, to *side) {
		bulk, ok := from.Link.(link.BulkSender)
		if !ok {
			return
		}
		const size, rounds = 60, 20
		batch := min(256, b.roomOf(to)/2)
		for n := range rounds {
			frames := make([][]byte, batch)
			for i := range frames {
				frames[i] = frame(uint32(n*batch+i), size)
			}
			for left := frames; len(left) > 0; {
				var taken int
				var err error
				b.Do(func() { taken, err = bulk.SendBulk(left) })
				if left = left[taken:]; err != nil && !errors.Is(err, link.ErrFull) {
					b.Fatalf("SendBulk: %v", err)
				}
			}
			for _, f := range frames { // the sender's memory is its own again
				clear(f)
			}
			b.await("the batch arrives", func() bool { return len(to.frames) >= (n+1)*batch })
		}
		b.Do(func() {
			slices.SortFunc(to.frames, func(x, y []byte) int {
				m, _ := number(x)
				n, _ := number(y)
				return cmp.Compare(m, n)
			})
			want := make([][]byte, rounds*batch)
			for i := range want {
				want[i] = frame(uint32(i), size)
			}
			b.compare(to.frames, want)
		})
	})
}

func everySize(b *bench) {
	b.attach()
	b.directions(func(from, to *side) {
		longest := b.longest(from)
		var all [][]byte
		for _, size := range []int{header.EthernetSize, 15, 42, 59, 60, 61, 64, 127, 128, 256, 511, 1000, longest - 8, longest - 1, longest} {
			all = append(all, frame(uint32(size), size))
			b.send(from, all[len(all)-1:])
		}
		b.expect(to, all)
	})
}

func wrongSizes(b *bench) {
	b.attach()
	b.directions(func(from, to *side) {
		var all [][]byte
		var mtu int
		b.Do(func() { mtu = from.MTU() })
		for i, size := range []int{0, 1, header.EthernetSize - 1, mtu + overhead + 1, 70000} {
			good := frame(uint32(i), 60)
			var n int
			var err error
			b.Do(func() { n, err = from.Send([][]byte{good, make([]byte, size), good}) })
			if n != 1 || !errors.Is(err, link.ErrSize) {
				b.Errorf("%d octets in second place: took %d, error %v; want 1 and %v", size, n, err, link.ErrSize)
			}
			all = append(all, good)
		}
		b.expect(to, all)
	})
}

func beforeAttach(b *bench) {
	b.Do(func() { b.B.Attach(&b.b.recorder) })
	// A device may have sent frames of its own before the test.
	var before uint64
	b.Do(func() { before = b.A.Stats().RxDropped })
	early := [][]byte{frame(1, 60), frame(2, 60)}
	b.send(b.b, early)
	b.await("early frames are counted as dropped", func() bool {
		return b.A.Stats().RxDropped >= before+uint64(len(early))
	})
	b.Do(func() { b.A.Attach(&b.a.recorder) })
	late := [][]byte{frame(3, 60)}
	b.send(b.b, late)
	b.expect(b.a, late)
}

// room sends as many frames as A has room for while the loop does nothing else, then
// checks that all arrived.
func room(b *bench) {
	b.attach()
	var all [][]byte
	b.Do(func() {
		for i := range b.A.Room() {
			all = append(all, frame(uint32(i), 60))
		}
		if err := sendAll(b.B, all); err != nil {
			b.Error(err)
		}
	})
	if len(all) == 0 {
		b.Fatal("no room at all")
	}
	b.expect(b.a, all)
}

// sendAll sends frames where the loop can't run meanwhile, as many at a time
// as a transmitter would.
func sendAll(q interface{ Send([][]byte) (int, error) }, frames [][]byte) error {
	const tries = 1_000_000
	for try := 0; len(frames) > 0; try++ {
		n, err := q.Send(frames[:min(64, len(frames))])
		frames = frames[n:]
		if err != nil && (!errors.Is(err, link.ErrFull) || try > tries) {
			return fmt.Errorf("sending, %d frames before the last: %w", len(frames), err)
		}
	}
	return nil
}

func countersAddUp(b *bench) {
	b.attach()
	b.directions(func(from, to *side) {
		var before link.Stats
		b.Do(func() { before = from.Stats() })
		var frames [][]byte
		bytes := 0
		for i := range 50 {
			frames = append(frames, frame(uint32(i), 60+i))
			bytes += 60 + i
		}
		b.send(from, frames)
		b.expect(to, frames)
		b.Do(func() {
			s := from.Stats()
			if s.TxFrames-before.TxFrames != 50 || s.TxBytes-before.TxBytes != uint64(bytes) || s.TxErrors != before.TxErrors {
				b.Errorf("sender went from %+v to %+v; want 50 frames, %d octets, no error more", before, s, bytes)
			}
		})
		b.await("what was received is what was handled, traffic, dropped or wrong", func() bool {
			s := to.Stats()
			return s.RxFrames == to.handled+s.RxTraffic+s.RxDropped+s.RxErrors && s.RxBytes >= uint64(bytes)
		})
	})
}

// queueBeside sends on two queues at once, beside the loop where that may be.
func queueBeside(b *bench) {
	b.attach()
	const own = 20
	each := min(300, (b.roomOf(b.b)-own)/2)
	var queues [2]link.Queue
	b.Do(func() {
		for i := range queues {
			var err error
			if queues[i], err = b.A.OpenQueue(); err != nil {
				b.Errorf("OpenQueue: %v", err)
			}
		}
	})
	if b.Failed() {
		return
	}
	failed := make(chan error, len(queues)) // buffered: under a virtual loop the sender runs before it is read
	run := func(i int) {
		var frames [][]byte
		for n := range uint32(each) {
			frames = append(frames, frame(uint32(i+1)*1000+n, 60))
		}
		failed <- sendAll(queues[i], frames)
	}
	for i := range queues {
		if b.Concurrent() {
			go run(i)
		} else {
			b.Do(func() { run(i) })
		}
	}
	for i := range own {
		b.send(b.a, [][]byte{frame(uint32(i), 60)})
	}
	for range queues {
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
	}
	b.await("all frames arrive", func() bool { return len(b.b.frames) >= own+len(queues)*each })
	b.Do(func() {
		next := [3]uint32{0, 1000, 2000}
		for _, f := range b.b.frames {
			n, _ := number(f)
			if from := n / 1000; n != next[from] {
				b.Errorf("frame %d when %d was next of its sender", n, next[from])
				return
			}
			next[n/1000]++
		}
		if next != [3]uint32{own, 1000 + uint32(each), 2000 + uint32(each)} {
			b.Errorf("the senders' next frames are %v", next)
		}
	})
}

func queueClosed(b *bench) {
	b.attach()
	b.Do(func() {
		for range 3 { // queues are given back
			q, err := b.A.OpenQueue()
			if err != nil {
				b.Errorf("OpenQueue: %v", err)
				return
			}
			if err := q.Close(); err != nil {
				b.Errorf("Close: %v", err)
			}
			if n, err := q.Send([][]byte{frame(1, 60)}); n != 0 || !errors.Is(err, link.ErrClosed) {
				b.Errorf("Send on a closed queue: took %d, error %v", n, err)
			}
		}
	})
	only := [][]byte{frame(2, 60)}
	b.send(b.a, only)
	b.expect(b.b, only)
}

func stateChanges(b *bench) {
	b.attach()
	b.Do(func() {
		if s := b.A.State(); s != (link.State{Up: true}) {
			b.Errorf("at first the state is %+v", s)
		}
	})
	if b.SetUp == nil {
		return // only its state can be tested
	}
	for round := range uint32(2) {
		b.SetUp(false)
		b.awaitState(link.State{Reason: link.ReasonDown})
		b.Do(func() {
			if n, err := b.A.Send([][]byte{frame(9, 60)}); n != 0 || !errors.Is(err, link.ErrDown) {
				b.Errorf("Send while down: took %d, error %v; want 0 and %v", n, err, link.ErrDown)
			}
		})
		b.SetUp(true)
		b.awaitState(link.State{Up: true})
		f := [][]byte{frame(round, 60)}
		b.send(b.a, f)
		b.await("a frame passes again", func() bool { return len(b.b.frames) == int(round)+1 })
	}
	b.Do(func() {
		for i := 1; i < len(b.a.states); i++ {
			if b.a.states[i] == b.a.states[i-1] {
				b.Errorf("states %+v: one was told twice", b.a.states)
			}
		}
	})
}

func (b *bench) awaitState(want link.State) {
	b.Helper()
	b.await("the state is told", func() bool {
		told := b.a.states
		return len(told) > 0 && told[len(told)-1] == want && b.A.State() == want
	})
}

// closeStops closes A in the handler of the first frame, with more behind it.
func closeStops(b *bench) {
	b.attach()
	b.a.on = func() {
		if err := b.A.Close(); err != nil {
			b.Errorf("Close: %v", err)
		}
	}
	b.Do(func() {
		for i := range 100 { // B may find the network gone before the last one
			if _, err := b.B.Send([][]byte{frame(uint32(i), 60)}); err != nil {
				break
			}
		}
	})
	b.await("a frame arrives", func() bool { return len(b.a.frames) > 0 })
	for range 20 { // turns of the loop, in each of which a frame could come
		b.Do(func() {})
	}
	b.Do(func() {
		if len(b.a.frames) != 1 {
			b.Errorf("%d frames came, and Close was called in the first", len(b.a.frames))
		}
	})
}

func closedSends(b *bench) {
	b.attach()
	b.Do(func() {
		q, err := b.A.OpenQueue()
		if err != nil {
			b.Errorf("OpenQueue: %v", err)
			return
		}
		if err := b.A.Close(); err != nil {
			b.Errorf("Close: %v", err)
		}
		for name, send := range map[string]func([][]byte) (int, error){"Link.Send": b.A.Send, "Queue.Send": q.Send} {
			if n, err := send([][]byte{frame(1, 60)}); n != 0 || !errors.Is(err, link.ErrClosed) {
				b.Errorf("%s after Close: took %d, error %v; want 0 and %v", name, n, err, link.ErrClosed)
			}
		}
		if _, err := b.A.OpenQueue(); !errors.Is(err, link.ErrClosed) {
			b.Errorf("OpenQueue after Close: %v, want %v", err, link.ErrClosed)
		}
	})
}
