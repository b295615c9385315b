// Package wording checks error texts, for tests: a text states a fault once, in words of
// the user and not of the program.
package wording

import (
	"fmt"
	"regexp"
	"strings"
)

// programWords matches texts of Go's packages and verbs: names of types and functions,
// messages of parsers that name no member, values in Go's own format.
var programWords = regexp.MustCompile(
	`\*?\b(?:json|strconv|netip|net|fmt|errors|os|http|url|time|yaml|base64|syscall|main|engine|generator|learning|document|node|stack|header|link|tap|afpacket|server|client|sim|scenario)\.(?:\(?\*?[A-Z]\w*)` +
		`|\bParse(?:Addr|Prefix|Int|Uint|Float|Bool|Duration|MAC)\b` +
		`|Go (?:value|struct)|unmarshal|looking for beginning|unexpected end of JSON` +
		`|(?:missing port|too many colons) in address|unable to parse IP|invalid syntax|value out of range` +
		`|%!|<nil>|\bnil\b|\b0xc0[0-9a-f]{8}\b|\bmap\[|\[\]string|&\{|\binterface ?\{\}|\buint\d+\b|\bint64\b|\bfloat64\b` +
		`|\bparse error\b|invalid value "[^"]*" for flag`)

// Faults returns the mistakes in an error text, nil if there are none.
func Faults(text string) (faults []string) {
	if word := programWords.FindString(text); word != "" {
		faults = append(faults, fmt.Sprintf("%q is a word of the program", word))
	}
	if twice := repeated(text); twice != "" {
		faults = append(faults, fmt.Sprintf("%q is there twice", twice))
	}
	return faults
}

// repeated returns a part between colons with which a later part begins or ends, too.
func repeated(text string) string {
	parts := strings.Split(text, ": ")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if len(part) < 3 {
			continue
		}
		for _, later := range parts[i+1:] {
			if later == part || strings.HasPrefix(later, part+" ") || strings.HasSuffix(later, " "+part) {
				return part
			}
		}
	}
	return ""
}
