package link

import "errors"

// Errors of Send. Anything else is an error of the device, as it came.
var (
	ErrDown    = errors.New("link: down")           // the link is down; it may come up again
	ErrDeleted = errors.New("link: device deleted") // the device is gone
	ErrFull    = errors.New("link: queue full")     // the device takes no more now
	ErrClosed  = errors.New("link: closed")         // Close was called
	ErrSize    = errors.New("link: frame too long or too short")
)

// ErrAttached is the error of Reattach for a link that has its device.
var ErrAttached = errors.New("the device is attached")

// State tells whether frames can pass, and if not, why.
type State struct {
	Up     bool
	Reason Reason // ReasonNone when up
}

// Reason says why a link is down.
type Reason uint8

// Reasons of a link that is down.
const (
	ReasonNone    Reason = iota
	ReasonDown           // no carrier, administratively down, or moved away
	ReasonDeleted        // the device does not exist any more
)

// String gives the word used in the API.
func (r Reason) String() string {
	switch r {
	case ReasonDown:
		return "down"
	case ReasonDeleted:
		return "deleted"
	}
	return ""
}

// Handler receives what comes from a link. Its methods run on the loop.
type Handler interface {
	// HandleFrame takes one frame, without FCS. The slice is borrowed: it is
	// valid until the method returns.
	HandleFrame(frame []byte)
	// HandleState is told of every change of the link's state.
	HandleState(State)
}

// Link is an attachment to a network. Its methods are called on the loop,
// and none of them blocks.
type Link interface {
	// Attach names the receiver of frames and state changes. It is called once.
	// Frames that come before are dropped and counted.
	Attach(Handler)
	// Send gives frames (14 octets or more each, without FCS) to the device and
	// does not retain them. It returns how many were taken; if that is not all,
	// err says why the first one left was not.
	Send(frames [][]byte) (taken int, err error)
	// State is the present state.
	State() State
	// MTU is the largest payload of an Ethernet frame, in octets.
	MTU() int
	// Room is how many replies can arrive unread without one being dropped: the
	// smaller of the inbox and the device's own queue.
	Room() int
	// Stats is a snapshot of the counters.
	Stats() Stats
	// OpenQueue opens a transmit queue. On a device with several queues each
	// call takes another one as long as there are any.
	OpenQueue() (Queue, error)
	// Close ends reading and releases the device. No handler method runs after
	// it has returned.
	Close() error
}

// Reattacher is a Link over a device that can be deleted.
type Reattacher interface {
	// Reattach attaches to the device after it was deleted, at once, and sets it
	// up as when the link was opened. It may block, and is called from any
	// goroutine but the loop's. The error says why there is no device; ErrAttached
	// that there is one.
	Reattach() error
}

// Queue is a way to the device for one transmitter, apart from the Link so that
// traffic never passes through the loop. A Queue is used by one goroutine, or by
// the loop itself in simulation.
type Queue interface {
	// Send is as Link.Send. It may take fewer frames than given with ErrFull, and
	// never blocks for more than the time of the write itself.
	Send(frames [][]byte) (taken int, err error)
	Close() error
}

// Stats counts what passed a link, in frames and in octets without FCS.
type Stats struct {
	RxFrames, RxBytes uint64 // all that the device gave us
	RxTraffic         uint64 // of these, frames that are not for the stack
	RxDropped         uint64 // frames for the stack that found the inbox full
	RxErrors          uint64 // frames too short, too long, or unreadable
	TxFrames, TxBytes uint64
	TxErrors          uint64 // frames that the device refused
}
