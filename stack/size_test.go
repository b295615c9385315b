package stack

import (
	"reflect"
	"testing"

	"glean/stack/link"
	"glean/stack/loop"
)

// nullLink is a link that accepts all frames and takes no memory.
type nullLink struct{}

func (nullLink) Attach(link.Handler)               {}
func (nullLink) Send(frames [][]byte) (int, error) { return len(frames), nil }
func (nullLink) State() link.State                 { return link.State{Up: true} }
func (nullLink) MTU() int                          { return 1500 }
func (nullLink) Room() int                         { return 1 }
func (nullLink) Stats() link.Stats                 { return link.Stats{} }
func (nullLink) OpenQueue() (link.Queue, error)    { return nil, link.ErrClosed }
func (nullLink) Close() error                      { return nil }

// TestIdleStackIsSmall checks the memory of an idle stack: simulated networks have tens
// of thousands of them.
func TestIdleStackIsSmall(t *testing.T) {
	const stacks = 2000
	l := loop.NewVirtual()
	before := heap()
	all := make([]*Stack, stacks)
	for k := range all {
		all[k] = New(l, nullLink{}, Options{})
		if _, err := all[k].AddInterface(config(1)); err != nil {
			t.Fatal(err)
		}
	}
	idle := (heap() - before) / stacks
	frame := request(mac2, peer, "192.0.2.1").bytes(t)
	for _, s := range all {
		s.HandleFrame(frame)
	}
	l.RunFor(10 * loop.Second)
	t.Logf("%d octets idle, %d with a neighbor", idle, (heap()-before)/stacks)
	if idle > 1800 { // 1.5 kB when this was written
		t.Errorf("an idle stack takes %d octets", idle)
	}
	if all[0].counters.RxFrames != 1 {
		t.Error("not used")
	}
}

// TestCommonEmptyCacheStaysEmpty checks that no operation writes the cache that all
// stacks without a neighbor share.
func TestCommonEmptyCacheStaysEmpty(t *testing.T) {
	l, lk := loop.NewVirtual(), &fakeLink{}
	lk.loop = l
	s := New(l, lk, Options{})
	c := config(1)
	c.Announce = true
	i, err := s.AddInterface(c)
	if err != nil {
		t.Fatal(err)
	}
	s.HandleFrame(reply(mac3, "192.0.2.99").bytes(t))
	s.HandleFrame(answerNA().bytes(t))
	l.RunFor(10 * loop.Second)
	lk.set(false)
	lk.set(true)
	s.Release(1)
	s.AddDeadline(1, 1)
	s.RemoveDeadline(1, 1)
	i.Flush()
	l.RunFor(10 * loop.Second)
	s.RemoveInterface(i)
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if s.cache != &noCache || !reflect.DeepEqual(noCache, cache{}) {
		t.Errorf("written: %+v", noCache)
	}
}
