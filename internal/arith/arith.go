// Package arith holds arithmetic on 64-bit numbers that the standard library
// lacks: products and multiples that report overflow, and a mixing function.
package arith

import "math/bits"

// Product multiplies two numbers; ok is false if the product exceeds 64 bits.
func Product(a, b uint64) (p uint64, ok bool) {
	hi, lo := bits.Mul64(a, b)
	return lo, hi == 0
}

// LCM returns the least common multiple; ok is false if it exceeds 64 bits.
func LCM(a, b uint64) (m uint64, ok bool) {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return Product(a/x, b)
}

// Mix turns a counter into 64 bits that look random (the finalizer of Steele,
// Lea and Flood's SplitMix64).
func Mix(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
