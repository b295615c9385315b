package afpacket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"glean/stack/header"
)

// A change is the state of a device in a message of netlink.
type change struct {
	gone     bool // from our namespace
	moved    bool // if gone: to another one
	index    int
	name     string
	ethernet bool
	flags    uint32
	mtu      int        // 0: not in the message
	changes  uint32     // of the carrier; 0: not in the message
	mac      header.MAC // zero: not in the message
}

// errMissed means that changes came faster than they were read.
var errMissed = errors.New("netlink messages were lost")

// events is a subscription to changes of the devices of a namespace.
type events struct {
	file   *os.File
	buffer []byte
}

// subscribe starts a subscription for the namespace of the calling thread.
func subscribe() (*events, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	e := &events{file: os.NewFile(uintptr(fd), "netlink"), buffer: make([]byte, 1<<16)}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		e.close()
		return nil, fmt.Errorf("subscribing to netlink: %w", err)
	}
	return e, nil
}

// close ends next.
func (e *events) close() { _ = e.file.Close() }

// next waits for changes. After errMissed it continues with the changes that follow; any
// other error is the end.
func (e *events) next() ([]change, error) {
	n, err := e.file.Read(e.buffer)
	if errors.Is(err, unix.ENOBUFS) {
		return nil, e.drain()
	}
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseNetlinkMessage(e.buffer[:n])
	if err != nil {
		return nil, errMissed
	}
	var all []change
	for i := range messages {
		if c, ok := parseChange(&messages[i]); ok {
			all = append(all, c)
		}
	}
	return all, nil
}

// drain discards the queued messages, because after a loss the kernel drops more of them
// silently until the queue is empty. It returns errMissed.
func (e *events) drain() error {
	raw, err := e.file.SyscallConn()
	if err != nil {
		return err
	}
	closed := raw.Control(func(fd uintptr) {
		for !errors.Is(err, unix.EAGAIN) {
			_, err = unix.Read(int(fd), e.buffer)
		}
	})
	if closed != nil {
		return closed
	}
	return errMissed
}

// parseChange reads RTM_NEWLINK and RTM_DELLINK (rtnetlink(7)). It ignores messages of
// an address family, which describe the role of a device, as in a bridge.
func parseChange(m *syscall.NetlinkMessage) (c change, ok bool) {
	if m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK || len(m.Data) < unix.SizeofIfInfomsg {
		return change{}, false
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil || m.Data[0] != unix.AF_UNSPEC {
		return change{}, false
	}
	native := binary.NativeEndian
	c = change{
		gone:     m.Header.Type == unix.RTM_DELLINK,
		ethernet: native.Uint16(m.Data[2:]) == unix.ARPHRD_ETHER,
		index:    int(int32(native.Uint32(m.Data[4:]))),
		flags:    native.Uint32(m.Data[8:]),
	}
	for _, a := range attributes {
		switch a.Attr.Type {
		case unix.IFLA_IFNAME:
			c.name = unix.ByteSliceToString(a.Value)
		case unix.IFLA_MTU:
			if len(a.Value) >= 4 {
				c.mtu = int(native.Uint32(a.Value))
			}
		case unix.IFLA_ADDRESS:
			copy(c.mac[:], a.Value)
		case unix.IFLA_CARRIER_CHANGES:
			if len(a.Value) >= 4 {
				c.changes = native.Uint32(a.Value)
			}
		case unix.IFLA_NEW_NETNSID, unix.IFLA_NEW_IFINDEX:
			c.moved = true
		}
	}
	return c, true
}
