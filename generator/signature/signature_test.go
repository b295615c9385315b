package signature

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestPRBS: the sequence obeys its polynomial, and runs through its whole
// period.
func TestPRBS(t *testing.T) {
	b := PRBS(1 << 20)
	bit := func(i int) byte { return b[i/8]>>(7-i%8)&1 ^ 1 }
	for i := 23; i < len(b)*8; i++ {
		if bit(i) != bit(i-23)^bit(i-18) {
			t.Fatalf("bit %d", i)
		}
	}
}

// TestCheck: no single bit of a signature can change without notice.
func TestCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		missed := 0
		for i := range 64 {
			if Check(a^1<<i, b) == Check(a, b) {
				missed++
			}
			if Check(a, b^1<<i) == Check(a, b) {
				missed++
			}
		}
		if missed > 1 { // one in 65,536 would be chance
			t.Fatalf("%d single-bit changes are not seen", missed)
		}
	})
	if _, ok := Read(make([]byte, 60)); ok {
		t.Error("zeros are a signature")
	}
	if _, ok := Read(bytes.Repeat([]byte{0xff}, 60)); ok {
		t.Error("ones are a signature")
	}
}

// FuzzSignature: reading a signature never panics, and what is read was written.
func FuzzSignature(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 60))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if s, ok := Read(frame); ok && s.Time >= 1<<62 {
			t.Fatalf("%+v", s)
		}
	})
}
