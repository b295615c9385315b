package conformance

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
)

// dropSome has a device drop percent of the frames that it receives, drawn by
// the kernel: an XDP program of seven instructions.
func dropSome(t *testing.T, n *netlab.Namespace, device string, percent int) {
	t.Helper()
	const (
		opCall, opModK, opJumpNotLessK, opMoveK, opExit = 0x85, 0x94, 0x35, 0xb7, 0x95
		getPRandom, xdpDrop, xdpPass                    = 7, 1, 2
		progTypeXDP, cmdProgLoad, skbMode               = 6, 5, 2
	)
	type instruction struct {
		code, registers byte
		offset          int16
		value           int32
	}
	program := []instruction{
		{code: opCall, value: getPRandom},
		{code: opModK, value: 100},
		{code: opJumpNotLessK, offset: 2, value: int32(percent)},
		{code: opMoveK, value: xdpDrop},
		{code: opExit},
		{code: opMoveK, value: xdpPass},
		{code: opExit},
	}
	license := []byte("GPL\x00")
	attributes := struct {
		kind, count      uint32
		program, license uint64
		rest             [64]byte
	}{
		kind: progTypeXDP, count: uint32(len(program)),
		program: uint64(uintptr(unsafe.Pointer(&program[0]))), license: uint64(uintptr(unsafe.Pointer(&license[0]))),
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, cmdProgLoad, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes))
	runtime.KeepAlive(program)
	runtime.KeepAlive(license)
	if errno != 0 {
		t.Skipf("needs to load an XDP program: %v", errno)
	}
	defer unix.Close(int(fd)) // the device keeps the program
	err := n.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		return netlink.LinkSetXdpFdWithFlags(l, int(fd), skbMode)
	})
	if err != nil {
		t.Fatalf("attaching an XDP program: %v", err)
	}
}
