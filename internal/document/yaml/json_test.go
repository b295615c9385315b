package yaml

import (
	"strings"
	"testing"
)

// TestValuesKeepTheirTypesAndDigits on the way from YAML to JSON.
func TestValuesKeepTheirTypesAndDigits(t *testing.T) {
	const text = `{a: 18446744073709551615, b: -9223372036854775808, c: 0x10, d: 1.5, e: true, f: ~, g: "7", h: 00:10:94:00:00:01, i: [], j: {}, k: 2001:db8::1, l: 2026-01-02}`
	const want = `{"a":18446744073709551615,"b":-9223372036854775808,"c":16,"d":1.5,"e":true,"f":null,"g":"7","h":"00:10:94:00:00:01","i":[],"j":{},"k":"2001:db8::1","l":"2026-01-02"}`
	n, wrong := Parse([]byte(text))
	if wrong != nil {
		t.Fatal(wrong)
	}
	left := MaxValues
	got, err := JSON(n, &left)
	if err != nil || string(got) != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
}

func TestFaultsOfJSONHaveAPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a:\n  b: [1, .inf]", `line 2: a.b[1]: must be a finite number, got .inf`},
		{"a: 18446744073709551616", `line 1: a: must fit into 64 bits, got 18446744073709551616`},
		{"a: &a {b: 1}\nc:\n  d: {<<: *a}", `line 3: c.d: merge keys (<<) are not supported`},
		{"a: &a [1]\nb: [*a, *a, *a, *a, *a, *a, *a]", `line 1: b[6]: ` + TooLarge},
	} {
		n, wrong := Parse([]byte(c.text))
		if wrong != nil {
			t.Fatal(wrong)
		}
		left := 17
		if _, err := JSON(n, &left); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestFaultsOfTextHaveAPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: b\n---\nc: d", "line 2: the file must have only one document"},
		{"a: &a [*a]", "line 1: nested deeper than 64 levels, those of aliases included"},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), "line 1: nested deeper than 64 levels, those of aliases included"},
		{"a: 1\nb: [", "line 2: did not find expected node content"},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
	if n, err := Parse([]byte("# nothing")); n != nil || err != nil {
		t.Errorf("of comments: %v, %v", n, err)
	}
	n, _ := Parse([]byte("a:\n  - {b: 1, b: 2}"))
	if err := Repeated(n); err == nil || err.Error() != `line 2: "b" is given more than once, first in line 2` {
		t.Error(err)
	}
}
