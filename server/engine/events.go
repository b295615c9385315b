package engine

import "glean/stack/loop"

// Event is something that happened to a resource.
type Event struct {
	Seq    uint64    // 1, 2, 3, ... without a gap
	Time   loop.Time // when
	Type   string    // "learning", "generator", "port", "interface", "neighbor"
	ID     string    // the resource
	What   string    // what happened, one word: "created", "completed", "conflict", ...
	Detail string    // for people; may be empty
}

// eventRing keeps the newest events. Older ones are overwritten; a reader
// notices by the gap in Seq.
type eventRing struct {
	slots []Event
	last  uint64
}

func newEventRing(size int) *eventRing { return &eventRing{slots: make([]Event, size)} }

func (r *eventRing) add(e Event) {
	r.last++
	e.Seq = r.last
	r.slots[r.last%uint64(len(r.slots))] = e
}

// since returns the events after seq that are still kept, oldest first.
func (r *eventRing) since(seq uint64, limit int) []Event {
	first := seq + 1
	if kept := uint64(len(r.slots)); r.last >= kept && first <= r.last-kept {
		first = r.last - kept + 1
	}
	var events []Event
	for s := first; s <= r.last && len(events) < limit; s++ {
		events = append(events, r.slots[s%uint64(len(r.slots))])
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
		e.onEvent(e.events.slots[e.events.last%uint64(len(e.events.slots))])
	}
}
