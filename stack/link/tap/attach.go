package tap

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/songgao/water"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// errGone means that no TAP of the name exists, and none may be created.
var errGone = errors.New("no such device")

// A device is one attachment to a TAP. After a deletion comes a new one.
type device struct {
	queues  []*queue
	index   int  // of the interface in our namespace; 0 while it is in another
	created bool // by us
	mtu     int  // octets
	txqlen  int  // capacity of each queue of the device, in frames

	lost    atomic.Bool // a reader has ended
	readers sync.WaitGroup
	rings   rings
}

// queue is one descriptor of the device.
type queue struct {
	file io.Closer
	raw  syscall.RawConn
}

// attach opens the queues of c's TAP and sets it up. It creates the TAP only if create
// is set. If it fails, it undoes everything.
func attach(c Config, create bool) (*device, error) {
	before, err := find(c.Name)
	if err != nil {
		return nil, fieldError("name", err)
	}
	if before == nil && !create {
		return nil, fieldError("name", errGone)
	}
	multi, persist := c.Queues > 1, c.Persist
	if before != nil {
		if isInUse(before, 0) {
			return nil, fieldError("name", ErrBusy)
		}
		multiBefore := before.Flags&netlink.TUNTAP_MULTI_QUEUE != 0
		if multi && !multiBefore {
			return nil, fieldError("queues", ErrQueues)
		}
		multi, persist = multiBefore, true
	}
	d := &device{created: before == nil}
	for range c.Queues {
		q, err := openQueue(c.Name, multi, persist)
		if err != nil {
			d.abandon()
			return nil, fieldError("name", err)
		}
		d.queues = append(d.queues, q)
	}
	err = d.setUp(c, before, create)
	if err != nil && before != nil && !d.isHere() {
		// It was moved to another namespace meanwhile, as by a script that creates
		// a TAP and moves it. Settings that were not applied yet are left to its new owner.
		d.index, d.created, d.mtu, d.txqlen = 0, false, before.MTU, before.TxQLen
		return d, nil
	}
	if err != nil {
		d.abandon()
		return nil, err
	}
	return d, nil
}

// find returns the TAP of the name, nil if no device has the name. If a device of
// another kind has it, find returns an error.
func find(name string) (*netlink.Tuntap, error) {
	l, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, ok := l.(*netlink.Tuntap)
	if !ok {
		return nil, fmt.Errorf("%w but of kind %q", ErrNotTAP, l.Type())
	}
	if t.Mode != netlink.TUNTAP_MODE_TAP {
		return nil, fmt.Errorf("%w but a TUN", ErrNotTAP)
	}
	return t, nil
}

// isInUse reports whether an existing TAP has queues besides own ones. A TAP without
// persistence ends with its last queue, so if we have none, another process has one. The
// kernel counts queues only with multi_queue (IFLA_TUN_NUM_QUEUES,
// IFLA_TUN_NUM_DISABLED_QUEUES); without it, TUNSETIFF refuses a second one.
func isInUse(t *netlink.Tuntap, own int) bool {
	return t.NonPersist && own == 0 || t.Queues+t.DisabledQueues > own
}

// setUp brings the device up with c's settings. The setting that is most likely to be
// refused comes first.
func (d *device) setUp(c Config, before *netlink.Tuntap, create bool) error {
	t, err := find(c.Name)
	if err == nil && t == nil {
		err = errGone
	}
	if err != nil {
		return fieldError("name", err)
	}
	d.index = t.Index
	d.created = before == nil || before.Index != t.Index
	if d.created && !create {
		return fieldError("name", errGone) // it went away while we attached, so water made it anew
	}
	if isInUse(t, len(d.queues)) {
		return fieldError("name", ErrBusy) // another process attached at the same time
	}
	if c.MTU != 0 && c.MTU != t.MTU {
		if err := netlink.LinkSetMTU(t, c.MTU); err != nil {
			return fieldError("mtu", fmt.Errorf("%d: %w", c.MTU, err))
		}
	}
	if !c.MAC.IsZero() {
		if err := netlink.LinkSetHardwareAddr(t, net.HardwareAddr(c.MAC[:])); err != nil {
			return fieldError("mac_address", fmt.Errorf("%v: %w", c.MAC, err))
		}
	}
	if t.TxQLen < 2*c.Room {
		if err := netlink.LinkSetTxQLen(t, 2*c.Room); err != nil {
			return fieldError("room", fmt.Errorf("txqueuelen %d: %w", 2*c.Room, err))
		}
	}
	if err := netlink.LinkSetUp(t); err != nil {
		return fieldError("name", fmt.Errorf("bringing the link up: %w", err))
	}
	if t, err = find(c.Name); err != nil || t == nil {
		return fieldError("name", errors.Join(errGone, err))
	}
	d.mtu, d.txqlen = t.MTU, t.TxQLen
	return nil
}

// abandon undoes attach. Only a TAP that attach made loses its persistence.
func (d *device) abandon() {
	for _, q := range d.queues {
		if d.created {
			_ = q.raw.Control(func(fd uintptr) { _ = unix.IoctlSetInt(int(fd), unix.TUNSETPERSIST, 0) })
		}
		_ = q.file.Close()
	}
}

// opening serialises the use of water, see openQueue.
var opening sync.Mutex

// openQueue opens one queue of a TAP through water. Water always sets the persistence
// flag, so persist must be the device's present value. It also leaves its descriptor
// open when it fails and never marks it close-on-exec; openQueue corrects both.
func openQueue(name string, multi, persist bool) (*queue, error) {
	opening.Lock()
	defer opening.Unlock()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()

	before, listErr := tunDescriptors()
	i, err := water.New(water.Config{
		DeviceType:             water.TAP,
		PlatformSpecificParams: water.PlatformSpecificParams{Name: name, Persist: persist, MultiQueue: multi},
	})
	if err != nil {
		if listErr == nil {
			closeOthers(before)
		}
		return nil, explain(err)
	}
	conn, ok := i.ReadWriteCloser.(syscall.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("water gave a %T, which has no descriptor", i.ReadWriteCloser), i.Close())
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { unix.CloseOnExec(int(fd)) })
	}
	if err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return &queue{file: i, raw: raw}, nil
}

// tunDescriptors returns this process' descriptors of /dev/net/tun.
func tunDescriptors() (map[int]bool, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	set := make(map[int]bool)
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || target != "/dev/net/tun" {
			continue // closed meanwhile, or of something else
		}
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			set[fd] = true
		}
	}
	return set, nil
}

// closeOthers closes the descriptors of /dev/net/tun that are not in keep.
func closeOthers(keep map[int]bool) {
	now, err := tunDescriptors()
	if err != nil {
		return
	}
	for fd := range now {
		if !keep[fd] {
			_ = unix.Close(fd)
		}
	}
}

// explain returns the error for an errno of TUNSETIFF.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w (%w)", ErrBusy, err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w (%w)", ErrPermission, err)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("/dev/net/tun is missing; is the kernel's tun module loaded? (%w)", err)
	}
	return err
}
