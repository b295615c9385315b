package afpacket

import (
	"sync"
	"sync/atomic"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/burst"
	"glean/stack/loop"
)

// Link is a link over a device. See link.Link for its methods; any goroutine may call
// those that link.Link does not have.
type Link struct {
	config   Config
	base     link.Base
	room     int
	device   atomic.Pointer[device] // as the watcher knows it; never nil
	receiver *socket
	events   *events
	own      *sender      // of Send
	tandem   *link.Tandem // of SendBulk; nil with one processor
	bell     *burst.Bell  // wakes the reader, which helps to send

	watching sync.Mutex // locked while the state of the device changes

	mu      sync.Mutex
	senders map[*sender]bool // not closed yet; nil once the link is released
	running sync.WaitGroup   // goroutines of the link
	done    chan struct{}    // closed when all of them have ended
}

var (
	_ link.Link       = (*Link)(nil)
	_ link.BulkSender = (*Link)(nil)
	_ link.Reattacher = (*Link)(nil)
)

// Open receives from c's device, which may be down, and watches it. It blocks
// for system calls, so it is not for the loop; l may be running. Its error is a
// *link.FieldError.
func Open(l loop.Loop, c Config) (*Link, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	events, err := subscribe() // before the device, so that no event is missed
	if err != nil {
		return nil, fieldError("name", err)
	}
	k, err := newLink(l, c)
	if err != nil {
		events.close()
		return nil, fieldError("name", err)
	}
	k.events = events
	k.running.Go(newReader(k).run)
	k.running.Go(k.watch)
	return k, nil
}

// newLink creates a link with its sockets, without goroutines.
func newLink(l loop.Loop, c Config) (*Link, error) {
	d, err := find(c.Name)
	if err != nil {
		return nil, err
	}
	k := &Link{config: c, senders: make(map[*sender]bool), done: make(chan struct{})}
	k.device.Store(&d)
	size := d.mtu + maxOverhead
	var holds int
	if k.receiver, holds, err = newReceiver(c.Room, size); err != nil {
		return nil, err
	}
	k.base.Init(l, c.Room, size, d.state)
	k.room = min(c.Room, holds)
	if k.bell, err = burst.NewBell(); err != nil {
		k.closeSockets()
		return nil, err
	}
	if err = k.openSenders(); err == nil {
		err = explain(k.receiver.receiveFrom(d.index))
	}
	if err != nil {
		k.closeSockets()
		k.bell.Close()
		return nil, err
	}
	return k, nil
}

// openSenders opens the sockets of Send and SendBulk.
func (k *Link) openSenders() (err error) {
	if k.own, err = newSender(k, false); err != nil {
		return err
	}
	second, err := newSender(k, false)
	if err != nil {
		return err
	}
	if k.tandem = link.NewTandem(&k.base, k.own, second, k.bell.Ring); k.tandem == nil {
		return second.Close()
	}
	return nil
}

// Attach implements link.Link.
func (k *Link) Attach(h link.Handler) { k.base.Attach(h) }

// Send implements link.Link.
func (k *Link) Send(frames [][]byte) (int, error) { return k.own.Send(frames) }

// SendBulk implements link.BulkSender.
func (k *Link) SendBulk(frames [][]byte) (int, error) {
	if k.tandem == nil {
		return k.own.Send(frames)
	}
	return k.tandem.SendBulk(frames)
}

// State implements link.Link.
func (k *Link) State() link.State { return k.base.State() }

// MTU implements link.Link. It follows changes by an administrator.
func (k *Link) MTU() int { return k.device.Load().mtu }

// MAC returns the device's MAC. It follows changes by an administrator; while the device
// does not exist, it is the last one.
func (k *Link) MAC() header.MAC { return k.device.Load().mac }

// Room implements link.Link.
func (k *Link) Room() int { return k.room }

// Stats implements link.Link. Frames for which the kernel's buffer had no room are in
// RxFrames and RxDropped; their lengths are not known.
func (k *Link) Stats() link.Stats { return k.base.Stats() }

// OpenQueue implements link.Link. Every queue has sockets of its own.
func (k *Link) OpenQueue() (link.Queue, error) {
	if k.base.Ended() {
		return nil, link.ErrClosed
	}
	return newSender(k, true)
}

// Close implements link.Link. Nothing is received or sent after it has returned. Another
// goroutine closes the sockets, because that takes the kernel milliseconds, too long for
// the loop; Done reports the end.
func (k *Link) Close() error {
	if !k.base.End() {
		return link.ErrClosed
	}
	go func() {
		k.events.close()
		k.closeSockets()
		k.running.Wait()
		k.bell.Close()
		close(k.done)
	}()
	return nil
}

// closeSockets closes all open sockets, which ends the reader.
func (k *Link) closeSockets() {
	k.receiver.close()
	k.mu.Lock()
	senders := k.senders
	k.senders = nil
	k.mu.Unlock()
	for s := range senders {
		s.release()
	}
}

// Done is closed when, after Close, every socket is closed and every goroutine
// of the link has ended.
func (k *Link) Done() <-chan struct{} { return k.done }

// Name returns the name by which the device was opened.
func (k *Link) Name() string { return k.config.Name }
