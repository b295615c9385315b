package conformance

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"glean/internal/netlab"
)

// kernelResolver lets the kernel resolve addresses on a device, and reads the kernel's
// notifications of resolved addresses. It requests an address in one of two ways: by
// RTM_NEWNEIGH with NTF_USE, the cheapest for the kernel, or by a UDP packet to the
// address, as programs do.
type kernelResolver struct {
	t        *testing.T
	index    int32
	requests int // netlink socket
	notices  int // netlink socket of RTNLGRP_NEIGH
	packets  int // UDP socket of IPv4
}

// discard is the destination port of the packets.
const discard = 9

func newKernelResolver(t *testing.T, n *netlab.Namespace, device string) *kernelResolver {
	k := &kernelResolver{t: t}
	err := n.Do(func() error {
		index, err := interfaceIndex(device)
		if err != nil {
			return err
		}
		k.index = int32(index)
		if k.requests, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE); err != nil {
			return err
		}
		if k.notices, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE); err != nil {
			return err
		}
		if k.packets, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(k.packets, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 512<<20),
			unix.SetsockoptInt(k.requests, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 1<<20),
			unix.SetsockoptInt(k.notices, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 512<<20),
			unix.SetsockoptTimeval(k.notices, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}),
			unix.Bind(k.requests, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
			unix.Bind(k.notices, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_NEIGH - 1)}))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(k.requests); unix.Close(k.notices); unix.Close(k.packets) })
	return k
}

// perMessage is the number of neighbors that one system call requests.
const perMessage = 64

// requester is k.use or k.send.
type requester func(count int, address func(int) netip.Addr) error

// resolve requests count addresses and waits until all are REACHABLE. index is the
// inverse of address, negative for other addresses. resolve requests an address again
// when it FAILED, and returns how often that happened.
func (k *kernelResolver) resolve(request requester, count int, address func(int) netip.Addr, index func(netip.Addr) int) (missed int) {
	resolved, left := make([]bool, count), count
	requested := make(chan error, 1)
	go func() { requested <- request(count, address) }()
	buffer := make([]byte, 1<<16)
	for left > 0 {
		n, err := unix.Read(k.notices, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			k.t.Fatalf("%d of %d addresses are not resolved: %v", left, count, err)
		}
		k.each(buffer[:n], func(a netip.Addr, state uint16) {
			i := index(a)
			switch {
			case i < 0 || i >= count || resolved[i]:
			case state == unix.NUD_REACHABLE:
				resolved[i] = true
				left--
			case state == unix.NUD_FAILED:
				missed++
				if err := request(1, func(int) netip.Addr { return a }); err != nil {
					k.t.Error(err)
				}
			}
		})
	}
	if err := <-requested; err != nil {
		k.t.Fatal(err)
	}
	return missed
}

// drain discards the notifications of earlier rounds.
func (k *kernelResolver) drain() {
	buffer := make([]byte, 1<<16)
	for {
		if _, _, err := unix.Recvfrom(k.notices, buffer, unix.MSG_DONTWAIT); err != nil {
			return
		}
	}
}

// use requests addresses by netlink.
func (k *kernelResolver) use(count int, address func(int) netip.Addr) error {
	var message []byte
	for i := range count {
		message = k.appendUse(message, address(i))
		if (i+1)%perMessage == 0 || i == count-1 {
			if _, err := unix.Write(k.requests, message); err != nil {
				return err
			}
			message = message[:0]
		}
	}
	return nil
}

// send sends a packet to each address.
func (k *kernelResolver) send(count int, address func(int) netip.Addr) error {
	for i := range count {
		err := unix.Sendto(k.packets, []byte{0}, 0, &unix.SockaddrInet4{Port: discard, Addr: address(i).As4()})
		if err != nil && err != unix.EHOSTUNREACH { // the error is about an earlier packet
			return err
		}
	}
	return nil
}

// appendUse adds RTM_NEWNEIGH: struct nlmsghdr, struct ndmsg, NDA_DST.
func (k *kernelResolver) appendUse(b []byte, a netip.Addr) []byte {
	family, ip := byte(unix.AF_INET6), a.AsSlice()
	if a.Is4() {
		family = unix.AF_INET
	}
	native := binary.NativeEndian
	b = native.AppendUint32(b, uint32(unix.SizeofNlMsghdr+unix.SizeofNdMsg+4+len(ip)))
	b = native.AppendUint16(b, unix.RTM_NEWNEIGH)
	b = native.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	b = append(b, make([]byte, 8)...) // sequence number and sender
	b = append(b, family, 0, 0, 0)
	b = native.AppendUint32(b, uint32(k.index))
	b = native.AppendUint16(b, unix.NUD_NONE)
	b = append(b, unix.NTF_USE, 0)
	b = native.AppendUint16(b, uint16(4+len(ip)))
	b = native.AppendUint16(b, unix.NDA_DST)
	return append(b, ip...)
}

// each calls f with the address and state of each notification.
func (k *kernelResolver) each(b []byte, f func(a netip.Addr, state uint16)) {
	native := binary.NativeEndian
	for len(b) >= unix.SizeofNlMsghdr+unix.SizeofNdMsg {
		size := int(native.Uint32(b))
		kind, message := native.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size]
		b = b[min(len(b), (size+3)&^3):]
		if kind != unix.RTM_NEWNEIGH || int32(native.Uint32(message[4:])) != k.index {
			continue
		}
		state := native.Uint16(message[8:])
		for rest := message[unix.SizeofNdMsg:]; len(rest) >= 4; {
			length := int(native.Uint16(rest))
			if native.Uint16(rest[2:]) == unix.NDA_DST {
				if a, ok := netip.AddrFromSlice(rest[4:length]); ok {
					f(a, state)
				}
			}
			rest = rest[min(len(rest), (length+3)&^3):]
		}
	}
}
