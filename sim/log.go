package sim

import (
	"fmt"

	"glean/stack/loop"
)

// Event is something that happened in a world.
type Event struct {
	At   loop.Time
	Kind EventKind
	From *End // the end where the frame was sent; nil in a note
	Seq  uint64
	// Frame is borrowed: it is valid until the observer returns.
	Frame []byte
	Drop  Drop   // of EventDropped
	Text  string // of EventNote
}

// EventKind is the kind of an Event.
type EventKind uint8

// Kinds of events.
const (
	EventNote EventKind = iota
	EventDelivered
	EventDropped
)

// Observe adds a function that is called with every event from now on. Observers are
// called on the loop, in the order in which they were added, before the receiver of a
// frame.
func (w *World) Observe(f func(Event)) { w.observers = append(w.observers, f) }

// ObserveDrops is Observe for dropped frames only. It costs nothing for frames that
// arrive.
func (w *World) ObserveDrops(f func(Event)) { w.dropObservers = append(w.dropObservers, f) }

func (w *World) observe(e Event) {
	e.At = w.loop.Now()
	for _, f := range w.observers {
		f(e)
	}
}

// Note adds a line of text to the log. Devices note what they do without being sent a
// frame: boot, move, fail.
func (w *World) Note(format string, args ...any) {
	if w.observers != nil {
		w.observe(Event{Kind: EventNote, Text: fmt.Sprintf(format, args...)})
	}
}

// String returns the event as one line of the log.
func (e Event) String() string {
	switch e.Kind {
	case EventDelivered:
		return fmt.Sprintf("%s %s: %s", e.At, e.From.Direction(), Describe(e.Frame))
	case EventDropped:
		return fmt.Sprintf("%s %s: dropped (%s): %s",
			e.At, e.From.Direction(), e.Drop, Describe(e.Frame))
	}
	return fmt.Sprintf("%s -- %s", e.At, e.Text)
}

// Log keeps the text of every event of a world.
type Log struct{ Lines []string }

// NewLog makes a log of all events of w from now on.
func NewLog(w *World) *Log {
	l := &Log{}
	l.follow(w)
	return l
}

func (l *Log) follow(w *World) {
	w.Observe(func(e Event) { l.Lines = append(l.Lines, e.String()) })
}
