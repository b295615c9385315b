package afpacket

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/stack/header"
	"glean/stack/link"
	"glean/stack/link/carrier"
)

// A device is the state of the device at a moment.
type device struct {
	index   int // 0: no device
	mtu     int // octets; without a device, of the last one
	state   link.State
	changes uint32 // of the carrier so far, modulo 2^32
	mac     header.MAC
}

// find looks for the device of the name.
func find(name string) (device, error) {
	l, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return device{}, ErrNoDevice
	}
	if err != nil {
		return device{}, err
	}
	a := l.Attrs()
	if a.EncapType != "ether" {
		return device{}, fmt.Errorf("%w but of type %q", ErrNotEthernet, a.EncapType)
	}
	changes, _ := carrier.Changes(a.Index)
	return device{index: a.Index, mtu: a.MTU, state: stateOf(a.RawFlags), changes: changes, mac: macOf(a)}, nil
}

// macOf returns the device's MAC, zero if it has none.
func macOf(a *netlink.LinkAttrs) (m header.MAC) {
	copy(m[:], a.HardwareAddr)
	return m
}

// stateOf returns the state for the flags of a device: it is up when it was brought up
// and has a carrier.
func stateOf(flags uint32) link.State {
	if flags&unix.IFF_UP != 0 && flags&unix.IFF_LOWER_UP != 0 {
		return link.State{Up: true}
	}
	return link.State{Reason: link.ReasonDown}
}

// explain returns the error for a device that disappears between find and its use.
func explain(err error) error {
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return fmt.Errorf("%w (%w)", ErrNoDevice, err)
	}
	return err
}

// after returns the device of the name after a change to some device. One that was
// renamed is followed by its index.
func (d device) after(c change, name string) device {
	ours := d.index != 0 && c.index == d.index
	switch {
	case c.gone && ours && c.moved:
		return device{mtu: d.mtu, mac: d.mac, state: link.State{Reason: link.ReasonDown}}
	case c.gone && ours:
		return device{mtu: d.mtu, mac: d.mac, state: link.State{Reason: link.ReasonDeleted}}
	case !c.gone && (ours || d.index == 0 && c.name == name && c.ethernet):
		mtu := c.mtu
		if mtu == 0 {
			mtu = d.mtu
		}
		changes := c.changes
		if ours && !carrier.Flapped(d.changes, changes) {
			changes = d.changes // the message is older than the known count, or has none
		}
		mac := c.mac
		if mac.IsZero() {
			mac = d.mac
		}
		return device{index: c.index, mtu: mtu, state: stateOf(c.flags), changes: changes, mac: mac}
	}
	return d
}

// watch follows the device until the link is closed.
func (k *Link) watch() {
	for {
		changes, err := k.events.next()
		switch {
		case err == nil:
			k.follow(changes)
		case errors.Is(err, errMissed):
			k.lookAgain()
		default:
			return
		}
	}
}

// follow applies changes of netlink.
func (k *Link) follow(changes []change) {
	k.watching.Lock()
	defer k.watching.Unlock()
	for _, c := range changes {
		_ = k.become(k.device.Load().after(c, k.config.Name)) // if it is gone again, netlink reports that
	}
}

// Reattach implements link.Reattacher. The link attaches to a device of its name as soon
// as it exists, so Reattach only returns why it has not.
func (k *Link) Reattach() error {
	k.watching.Lock()
	defer k.watching.Unlock()
	if k.base.Ended() {
		return link.ErrClosed
	}
	if k.device.Load().index != 0 {
		return link.ErrAttached
	}
	d, err := find(k.config.Name)
	if err == nil {
		err = explain(k.become(d))
	}
	if err != nil {
		return fieldError("name", err)
	}
	return nil
}

// lookAgain reads the present state after changes were missed. A device that is gone
// counts as deleted, even if it was moved.
func (k *Link) lookAgain() {
	k.watching.Lock()
	defer k.watching.Unlock()
	if d := k.device.Load(); d.index != 0 {
		c := change{index: d.index}
		if l, err := netlink.LinkByIndex(d.index); err == nil {
			c.flags, c.mtu = l.Attrs().RawFlags, l.Attrs().MTU
			c.mac = macOf(l.Attrs())
			c.changes, _ = carrier.Changes(d.index)
		} else {
			c.gone = true
		}
		_ = k.become(d.after(c, k.config.Name))
	}
	if k.device.Load().index == 0 {
		if d, err := find(k.config.Name); err == nil {
			_ = k.become(d)
		}
	}
}

// become sets the state of the device to next, attaches to it if it is another one, and
// reports a change of state. The senders see it when they send next. If the device
// cannot be received from, become returns an error and changes nothing. It is called
// with watching locked.
func (k *Link) become(next device) error {
	last := k.device.Load()
	if next == *last {
		return nil
	}
	if next.index != 0 && next.index != last.index {
		if err := k.receiver.receiveFrom(next.index); err != nil {
			return err
		}
	}
	k.base.Grow(next.mtu + maxOverhead) // before the MTU is shown, so that a frame that comes next fits
	k.device.Store(&next)
	if next.flappedSince(*last) {
		k.base.Report(link.State{Reason: link.ReasonDown})
		k.base.Report(next.state)
	} else if next.state != last.state {
		k.base.Report(next.state)
	}
	return nil
}

// flappedSince reports whether a device that is up, and was, was down in between.
func (d device) flappedSince(last device) bool {
	return d.state.Up && last.state.Up && d.index == last.index && carrier.Flapped(last.changes, d.changes)
}
