package document

import "strings"

// Shorten returns text as a fault quotes it: at most 64 octets of it.
func Shorten(text string) string {
	if len(text) > 64 {
		return strings.ToValidUTF8(text[:64], "") + "..."
	}
	return text
}
