package tap

import (
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/stack/link"
	"glean/stack/link/carrier"
)

// lookEvery is how long a change may go unnoticed that neither netlink nor a write
// reports, such as a device that goes down in another namespace. A shorter flap is
// missed there.
const lookEvery = 100 * time.Millisecond

// A watcher is the state of the goroutine of watch.
type watcher struct {
	link    *Link
	every   time.Duration
	events  *events // nil while the subscription is broken
	carrier bool    // as far as it can be known from our namespace
	last    link.State
	flapped bool   // netlink reported that the device was down; it may be up again
	changes uint32 // of the carrier, while the device is in our namespace

	// While the link has no device and a TAP of its name is in use.
	patience patience
	retry    *time.Timer
}

// look triggers a look of the watcher at the device. It may be called from any goroutine
// and does not block.
func (k *Link) look() {
	select {
	case k.kick <- struct{}{}:
	default: // a look is pending
	}
}

// watch follows the state of the device until Close, then releases it.
func (w *watcher) watch() {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	w.retry = time.NewTimer(w.every)
	defer w.retry.Stop()
	for {
		select {
		case <-w.link.quit:
			w.events.stop()
			w.release()
			return
		case u, ok := <-w.events.channel():
			if !ok { // events came faster than they were read
				w.events.stop()
				w.events, _ = subscribe()
			} else if !w.concerns(u) {
				continue
			}
			w.readSettings()
		case <-w.link.kick:
		case <-w.retry.C:
		case answer := <-w.link.asks:
			answer <- w.reattach()
			continue
		case <-tick.C:
			if w.events == nil {
				w.events, _ = subscribe()
			}
			w.countCarrier() // the kernel may report a carrier a second late
		}
		s := w.examine()
		if w.flapped && s.Up && w.last.Up {
			w.report(link.State{Reason: link.ReasonDown})
		}
		w.flapped = false
		w.report(s)
	}
}

// concerns reports whether an event is about our device. A message of the kind
// "deleted" means only that the interface is not in our namespace any longer (or,
// of another family than AF_UNSPEC, that it left a bridge).
func (w *watcher) concerns(u netlink.LinkUpdate) bool {
	attrs, d := u.Attrs(), w.link.device.Load()
	if d == nil {
		return attrs.Name == w.link.config.Name
	}
	if u.IfInfomsg.Family != unix.AF_UNSPEC {
		return false
	}
	switch {
	case u.Header.Type == unix.RTM_DELLINK && d.index == attrs.Index:
		d.index, w.carrier = 0, true
		return true
	case u.Header.Type == unix.RTM_NEWLINK && d.index == attrs.Index:
		w.flapped = w.flapped || !isUp(attrs.RawFlags)
	case u.Header.Type == unix.RTM_NEWLINK && d.index == 0 && attrs.Name == w.link.config.Name && d.isHere():
		d.index = attrs.Index // it came back
		w.changes, _ = carrier.Changes(d.index)
	}
	return d.index == attrs.Index
}

// isHere reports whether the device is in our network namespace.
func (d *device) isHere() bool {
	here := false
	_ = d.queues[0].raw.Control(func(fd uintptr) {
		ns, err := unix.IoctlRetInt(int(fd), unix.TUNGETDEVNETNS)
		if err != nil {
			return
		}
		theirs := os.NewFile(uintptr(ns), "netns")
		defer theirs.Close()
		a, errA := theirs.Stat()
		b, errB := os.Stat("/proc/thread-self/ns/net")
		here = errA == nil && errB == nil && os.SameFile(a, b)
	})
	return here
}

// readSettings follows changes by an administrator, while the device is in our
// namespace.
func (w *watcher) readSettings() {
	d := w.link.device.Load()
	if d == nil || d.index == 0 {
		return
	}
	l, err := netlink.LinkByIndex(d.index)
	if err != nil {
		return // it has just gone; the event of that will come
	}
	attrs := l.Attrs()
	w.link.base.Grow(attrs.MTU + maxOverhead) // before the MTU is shown, so that a frame that comes next fits
	w.link.mtu.Store(int64(attrs.MTU))
	w.link.txqlen.Store(int64(attrs.TxQLen))
	w.countCarrier()
	// The kernel shows a carrier only while the device is up.
	w.carrier = attrs.RawFlags&unix.IFF_UP == 0 || attrs.RawFlags&unix.IFF_LOWER_UP != 0
}

// isUp reports whether a device with these flags is up and has a carrier.
func isUp(flags uint32) bool {
	const running = unix.IFF_UP | unix.IFF_LOWER_UP
	return flags&running == running
}

// countCarrier records whether the carrier was lost since its last call. Losses shorter
// than the time between two messages show only in the count.
func (w *watcher) countCarrier() {
	d := w.link.device.Load()
	if d == nil || d.index == 0 {
		return
	}
	if n, ok := carrier.Changes(d.index); ok {
		w.flapped = w.flapped || carrier.Flapped(w.changes, n)
		w.changes = n
	}
}

// examine returns the present state. It releases a device that is gone, and attaches to
// one of the same name that is back.
func (w *watcher) examine() link.State {
	k, gone := w.link, link.State{Reason: link.ReasonDeleted}
	d := k.device.Load()
	if d == nil {
		d, err := attach(k.config, false)
		if gap := w.patience.wait(err, time.Now()); gap > 0 {
			w.retry.Reset(gap)
		}
		if err != nil {
			return gone
		}
		return w.use(d)
	}
	s := d.probe()
	if s == gone || d.lost.Load() {
		k.device.Store(nil)
		d.close()
		return gone
	}
	if s.Up && !w.carrier {
		return link.State{Reason: link.ReasonDown}
	}
	return s
}

// use makes d the link's device and returns its state.
func (w *watcher) use(d *device) link.State {
	w.carrier = true
	w.link.use(d)
	w.begin(d)
	return d.probe()
}

// begin follows a device from now on. Pending messages of netlink may describe the time
// before the device was set up, so the subscription is a new one.
func (w *watcher) begin(d *device) {
	w.events.stop()
	w.events, _ = subscribe() // if it fails, the next tick tries again
	if d.index != 0 && !d.isHere() {
		d.index = 0 // it was moved before the subscription
	}
	w.changes, _ = carrier.Changes(d.index)
	w.readSettings()
	w.flapped = false
}

// reattach implements Reattach on the watcher's goroutine.
func (w *watcher) reattach() error {
	if w.link.device.Load() != nil {
		w.report(w.examine()) // it may have been deleted just now
	}
	if w.link.device.Load() != nil {
		return link.ErrAttached
	}
	d, err := attach(w.link.config, true)
	if err != nil {
		return err
	}
	w.report(w.use(d))
	return nil
}

// probe returns the state of the device by poll(2): it is writable when it is up and in
// error when it is deleted; that is true in any namespace.
func (d *device) probe() link.State {
	state := link.State{Reason: link.ReasonDeleted}
	_ = d.queues[0].raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		for {
			if _, err := unix.Poll(p, 0); err != unix.EINTR {
				break
			}
		}
		switch {
		case p[0].Revents&unix.POLLERR != 0:
		case p[0].Revents&unix.POLLOUT != 0:
			state = link.State{Up: true}
		default:
			state = link.State{Reason: link.ReasonDown}
		}
	})
	return state
}

// report passes a change to the loop.
func (w *watcher) report(s link.State) {
	k := w.link
	if s == w.last {
		return
	}
	w.last = s
	k.up.Store(s.Up)
	k.base.Report(s)
}

// release closes the device and wakes the goroutines that wait for that.
func (w *watcher) release() {
	k := w.link
	if d := k.device.Swap(nil); d != nil {
		d.close()
	}
	k.bell.Close()
	releases.Lock()
	if releases.done[k.config.Name] == k.done {
		delete(releases.done, k.config.Name)
	}
	releases.Unlock()
	close(k.done)
}

// close closes the descriptors and the rings, and waits for the readers. A TAP without
// persistence ends with its last descriptor.
func (d *device) close() {
	for _, q := range d.queues {
		_ = q.file.Close()
	}
	d.rings.close(d)
	d.readers.Wait()
}
