package main

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"glean/generator/signature"
	"glean/internal/netlab"
	"glean/stack/header"
)

// captured is a frame of a generator on the wire.
type captured struct {
	at     time.Time
	dst    header.MAC
	v6     bool
	signed time.Time // the time in its signature; zero without a signature
}

// capture keeps the time and the destination of every frame to an UDP port that
// a device receives.
type capture struct {
	t    *testing.T
	fd   int
	mu   sync.Mutex
	list []captured
	more chan struct{}
}

// captureBuffer is the size of the socket buffer in octets, for about 100,000 frames.
const captureBuffer = 128 << 20

func newCapture(t *testing.T, n *netlab.Namespace, device string, port uint32) *capture {
	t.Helper()
	c := &capture{t: t, fd: -1, more: make(chan struct{}, 1)}
	err := n.Do(func() (err error) {
		if c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		index, err := ifindex(device)
		if err == nil {
			err = attachFilter(c.fd, udpTo(port))
		}
		if err == nil {
			err = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBuffer)
		}
		if err == nil {
			err = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		}
		if err == nil { // so that the reader notices the end of the test
			err = unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
		}
		if err == nil {
			const ethTypeAll = 0x0300 // ETH_P_ALL in network order
			err = unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: ethTypeAll, Ifindex: index})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ended, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		c.read(stop)
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
		unix.Close(c.fd)
	})
	return c
}

func (c *capture) read(stop chan struct{}) {
	frame, control := make([]byte, 256), make([]byte, 64)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, oob, _, _, err := unix.Recvmsg(c.fd, frame, control, 0)
		if err != nil || n < header.EthernetSize || oob < 32 {
			continue
		}
		eth := header.Ethernet(frame[:n])
		seconds := binary.NativeEndian.Uint64(control[16:])
		nanoseconds := binary.NativeEndian.Uint64(control[24:])
		f := captured{at: time.Unix(int64(seconds), int64(nanoseconds)), dst: eth.Dst(), v6: eth.Type() == header.EtherTypeIPv6}
		if s, ok := signature.Read(frame[:n]); ok {
			f.signed = time.Unix(0, int64(s.Time))
		}
		c.mu.Lock()
		c.list = append(c.list, f)
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
	}
}

// frames waits until n frames are captured, for at most 30 s, and returns all of them.
func (c *capture) frames(n int) []captured {
	c.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		c.mu.Lock()
		list := c.list
		c.mu.Unlock()
		if len(list) >= n {
			return list
		}
		select {
		case <-c.more:
		case <-deadline:
			return list
		}
	}
}
