package tap

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"glean/internal/netlab"
	"glean/stack/link"
	"glean/stack/loop"
)

// packetLink is the kernel's side of a TAP in the hands of a test: an AF_PACKET
// socket. It is a link, so that the suite can use it as the other end.
type packetLink struct {
	inbox   *link.Inbox
	file    *os.File
	raw     syscall.RawConn
	mtu     int
	handler link.Handler

	rx, rxBytes, tx, txBytes atomic.Uint64
	early                    uint64
	ended                    bool
}

// openPacket opens the device in its namespace.
func openPacket(t testing.TB, l loop.Loop, ns *netlab.Namespace, device string) *packetLink {
	t.Helper()
	p := &packetLink{}
	err := ns.Do(func() error {
		d, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		p.mtu = d.Attrs().MTU
		const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network order
		// Of no protocol until it is bound: it would hear every device.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		p.file = os.NewFile(uintptr(fd), device)
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 16<<20),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: d.Attrs().Index}))
	})
	if err != nil {
		t.Fatalf("AF_PACKET on %s: %v", device, err)
	}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		t.Fatal(err)
	}
	p.inbox = link.NewInbox(l, 8192, p.mtu+maxOverhead, func(f []byte) {
		if p.handler == nil {
			p.early++
			return
		}
		p.handler.HandleFrame(f)
	})
	ended := make(chan struct{})
	go func() { defer close(ended); p.receive() }()
	t.Cleanup(func() { p.file.Close(); <-ended })
	return p
}

func (p *packetLink) receive() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := p.file.Read(buffer)
		if errors.Is(err, unix.ENETDOWN) { // reported once, when the device goes down
			continue
		}
		if err != nil {
			return
		}
		p.rx.Add(1)
		p.rxBytes.Add(uint64(n))
		p.inbox.Put(buffer[:n])
	}
}

func (p *packetLink) Attach(h link.Handler) { p.handler = h }

func (p *packetLink) Send(frames [][]byte) (taken int, err error) {
	if p.ended {
		return 0, link.ErrClosed
	}
	for _, f := range frames {
		if len(f) < 14 || len(f) > p.mtu+maxOverhead {
			return taken, link.ErrSize
		}
		var errno error
		if err := p.raw.Control(func(fd uintptr) { _, errno = unix.Write(int(fd), f) }); err != nil {
			return taken, err
		}
		if errors.Is(errno, unix.ENOBUFS) || errors.Is(errno, unix.EAGAIN) {
			return taken, link.ErrFull
		}
		if errno != nil {
			return taken, errno
		}
		taken++
		p.tx.Add(1)
		p.txBytes.Add(uint64(len(f)))
	}
	return taken, nil
}

func (p *packetLink) State() link.State              { return link.State{Up: true} }
func (p *packetLink) MTU() int                       { return p.mtu }
func (p *packetLink) Room() int                      { return p.inbox.Room() }
func (p *packetLink) OpenQueue() (link.Queue, error) { return nil, errors.ErrUnsupported }

func (p *packetLink) Stats() link.Stats {
	return link.Stats{
		RxFrames: p.rx.Load(), RxBytes: p.rxBytes.Load(), RxDropped: p.inbox.Dropped() + p.early,
		TxFrames: p.tx.Load(), TxBytes: p.txBytes.Load(),
	}
}

func (p *packetLink) Close() error {
	p.ended = true
	p.inbox.Close()
	return p.file.Close()
}
