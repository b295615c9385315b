package document

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearestNames(t *testing.T) {
	udp := []string{"source", "destination", "length", "checksum"}
	ipv4 := []string{"version", "header_length", "dscp", "ecn", "total_length", "identification", "flags", "fragment_offset",
		"time_to_live", "protocol", "checksum", "source", "destination"}
	file := []string{"listen", "ports", "resources", "limits"}
	for _, c := range []struct {
		name  string
		known []string
		want  string
	}{
		{"dst_port", udp, "destination"}, {"src_port", udp, "source"}, {"dstPort", udp, "destination"}, {"Destination", udp, "destination"},
		{"ttl", ipv4, "time_to_live"}, {"timeToLive", ipv4, "time_to_live"}, {"dst", ipv4, "destination"}, {"tos", ipv4, ""},
		{"modifers", []string{"ethernet", "vlan", "modifiers"}, "modifiers"},
		{"listn", file, "listen"}, {"limit", file, "limits"}, {"port", file, "ports"}, {"color", file, ""}, {"", file, ""},
		{"7", []string{"0"}, ""}, {"ab", []string{"ac"}, "ac"}, {"rates", []string{"rate", "units"}, "rate"}, {"retries", []string{"mode", "timeout_ms"}, ""}, {"timeout", []string{"mode", "timeout_ms"}, "timeout_ms"},
		{strings.Repeat("x", 1<<20), file, ""},
	} {
		if got := Nearest(c.name, c.known); got != c.want {
			t.Errorf("%.40q: %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzNearest: the nearest name is one of the known ones, whatever the octets.
func FuzzNearest(f *testing.F) {
	f.Add("dst_port", "destination", "source")
	f.Add("x", "", "\xff")
	f.Fuzz(func(t *testing.T, name, a, b string) {
		if near := Nearest(name, []string{a, b}); near != "" && near != a && near != b {
			t.Errorf("%q is none of %q, %q", near, a, b)
		}
		if text := Unknown(name, []string{a}); !strings.Contains(text, "unknown member") {
			t.Error(text)
		}
	})
}

func TestUnknownMemberIsNamedWithTheNearestAndTheList(t *testing.T) {
	const want = `unknown member "listn"; did you mean "listen"? members are listen, ports`
	if got := Unknown("listn", []string{"listen", "ports"}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := Unknown(strings.Repeat("ä", 1<<20), make([]string, 1000)); len(got) > 1000 {
		t.Errorf("a message of %d octets", len(got))
	}
}

func TestWholeNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"10": "10", "10.0": "10", "1e1": "10", "1E+1": "10", "100e-1": "10", "0.1e2": "10", "-10.00": "-10", "0": "0", "-0.0": "0", "0e9": "0",
		"1.5e1": "15", "18446744073709551615.0": "18446744073709551615", "1e999999999999": "1e999999999999",
		"1.5": "", "1e-1": "", "0.1": "", "": "", "x": "", "1e": "", "1.": "", ".5": "", "1e+-1": "", "-": "", "0x10": "", "1e-999999999999": "",
	} {
		got, ok := Whole(text)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

// TestWholeAgreesWithArithmetic compares with math/big.
func TestWholeAgreesWithArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,6})?([eE][-+]?[0-9]{1,2})?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Skip("not a number")
		}
		got, whole := Whole(text)
		if whole != exact.IsInt() {
			t.Fatalf("%s: whole %v, want %v", text, whole, exact.IsInt())
		}
		if back, _ := new(big.Rat).SetString(got); whole && back.Cmp(exact) != 0 {
			t.Fatalf("%s: %s", text, got)
		}
	})
}
