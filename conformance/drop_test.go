package conformance

import (
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
)

// dropSome makes a device drop a random percentage of the frames that it receives, by an
// XDP program of seven instructions.
func dropSome(t *testing.T, n *netlab.Namespace, device string, percent int) {
	t.Helper()
	const (
		opCall, opModK, opJumpNotLessK, opMoveK, opExit = 0x85, 0x94, 0x35, 0xb7, 0x95
		getPRandom, xdpDrop, xdpPass                    = 7, 1, 2
		skbMode                                         = 2
	)
	program := []netlab.Instruction{
		{Code: opCall, Value: getPRandom},
		{Code: opModK, Value: 100},
		{Code: opJumpNotLessK, Offset: 2, Value: int32(percent)},
		{Code: opMoveK, Value: xdpDrop},
		{Code: opExit},
		{Code: opMoveK, Value: xdpPass},
		{Code: opExit},
	}
	fd, err := netlab.LoadProgram(netlab.ProgramXDP, program)
	if err != nil {
		t.Skipf("needs to load an XDP program: %v", err)
	}
	defer unix.Close(fd) // the device keeps the program
	err = n.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		return netlink.LinkSetXdpFdWithFlags(l, fd, skbMode)
	})
	if err != nil {
		t.Fatalf("attaching an XDP program: %v", err)
	}
}
