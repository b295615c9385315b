package tap

import (
	"sync"
	"sync/atomic"
	"time"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/burst"
	"glean/stack/loop"
)

// maxOverhead is the longest frame minus its payload: the Ethernet header and two VLAN
// tags.
const maxOverhead = header.EthernetSize + header.MaxTags*header.VLANSize

// Link is a link over a TAP. See link.Link for its methods; any goroutine may call those
// that link.Link does not have.
type Link struct {
	config Config
	base   link.Base
	own    *sender      // of Send
	tandem *link.Tandem // of SendBulk; nil with one processor
	bell   *burst.Bell  // wakes the reader of the first queue, which helps to send

	device atomic.Pointer[device] // nil while the TAP is deleted
	mtu    atomic.Int64
	txqlen atomic.Int64
	up     atomic.Bool // the last look found the device up
	plain  atomic.Bool // frames are not written by rings

	kick  chan struct{}   // triggers a look of the watcher
	asks  chan chan error // requests a Reattach of the watcher
	quit  chan struct{}   // closed by Close
	done  chan struct{}   // closed when everything is released
	usage struct {
		sync.Mutex
		senders []int // per queue
	}
}

var (
	_ link.Link       = (*Link)(nil)
	_ link.BulkSender = (*Link)(nil)
	_ link.Reattacher = (*Link)(nil)
)

// releases are the names whose links are closed but not yet released.
var releases = struct {
	sync.Mutex
	done map[string]<-chan struct{}
}{done: make(map[string]<-chan struct{})}

// Open creates c's TAP or attaches to it, sets it up, and reads from it. It
// blocks for system calls, for the release of a link of the same name that was
// just closed, and up to a second for a TAP that is in use, so it is not for the
// loop; l may be running. Its error is a *link.FieldError.
func Open(l loop.Loop, c Config) (*Link, error) { return openLooking(l, c, lookEvery) }

// openLooking is Open with the time between periodic looks at the device.
func openLooking(l loop.Loop, c Config, every time.Duration) (*Link, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	releases.Lock()
	before := releases.done[c.Name]
	releases.Unlock()
	if before != nil {
		<-before
	}
	bell, err := burst.NewBell()
	if err != nil {
		return nil, fieldError("name", err)
	}
	var d *device
	err = retryBusy(func() (err error) {
		d, err = attach(c, true)
		return err
	})
	if err != nil {
		bell.Close()
		return nil, err
	}
	k := &Link{
		config: c,
		bell:   bell,
		kick:   make(chan struct{}, 1),
		asks:   make(chan chan error),
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	state := d.probe()
	k.base.Init(l, c.Room, d.mtu+maxOverhead, state)
	k.usage.senders = make([]int, c.Queues)
	k.usage.senders[0] = 1
	k.own = newSender(k, 0)
	if k.plain.Store(c.Plain); !c.Plain {
		k.tryRing(d)
	}
	k.tandem = link.NewTandem(&k.base, k.own, newSender(k, 0), bell.Ring)
	k.use(d)
	k.up.Store(state.Up)
	w := &watcher{link: k, every: every, carrier: true, last: state}
	w.begin(d)
	k.look() // the state may have changed before begin
	go w.watch()
	return k, nil
}

// use makes d the link's device and reads from it.
func (k *Link) use(d *device) {
	k.mtu.Store(int64(d.mtu))
	k.txqlen.Store(int64(d.txqlen))
	k.device.Store(d)
	for i, q := range d.queues {
		r := newReader(k, d, q)
		if i == 0 && k.tandem != nil {
			r.pause.Help, r.pause.Bell = k.tandem.Help, k.bell
		}
		d.readers.Go(r.run)
	}
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
func (k *Link) MTU() int { return int(k.mtu.Load()) }

// Room implements link.Link.
func (k *Link) Room() int { return min(k.base.Room(), int(k.txqlen.Load())) }

// Stats implements link.Link.
func (k *Link) Stats() link.Stats { return k.base.Stats() }

// OpenQueue implements link.Link. The queue used least is taken, so the queues
// other than the loop's own go first.
func (k *Link) OpenQueue() (link.Queue, error) {
	if k.base.Ended() {
		return nil, link.ErrClosed
	}
	k.usage.Lock()
	defer k.usage.Unlock()
	least := 0
	for i, n := range k.usage.senders {
		if n < k.usage.senders[least] {
			least = i
		}
	}
	k.usage.senders[least]++
	s := newSender(k, least)
	s.useRing()
	return s, nil
}

// Reattach implements link.Reattacher. As Open does, it creates a TAP that does not
// exist and waits for a TAP in use.
func (k *Link) Reattach() error {
	return retryBusy(func() error {
		answer := make(chan error, 1)
		select {
		case k.asks <- answer:
			return <-answer
		case <-k.quit:
			return link.ErrClosed
		}
	})
}

// Close implements link.Link. Nothing is received or sent after it has returned. The
// watcher releases the device, because that takes the kernel tens of milliseconds, too
// long for the loop; Done reports the end.
func (k *Link) Close() error {
	if !k.base.End() {
		return link.ErrClosed
	}
	releases.Lock()
	releases.done[k.config.Name] = k.done
	releases.Unlock()
	close(k.quit)
	return nil
}

// Done is closed when, after Close, the device is released: every goroutine of
// the link has ended and a TAP that Open made is gone unless it persists.
func (k *Link) Done() <-chan struct{} { return k.done }

// Name returns the name by which the TAP was opened.
func (k *Link) Name() string { return k.config.Name }

// Queues returns the number of queues of the device that this link uses.
func (k *Link) Queues() int { return k.config.Queues }
