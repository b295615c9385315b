package engine

import (
	"unsafe"

	"glean/stack/loop"
)

// Event is something that happened to a resource.
type Event struct {
	Seq    uint64    // 1, 2, 3, ... without a gap
	Time   loop.Time // when
	Type   string    // "learning", "generator", "port", "interface", "neighbor"
	ID     string    // the resource
	What   string    // what happened, one word: "created", "completed", "conflict", ...
	Detail string    // for people; may be empty
}

// eventText is about how long the texts of an event are, in octets.
const eventText = 64

// MostEvents is how many events fit into the part of the memory budget that they
// may have, a quarter.
func (l Limits) MostEvents() int {
	return int(l.withDefaults().Memory / 4 / (int64(unsafe.Sizeof(Event{})) + eventText))
}

// eventRing keeps the newest events. Older ones are overwritten; a reader
// notices by the gap in Seq.
type eventRing struct {
	slots []Event // grows up to size: a ring beyond the default costs what it holds
	size  int
	last  uint64
}

func newEventRing(size int) *eventRing {
	return &eventRing{size: size, slots: make([]Event, 0, min(size, DefaultLimits().Events))}
}

func (r *eventRing) add(e Event) {
	r.last++
	e.Seq = r.last
	if len(r.slots) < r.size {
		r.slots = append(r.slots, e)
		return
	}
	*r.at(e.Seq) = e
}

// at is the slot of the event with a number.
func (r *eventRing) at(seq uint64) *Event { return &r.slots[(seq-1)%uint64(r.size)] }

// since returns the events after seq that are still kept, oldest first.
func (r *eventRing) since(seq uint64, limit int) []Event {
	first := seq + 1
	if kept := uint64(r.size); r.last >= kept && first <= r.last-kept {
		first = r.last - kept + 1
	}
	var events []Event
	for s := first; s <= r.last && len(events) < limit; s++ {
		events = append(events, *r.at(s))
	}
	return events
}

// Events returns up to limit events after seq, oldest first, and the number of
// the newest event there is.
func (e *Engine) Events(seq uint64, limit int) ([]Event, uint64) {
	return e.events.since(seq, limit), e.events.last
}

// OnEvent makes f run after each event. It is for one reader, which must not
// call back into the engine.
func (e *Engine) OnEvent(f func(Event)) { e.onEvent = f }

func (e *Engine) emit(kind, id, what, detail string) {
	e.events.add(Event{Time: e.loop.Now(), Type: kind, ID: id, What: what, Detail: detail})
	if e.onEvent != nil {
		e.onEvent(*e.events.at(e.events.last))
	}
}
