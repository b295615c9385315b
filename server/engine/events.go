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
	PortID string    // where it happened; empty for no port, or several
	Fields []Field   // for programs, in the order in which they are shown
}

// Field is a named fact of an event.
type Field struct {
	Name  string
	Value any // a string, an int, a uint64 or a []string
}

// texts is about what an event holds beside its slot, in octets.
func (e *Event) texts() int64 {
	octets := len(e.Detail)
	for _, f := range e.Fields {
		octets += int(unsafe.Sizeof(f)) + 16 // the boxed value
		switch v := f.Value.(type) {
		case string:
			octets += len(v)
		case []string:
			for _, text := range v {
				octets += int(unsafe.Sizeof(text)) + len(text)
			}
		}
	}
	return int64(octets)
}

// eventText is what Event.texts returns of a next hop that moves, the event that
// may come most often.
const eventText = 384

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
	texts int64 // octets, of all slots
}

func newEventRing(size int) *eventRing {
	return &eventRing{size: size, slots: make([]Event, 0, min(size, DefaultLimits().Events))}
}

func (r *eventRing) add(e Event) {
	r.last++
	e.Seq = r.last
	r.texts += e.texts()
	if len(r.slots) < r.size {
		r.slots = append(r.slots, e)
		return
	}
	slot := r.at(e.Seq)
	r.texts -= slot.texts()
	*slot = e
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

// emit adds an event that happened now.
func (e *Engine) emit(event Event) {
	event.Time = e.loop.Now()
	e.events.add(event)
	if e.onEvent != nil {
		e.onEvent(*e.events.at(e.events.last))
	}
}
