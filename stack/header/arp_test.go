package header

import (
	"testing"

	"pgregory.net/rapid"
)

// TestUntaggedARPReplyIsWhatParsersFind checks that it is a reply if and only if the
// parsers say so and find no tag.
func TestUntaggedARPReplyIsWhatParsersFind(t *testing.T) {
	replies := 0
	rapid.Check(t, func(t *rapid.T) {
		frame := make([]byte, 60)
		n := EthernetRepr{Dst: MAC{2, 1}, Src: MAC{2, 2}, Type: EtherTypeARP}.Emit(frame)
		n += ARPRepr{Op: rapid.SampledFrom([]ARPOp{ARPReply, ARPReply, ARPRequest}).Draw(t, "op")}.Emit(frame[n:])
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			frame[rapid.IntRange(0, n-1).Draw(t, "octet")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			frame = frame[:rapid.IntRange(0, n).Draw(t, "length")]
		}
		eth, payload, err := ParseEthernet(frame)
		want := err == nil && eth.NumTags == 0 && eth.Type == EtherTypeARP
		if want {
			r, err := ParseARP(payload)
			want = err == nil && r.Op == ARPReply
		}
		got := UntaggedARPReply(frame)
		if (got != nil) != want {
			t.Fatalf("a reply: %v, the parsers say %v: %x", got != nil, want, frame)
		}
		if want {
			replies++
		}
	})
	if replies == 0 {
		t.Error("no reply was drawn")
	}
}
