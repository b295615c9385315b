// Package signature holds the signature of test frames: the 20 octets at a
// frame's end that name its stream, its place in it and the time of sending.
//
// A signature stands before the FCS. Numbers are big-endian.
//
//	octet 0  stream id, 32 bits: see Stream
//	      4  sequence number, 32 bits: per flow, from 0, modulo 2^32
//	      8  transmit time, 62 bits: nanoseconds since the Unix epoch, modulo 2^62
//	         flags, 2 bits: 2 = the time is that of the frame's end, 1 = the payload is PRBS
//	     16  check, 16 bits: see Check
//	     18  balance, 16 bits: 0, or the value that makes a transport checksum right which the signature covers
//
// Where a frame is too short for headers, payload and signature, the signature
// covers the end of the transport header.
package signature

import "encoding/binary"

const (
	// Size is the length of a signature in octets.
	Size = 20
	// BalanceOffset is the offset of the balance in a signature.
	BalanceOffset = 18

	flagEndOfFrame = 2
	flagPRBS       = 1
)

// Signature is the content of a signature.
type Signature struct {
	Stream     uint32
	Sequence   uint32
	Time       uint64 // nanoseconds since the Unix epoch, modulo 2^62
	EndOfFrame bool   // Time is that of the last bit, not of the first
	PRBS       bool   // the payload is the beginning of PRBS
}

// Read reads the signature at the end of a frame without FCS; ok is false if
// there is none.
func Read(frame []byte) (s Signature, ok bool) {
	if len(frame) < Size {
		return s, false
	}
	b := frame[len(frame)-Size:]
	first, second := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if Check(first, second) != binary.BigEndian.Uint16(b[16:]) {
		return s, false
	}
	return Signature{
		Stream: uint32(first >> 32), Sequence: uint32(first), Time: second >> 2,
		EndOfFrame: second&flagEndOfFrame != 0, PRBS: second&flagPRBS != 0,
	}, true
}

// Put writes a signature with balance 0 to the first 20 octets of b and returns
// its check value. first is the stream id above the sequence number, second the
// time above the flags.
func Put(b []byte, first, second uint64) (check uint64) {
	check = uint64(Check(first, second))
	binary.BigEndian.PutUint64(b, first)
	binary.BigEndian.PutUint64(b[8:], second)
	binary.BigEndian.PutUint32(b[16:], uint32(check)<<16)
	return check
}

// Check returns the check value of a signature's first 16 octets, a and b being
// their halves. It tells a signature from payload; the FCS and the checksums
// protect a frame's integrity. Two multiplications carry each bit of the input
// into the top 16 bits.
func Check(a, b uint64) uint16 {
	h := (a ^ 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	h = (h ^ h>>32 ^ b) * 0xc4ceb9fe1a85ec53
	return uint16(h >> 48)
}

// Flags returns the two bits below the time.
func Flags(endOfFrame, prbs bool) (f uint64) {
	if endOfFrame {
		f |= flagEndOfFrame
	}
	if prbs {
		f |= flagPRBS
	}
	return f
}

// Stream returns the stream id of a flow: the low 16 bits of the configured id,
// and the flow's index in its definition + 1.
func Stream(configured uint32, flow uint64) uint32 {
	return configured&0xffff<<16 | uint32(flow+1)&0xffff
}

// PRBS returns the beginning of the inverted pseudo-random bit sequence of
// x^23+x^18+1 (ITU-T O.150 section 5.6), from a register of ones. Each frame's
// payload begins with it anew, so a receiver needs no other frame to check one.
func PRBS(octets int) []byte {
	b := make([]byte, octets)
	register := uint32(1<<23 - 1)
	for i := range b {
		for range 8 {
			bit := register >> 22 & 1
			b[i] = b[i]<<1 | byte(bit^1)
			register = register<<1&(1<<23-1) | (register>>22^register>>17)&1
		}
	}
	return b
}
