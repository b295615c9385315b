package sim

import (
	"encoding/binary"
	"math/bits"
)

// The hash behind fingerprints and stream names. It must give the same number
// on every machine and in every version of Go, which neither hash/maphash nor
// the runtime promises, and it runs once per delivered frame, which rules out
// anything that goes octet by octet. So: 16 octets per 64x64->128 bit multiply.
const (
	hashKey0 = 0x9e3779b97f4a7c15 // 2^64 / golden ratio
	hashKey1 = 0x6a09e667f3bcc909 // fraction of sqrt(2)
	hashKey2 = 0xbb67ae8584caa73b // fraction of sqrt(3)
)

// mix folds the 128-bit product of a and b.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// combine adds one word to a running hash.
func combine(h, word uint64) uint64 { return mix(h^hashKey0, word^hashKey1) + hashKey2 }

// hashOctets hashes b. Its length is part of the hash.
func hashOctets(start uint64, b []byte) uint64 {
	h := combine(start, uint64(len(b)))
	for len(b) >= 16 {
		h = mix(binary.LittleEndian.Uint64(b)^hashKey1, binary.LittleEndian.Uint64(b[8:])^h)
		b = b[16:]
	}
	if len(b) >= 8 {
		h = mix(binary.LittleEndian.Uint64(b)^hashKey1, h^hashKey2)
		b = b[8:]
	}
	if len(b) > 0 {
		var rest uint64
		for i, o := range b {
			rest |= uint64(o) << (8 * i)
		}
		h = mix(rest^hashKey2, h^hashKey1)
	}
	return combine(h, hashKey2)
}
