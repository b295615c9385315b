package server

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"glean/stack/header"
)

// formats are the formats of strings that the document declares. A strict generated
// client parses a string of a format, and refuses the whole reply if that fails. It fails
// for an empty text, too.
var formats = map[string]func(string) error{
	"byte":      func(s string) error { _, err := base64.StdEncoding.DecodeString(s); return err },
	"date-time": isTimestamp,
	"ip":        func(s string) error { return isAddress(s, netip.Addr.IsValid) },
	"ip-prefix": func(s string) error { _, err := netip.ParsePrefix(s); return err },
	"ipv4":      func(s string) error { return isAddress(s, netip.Addr.Is4) },
	"ipv6":      func(s string) error { return isAddress(s, netip.Addr.Is6) },
	"mac":       func(s string) error { _, err := header.ParseMAC(s); return err },
}

// isTimestamp checks for the form that every RFC 3339 parser accepts: "T" and "Z", and at
// most nine fraction digits.
func isTimestamp(s string) error {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return err
	}
	_, fraction, _ := strings.Cut(s, ".")
	if at.Year() < 1970 || len(fraction) > len("123456789Z") || !strings.HasSuffix(s, "Z") {
		return fmt.Errorf("%q is not a UTC time of this daemon's form", s)
	}
	return nil
}

func isAddress(s string, family func(netip.Addr) bool) error {
	a, err := netip.ParseAddr(s)
	if err != nil || !family(a) || a.Zone() != "" {
		return fmt.Errorf("%q is not an address of this family", s)
	}
	return nil
}

func defineFormats() {
	for name, check := range formats {
		openapi3.DefineStringFormatValidator(name, openapi3.NewCallbackValidator(func(s string) error {
			if s == "" {
				return errors.New("empty; leave out what is unknown")
			}
			return check(s)
		}))
	}
}

// looksLike returns the formats that a text has.
func looksLike(s string) (names []string) {
	for _, name := range []string{"date-time", "ipv4", "ipv6", "mac"} {
		if formats[name](s) == nil {
			names = append(names, name)
		}
	}
	return names
}

// mayBeEmpty are strings that mean something when they are empty.
var mayBeEmpty = map[string]bool{".errors[].path": true} // the whole body

// checkStrings finds strings of an answer that are empty, and addresses and times
// that the document declares as any text.
func checkStrings(t tb, what, path string, ref *openapi3.SchemaRef, v any) {
	t.Helper()
	if ref == nil || ref.Value == nil {
		return
	}
	s := ref.Value
	if len(s.AllOf) == 1 {
		s = s.AllOf[0].Value
	}
	switch v := v.(type) {
	case string:
		if v == "" && !mayBeEmpty[path] {
			t.Errorf("%s: %s is an empty string; leave out what is unknown", what, path)
		}
		if like := looksLike(v); len(like) > 0 && s.Format == "" {
			t.Errorf("%s: %s is %q, which is a %s, but the document declares no format", what, path, v, like)
		}
	case []any:
		for _, item := range v {
			checkStrings(t, what, path+"[]", s.Items, item)
		}
	case map[string]any:
		for name, member := range v {
			below := s.Properties[name]
			if below == nil {
				below = s.AdditionalProperties.Schema
			}
			checkStrings(t, what, path+"."+name, below, member)
		}
	}
}

// TestFormatsAreKnown: the tests check every format of the document.
func TestFormatsAreKnown(t *testing.T) {
	found := make(map[string]bool)
	everySchema(func(path string, s *openapi3.Schema) {
		if !s.Type.Is("string") || s.Format == "" {
			return
		}
		found[s.Format] = true
		if formats[s.Format] == nil {
			t.Errorf("%s has the format %q, which formats does not have", path, s.Format)
		}
		if s.Default != nil && formats[s.Format](s.Default.(string)) != nil {
			t.Errorf("%s has the default %q, which is no %s", path, s.Default, s.Format)
		}
	})
	for name := range formats {
		if !found[name] {
			t.Errorf("no string of the document has the format %q", name)
		}
	}
}

// addressed are parts of names of members that hold an address or a time.
var addressed = []string{"_address", "_mac", "mac_", "_at", "gateway"}

// TestAddressesAndTimesHaveFormats: a member that is named as an address or a time
// declares which.
func TestAddressesAndTimesHaveFormats(t *testing.T) {
	n := 0
	everySchema(func(path string, s *openapi3.Schema) {
		name := path[strings.LastIndexByte(path, '.')+1:]
		if !s.Type.Is("string") || len(s.Enum) > 0 || !slices.ContainsFunc(addressed, func(part string) bool { return strings.Contains(name, part) }) {
			return
		}
		n++
		if s.Format == "" {
			t.Errorf("%s has no format", path)
		}
	})
	if n < 20 {
		t.Errorf("%d members only", n)
	}
}
