package engine

import (
	"fmt"
	"math/rand/v2"
)

// IDRule describes a valid id.
const IDRule = `1 to 255 of a-z, 0-9 and "-"`

// ValidID reports whether id is valid by IDRule.
func ValidID(id string) bool {
	if len(id) > 255 {
		return false
	}
	for i := 0; i < len(id); i++ {
		c := id[i]
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return id != ""
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID(r *rand.Rand) string {
	hi := r.Uint64()&^uint64(0xf000) | 0x4000
	lo := r.Uint64()&^(uint64(3)<<62) | uint64(2)<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}
