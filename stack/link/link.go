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

// State is whether frames can pass, and if not, why.
type State struct {
	Up     bool
	Reason Reason // ReasonNone when up
}

// Reason is why a link is down.
type Reason uint8

// Reasons of a link that is down.
const (
	ReasonNone    Reason = iota
	ReasonDown           // no carrier, administratively down, or moved away
	ReasonDeleted        // the device does not exist any longer
)

// String returns the word used in the API.
func (r Reason) String() string {
	switch r {
	case ReasonDown:
		return "down"
	case ReasonDeleted:
		return "deleted"
	}
	return ""
}

// Handler receives frames and state changes of a link. Its methods run on the loop.
type Handler interface {
	// HandleFrame handles one frame, without FCS. The slice is borrowed: it is valid
	// until the method returns.
	HandleFrame(frame []byte)
	// HandleState handles a change of the link's state.
	HandleState(State)
}

// Link is an attachment to a network. Its methods are called on the loop,
// and none of them blocks.
type Link interface {
	// Attach sets the receiver of frames and state changes. It is called once. Frames
	// that arrive earlier are dropped and counted.
	Attach(Handler)
	// Send passes frames (14 octets or more each, without FCS) to the device and does
	// not retain them. It returns how many the device took; if it did not take all, err
	// is why it refused the next one.
	Send(frames [][]byte) (taken int, err error)
	// State returns the present state.
	State() State
	// MTU returns the largest payload of an Ethernet frame, in octets.
	MTU() int
	// Room returns how many replies can arrive unread without a drop: the smaller of the
	// inbox and the device's own queue.
	Room() int
	// Stats returns a snapshot of the counters.
	Stats() Stats
	// OpenQueue opens a transmit queue. On a device with several queues each call opens
	// another one as long as one is free.
	OpenQueue() (Queue, error)
	// Close ends reading and releases the device. No handler method runs after it has
	// returned.
	Close() error
}

// Reattacher is a Link over a device that can be deleted.
type Reattacher interface {
	// Reattach attaches at once to a device that was deleted and exists again, and sets
	// it up as when the link was opened. It may block, and is called from any goroutine
	// but the loop's. The error is why no device was attached; ErrAttached means that
	// the link has its device.
	Reattach() error
}

// Queue is a way to the device for one transmitter, apart from the Link so that
// traffic never passes through the loop. A Queue is used by one goroutine, or by
// the loop itself in simulation.
type Queue interface {
	// Send is as Link.Send. It may take fewer frames than given with ErrFull, and does
	// not block longer than the write itself.
	Send(frames [][]byte) (taken int, err error)
	Close() error
}

// Stats counts the frames of a link, and their octets without FCS.
type Stats struct {
	RxFrames, RxBytes uint64 // all frames that the device delivered
	RxTraffic         uint64 // of these, frames that are not for the stack
	RxDropped         uint64 // frames for the stack that found the inbox full
	RxErrors          uint64 // frames too short, too long, or unreadable
	TxFrames, TxBytes uint64
	TxErrors          uint64 // frames that the device refused
}
