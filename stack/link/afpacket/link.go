package afpacket

import (
	"sync"
	"sync/atomic"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/burst"
	"glean/stack/loop"
)

// Link is a link over a device. See link.Link for its methods; those that are
// not there may be called from any goroutine.
type Link struct {
	config   Config
	base     link.Base
	room     int
	device   atomic.Pointer[device] // as the watcher knows it; never nil
	receiver *socket
	events   *events
	own      *sender      // of Send
	tandem   *link.Tandem // of SendBulk; nil with one processor
	bell     *burst.Bell  // for the reader, who helps

	watching sync.Mutex // held while what is known of the device changes

	mu      sync.Mutex
	senders map[*sender]bool // not closed yet; nil once the link is released
	running sync.WaitGroup   // what has to end until then
	done    chan struct{}    // closed then
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

// newLink makes a link with its sockets, and no goroutine yet.
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

// openSenders makes what Send and SendBulk send by.
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

// MTU implements link.Link. It follows what an administrator sets.
func (k *Link) MTU() int { return k.device.Load().mtu }

// MAC returns the device's MAC. It follows what an administrator sets; while the
// device is away, it is the last one.
func (k *Link) MAC() header.MAC { return k.device.Load().mac }

// Room implements link.Link.
func (k *Link) Room() int { return k.room }

// Stats implements link.Link. Frames that the kernel's buffer had no place for
// are in RxFrames and RxDropped; how long they were is not known.
func (k *Link) Stats() link.Stats { return k.base.Stats() }

// OpenQueue implements link.Link. Every queue has sockets of its own.
func (k *Link) OpenQueue() (link.Queue, error) {
	if k.base.Ended() {
		return nil, link.ErrClosed
	}
	return newSender(k, true)
}

// Close implements link.Link. Nothing is received or sent after it has
// returned. The sockets are closed elsewhere, since that takes the kernel
// milliseconds, which the loop does not have; Done tells when.
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

// closeSockets closes all that are open, which ends the reader.
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

// Name is the name that the device was opened by.
func (k *Link) Name() string { return k.config.Name }
