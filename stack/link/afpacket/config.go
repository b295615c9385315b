package afpacket

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
)

// Reasons why a device can't be opened; the error of Open wraps them, or
// link.ErrDeviceName.
var (
	ErrNoDevice    = errors.New("no such device")
	ErrNotEthernet = errors.New("not an Ethernet device")
	ErrRange       = errors.New("out of range")
	ErrPermission  = errors.New("not permitted: CAP_NET_RAW is needed")
)

// Config is the device to open and its settings.
type Config struct {
	Name string // 1-15 characters
	// Room is how many received frames may wait for the loop, that is the
	// largest learning window; 0 means DefaultRoom. The kernel's buffer is made
	// twice as large, as far as it permits.
	Room int
}

func fieldError(field string, err error) error {
	return &link.FieldError{Kind: "packet", Field: field, Err: err}
}

// Validate checks all rules that do not depend on the device. Its error is a
// *link.FieldError.
func (c Config) Validate() error {
	if err := link.CheckDeviceName(c.Name); err != nil {
		return fieldError("name", err)
	}
	if c.Room < 0 || c.Room > MaxRoom {
		return fieldError("room", fmt.Errorf("%w: %d, want 1 to %d", ErrRange, c.Room, MaxRoom))
	}
	return nil
}

// withDefaults returns the settings with zero members replaced by defaults.
func (c Config) withDefaults() Config {
	if c.Room == 0 {
		c.Room = DefaultRoom
	}
	return c
}

// maxOverhead is the longest frame minus its payload: the Ethernet header and two VLAN
// tags.
const maxOverhead = header.EthernetSize + header.MaxTags*header.VLANSize
