package engine

import (
	"unsafe"

	"glean/stack/loop"
)

// Event is a change of a resource.
type Event struct {
	Seq    uint64    // 1, 2, 3, ... without a gap
	Time   loop.Time // of the change
	Type   string    // "learning", "generator", "port", "interface", "neighbor"
	ID     string    // the resource
	What   string    // the change in one word: "created", "completed", "conflict", ...
	Detail string    // for people; may be empty
	PortID string    // the port of the resource; empty if it has none or several
	Fields []Field   // for programs, in the order in which the API shows them
}

// Field is a named fact of an event.
type Field struct {
	Name  string
	Value any // a string, an int, a uint64 or a []string
}

// texts returns about how much memory an event takes outside of its slot, in octets.
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

// eventText is the value of Event.texts for a neighbor that moves, the most frequent
// event.
const eventText = 384

// MostEvents returns how many events fit into a quarter of the memory budget, which they
// may use.
func (l Limits) MostEvents() int {
	return int(l.withDefaults().Memory / 4 / (int64(unsafe.Sizeof(Event{})) + eventText))
}

// eventRing keeps the newest events and overwrites older ones. A reader detects lost
// events by the gap in Seq.
type eventRing struct {
	slots []Event // grows up to size, so that a ring larger than the default takes memory as needed
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

// at returns the slot of an event by its number.
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

// Events returns up to limit events after seq, oldest first, and the number of the newest
// event.
func (e *Engine) Events(seq uint64, limit int) ([]Event, uint64) {
	return e.events.since(seq, limit), e.events.last
}

// OnEvent makes the engine call f after each event. There is one such function; it must
// not call the engine.
func (e *Engine) OnEvent(f func(Event)) { e.onEvent = f }

// emit adds an event with the present time.
func (e *Engine) emit(event Event) {
	event.Time = e.loop.Now()
	e.events.add(event)
	if e.onEvent != nil {
		e.onEvent(*e.events.at(e.events.last))
	}
}
