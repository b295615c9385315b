package netlab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Tag is the VLAN tag of frames that the kernel sends. Received frames may have any
// priority.
type Tag struct {
	ID       int
	Priority int
	Provider bool // IEEE 802.1ad, as the outer of two tags
}

// VLAN makes a device in namespace other that is in a VLAN of trunk, a device of n.
// Frames that the kernel sends on the device leave trunk with the tag. Frames that
// arrive at trunk with the tag arrive at the device without it.
//
// The device is a VLAN device (8021q) if the kernel has them. Otherwise it is the end of
// a veth; between its other end and trunk two BPF programs add and remove the tag with
// the kernel's helpers. The test is skipped if the kernel can do neither.
func (n *Namespace) VLAN(trunk string, tag Tag, other *Namespace, device string) {
	n.t.Helper()
	protocol := "802.1Q"
	if tag.Provider {
		protocol = "802.1ad"
	}
	words := fmt.Sprintf("link add link %s name %s type vlan protocol %s id %d egress-qos-map 0:%d", trunk, device, protocol, tag.ID, tag.Priority)
	if _, err := n.Try("ip", strings.Fields(words)...); err == nil {
		if other != n {
			n.give(device, other)
		}
		return
	}
	near := Name()
	n.Veth(near, other, device)
	n.Quiet(near)
	n.IP("link set " + near + " up")
	err := n.Do(func() error {
		out, err := netlink.LinkByName(trunk)
		if err != nil {
			return err
		}
		in, err := netlink.LinkByName(near)
		if err != nil {
			return err
		}
		if err := onIngress(out, tag.ID, untag(tag, in.Attrs().Index)); err != nil {
			return err
		}
		return onIngress(in, 1, addTag(tag, out.Attrs().Index))
	})
	if err != nil {
		n.t.Skipf("this kernel has no VLANs: neither VLAN devices (8021q) nor BPF programs that tag frames: %v", err)
	}
}

// Values of include/uapi/linux/bpf.h.
const (
	opLoadWord, opAnd, opJumpNot, opMove, opMoveRegister, opCall, opExit = 0x61, 0x57, 0x55, 0xb7, 0xbf, 0x85, 0x95

	helperPush, helperPop, helperRedirect = 18, 19, 23

	atVLANPresent, atVLANTCI, atVLANProtocol = 20, 24, 28 // in struct __sk_buff

	nextFilter = -1 // TC_ACT_UNSPEC
)

// protocol returns the tag's TPID in the kernel's representation.
func (tag Tag) protocol() int32 {
	if tag.Provider {
		return 0xa888
	}
	return 0x0081
}

// untag returns a program that removes the tag and sends the frame out of a device. It
// passes frames with another tag unchanged.
func untag(tag Tag, to int) []Instruction {
	return []Instruction{
		{Code: opMoveRegister, Registers: 1<<4 | 6}, // r6 = the frame
		{Code: opLoadWord, Registers: 6<<4 | 2, Offset: atVLANPresent},
		{Code: opMove, Registers: 0, Value: nextFilter},
		{Code: opJumpNot, Registers: 2, Offset: 1, Value: 0},
		{Code: opExit},
		{Code: opLoadWord, Registers: 6<<4 | 2, Offset: atVLANProtocol},
		{Code: opJumpNot, Registers: 2, Offset: 8, Value: tag.protocol()},
		{Code: opLoadWord, Registers: 6<<4 | 2, Offset: atVLANTCI},
		{Code: opAnd, Registers: 2, Value: 0xfff},
		{Code: opJumpNot, Registers: 2, Offset: 5, Value: int32(tag.ID)},
		{Code: opMoveRegister, Registers: 6<<4 | 1},
		{Code: opCall, Value: helperPop},
		{Code: opMove, Registers: 1, Value: int32(to)},
		{Code: opMove, Registers: 2, Value: 0},
		{Code: opCall, Value: helperRedirect},
		{Code: opExit},
	}
}

// addTag returns a program that adds the tag and sends the frame out of a device.
func addTag(tag Tag, to int) []Instruction {
	return []Instruction{
		{Code: opMove, Registers: 2, Value: tag.protocol()},
		{Code: opMove, Registers: 3, Value: int32(tag.Priority<<13 | tag.ID)},
		{Code: opCall, Value: helperPush},
		{Code: opMove, Registers: 1, Value: int32(to)},
		{Code: opMove, Registers: 2, Value: 0},
		{Code: opCall, Value: helperRedirect},
		{Code: opExit},
	}
}

// onIngress runs a program for the frames that a device receives, in the thread's
// namespace. Programs run in the order of their priorities. The device keeps the program.
func onIngress(device netlink.Link, priority int, program []Instruction) error {
	fd, err := LoadProgram(ProgramTC, program)
	if err != nil {
		return fmt.Errorf("loading a program: %w", err)
	}
	defer unix.Close(fd)
	index := device.Attrs().Index
	qdisc := &netlink.GenericQdisc{QdiscType: "clsact", QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}}
	if err := netlink.QdiscAdd(qdisc); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("clsact: %w", err)
	}
	err = netlink.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Protocol: unix.ETH_P_ALL, Priority: uint16(priority)},
		Fd:          fd, Name: "vlan", DirectAction: true,
	})
	if err != nil {
		return fmt.Errorf("attaching a program: %w", err)
	}
	return nil
}
