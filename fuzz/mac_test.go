package fuzz

import (
	"strings"
	"testing"

	"glean/stack/header"
)

// FuzzMAC tries texts. An accepted text has six parts of one or two digits, and the text
// of the parsed MAC gives the same MAC.
func FuzzMAC(f *testing.F) {
	for _, s := range []string{"", "02:00:5e:10:00:01", "2-0-5E-10-0-1", "02.00.5e.10.00.01", "02:00-5e:10:00:01", "0200.5e10.0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := header.ParseMAC(s)
		if err != nil {
			return
		}
		parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(":-.", r) })
		if len(parts) != 6 || len(s) < 11 || len(s) > 17 {
			t.Fatalf("accepted %q", s)
		}
		if again, err := header.ParseMAC(m.String()); err != nil || again != m {
			t.Fatalf("%q is %v, again %v, %v", s, m, again, err)
		}
	})
}
