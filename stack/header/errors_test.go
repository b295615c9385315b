package header_test

import (
	"slices"
	"testing"

	"glean/stack/header"
)

// rule is one way to break a header. The name begins with the id of the
// checklist where there is one.
type rule struct {
	name  string
	want  header.Error // 0: the bytes are good
	parse func() error
}

// rules are those of every format; TestRules runs them and checks that
// together they produce every Error.
func rules() []rule {
	return slices.Concat(ethernetRules(), arpRules(), ipv4Rules(), ipv6Rules(),
		icmpRules(), solicitationRules(), advertisementRules(), udpRules(), tcpRules(), mplsRules())
}

func TestRules(t *testing.T) {
	seen := map[header.Error]bool{}
	for _, r := range rules() {
		seen[r.want] = true
		t.Run(r.name, func(t *testing.T) {
			switch err := r.parse(); {
			case r.want == 0 && err != nil:
				t.Errorf("error %v (%s), want none", err, err.(header.Error).Label())
			case r.want != 0 && err != r.want:
				t.Errorf("error %v, want %s", err, r.want.Label())
			}
		})
	}
	for e := header.Error(1); e < header.NumErrors; e++ {
		if !seen[e] {
			t.Errorf("no rule produces %s", e.Label())
		}
	}
}

func TestErrorWords(t *testing.T) {
	labels, texts := map[string]bool{}, map[string]bool{}
	for e := header.Error(0); e < header.NumErrors; e++ {
		if e.Label() == "" || labels[e.Label()] {
			t.Errorf("label %q of error %d is empty or not its own", e.Label(), e)
		}
		if e.Error() == "" || texts[e.Error()] {
			t.Errorf("text %q of error %d is empty or not its own", e.Error(), e)
		}
		labels[e.Label()], texts[e.Error()] = true, true
	}
	if beyond := header.Error(255); beyond.Label() != "unknown" || beyond.Error() == "" {
		t.Errorf("error 255 is %q, %q", beyond.Label(), beyond.Error())
	}
}

// change returns a copy of b with b[at] set to v.
func change(b []byte, at int, v byte) []byte {
	c := slices.Clone(b)
	c[at] = v
	return c
}
