package linktest

import (
	"encoding/binary"

	"glean/stack/header"
	"glean/stack/link"
)

// mark begins the source address of the suite's frames; the number follows.
var mark = [3]byte{0x02, 0x67, 0x6c}

// overhead is the longest frame minus a payload of MTU octets.
const overhead = header.EthernetSize + header.MaxTags*header.VLANSize

// frame makes frame number n (of 24 bits) with size octets. Its payload is a
// function of n and size.
func frame(n uint32, size int) []byte {
	f := make([]byte, size)
	fill(f, n)
	return f
}

func fill(f []byte, n uint32) {
	copy(f, []byte{0x02, 0, 0, 0, 0, 0x0b, mark[0], mark[1], mark[2], byte(n >> 16), byte(n >> 8), byte(n)})
	if len(f) >= header.EthernetSize {
		header.Ethernet(f).SetType(header.EtherTypeARP)
	}
	for i := header.EthernetSize; i < len(f); i++ {
		f[i] = byte(n) + byte(i)*7
	}
}

// number returns the number of a frame of the suite.
func number(f []byte) (n uint32, ours bool) {
	if len(f) < header.EthernetSize || [3]byte(f[6:9]) != mark {
		return 0, false
	}
	return binary.BigEndian.Uint32(f[8:12]) & 0xffffff, true
}

// recorder is a link's handler. It keeps copies of the suite's frames and then
// overwrites the frame, as a handler may.
type recorder struct {
	frames  [][]byte
	handled uint64 // frames of others included
	states  []link.State
	on      func() // called after each frame of the suite, if not nil
}

func (r *recorder) HandleFrame(f []byte) {
	r.handled++
	if _, ours := number(f); ours {
		r.frames = append(r.frames, append([]byte(nil), f...))
		if r.on != nil {
			r.on()
		}
	}
	clear(f)
}

func (r *recorder) HandleState(s link.State) { r.states = append(r.states, s) }

// ARPFrame returns a frame of size octets that is for the stack, though no valid ARP.
func ARPFrame(size int) []byte {
	f := make([]byte, size)
	copy(f, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06})
	return f
}

// UDPFrame returns 60 octets of traffic, to a MAC that no station has, so that a kernel
// drops the frame at once.
func UDPFrame() []byte {
	f := make([]byte, 60)
	copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17})
	return f
}

// ARPRequest returns a valid request for target, always of the host 10.77.0.1, because
// the kernel has at most some thousand neighbors.
func ARPRequest(target [4]byte) []byte {
	mac := header.MAC{2, 0, 0, 0, 0, 1}
	e := header.EthernetRepr{Dst: header.Broadcast, Src: mac, Type: header.EtherTypeARP}
	a := header.ARPRepr{Op: header.ARPRequest, SenderMAC: mac, SenderIP: [4]byte{10, 77, 0, 1}, TargetIP: target}
	f := make([]byte, e.Size()+a.Size())
	a.Emit(f[e.Emit(f):])
	return f
}

// Discard is a handler that does nothing.
type Discard struct{}

// HandleFrame implements link.Handler.
func (Discard) HandleFrame([]byte) {}

// HandleState implements link.Handler.
func (Discard) HandleState(link.State) {}
