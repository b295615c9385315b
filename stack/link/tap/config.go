package tap

import (
	"errors"
	"fmt"

	"glean/stack/header"
	"glean/stack/link"
)

// Defaults and limits of Config.
const (
	DefaultRoom = 4096
	MaxRoom     = 1 << 17
	MaxQueues   = 256   // MAX_TAP_QUEUES of the kernel
	MinMTU      = 68    // ETH_MIN_MTU of the kernel, RFC 791 section 3.1
	MaxMTU      = 65521 // 65,535 less the Ethernet header
)

// Reasons why a TAP can't be opened; the error of Open wraps them.
var (
	ErrRange      = errors.New("out of range")
	ErrNotTAP     = errors.New("a device of that name exists and is not a TAP")
	ErrBusy       = errors.New("the TAP is in use by another process or port")
	ErrQueues     = errors.New("the TAP exists and was made without multi_queue, so it has one queue only")
	ErrPermission = errors.New("not permitted: CAP_NET_ADMIN and access to /dev/net/tun are needed")
)

// Config is the TAP to open and its settings.
type Config struct {
	Name    string     // 1-15 characters
	Queues  int        // 0 means 1
	Persist bool       // a TAP made by Open stays after Close
	MTU     int        // octets; 0 leaves it as it is
	MAC     header.MAC // of the kernel's side; zero leaves it as it is
	// Room is how many received frames may wait for the loop, that is the
	// largest learning window; 0 means DefaultRoom. The device's own queue is
	// made twice as long.
	Room int
	// Plain is not to use io_uring.
	Plain bool
}

func fieldError(field string, err error) error {
	return &link.FieldError{Kind: "tap", Field: field, Err: err}
}

// Validate checks all rules that do not depend on the device. Its error is a
// *link.FieldError.
func (c Config) Validate() error {
	if err := link.CheckDeviceName(c.Name); err != nil {
		return fieldError("name", err)
	}
	if c.Queues < 0 || c.Queues > MaxQueues {
		return fieldError("queues", fmt.Errorf("%w: %d, want 1 to %d", ErrRange, c.Queues, MaxQueues))
	}
	if c.MTU != 0 && (c.MTU < MinMTU || c.MTU > MaxMTU) {
		return fieldError("mtu", fmt.Errorf("%w: %d, want %d to %d", ErrRange, c.MTU, MinMTU, MaxMTU))
	}
	if c.MAC.IsMulticast() {
		return fieldError("mac_address", fmt.Errorf("%w: %v is a multicast address", ErrRange, c.MAC))
	}
	if c.Room < 0 || c.Room > MaxRoom {
		return fieldError("room", fmt.Errorf("%w: %d, want 1 to %d", ErrRange, c.Room, MaxRoom))
	}
	return nil
}

// withDefaults returns the settings with zero members replaced by defaults.
func (c Config) withDefaults() Config {
	if c.Queues == 0 {
		c.Queues = 1
	}
	if c.Room == 0 {
		c.Room = DefaultRoom
	}
	return c
}
