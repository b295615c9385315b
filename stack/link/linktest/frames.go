package linktest

import (
	"encoding/binary"

	"glean/stack/header"
	"glean/stack/link"
)

// mark begins the source address of the suite's frames; the number follows.
var mark = [3]byte{0x02, 0x67, 0x6c}

// overhead is what a frame may have besides a payload of MTU octets.
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

// number gives the number of a frame of the suite.
func number(f []byte) (n uint32, ours bool) {
	if len(f) < header.EthernetSize || [3]byte(f[6:9]) != mark {
		return 0, false
	}
	return binary.BigEndian.Uint32(f[8:12]) & 0xffffff, true
}

// recorder is a link's handler. It keeps copies of the suite's frames and then
// overwrites what it was given, as a handler may.
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
