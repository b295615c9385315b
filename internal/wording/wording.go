// Package wording holds error texts against the rules that all of them keep: they
// state a fault once, in the words of the user and not in those of the program.
// Tests use it.
package wording

import (
	"fmt"
	"regexp"
	"strings"
)

// programWords are what Go's packages and verbs leave in a text: names of types and
// functions, messages of parsers that name no member, values printed as Go sees
// them.
var programWords = regexp.MustCompile(
	`\*?\b(?:json|strconv|netip|net|fmt|errors|os|http|url|time|yaml|base64|syscall|main|engine|generator|learning|document|node|stack|header|link|tap|afpacket|server|client|sim|scenario)\.(?:\(?\*?[A-Z]\w*)` +
		`|\bParse(?:Addr|Prefix|Int|Uint|Float|Bool|Duration|MAC)\b` +
		`|Go (?:value|struct)|unmarshal|looking for beginning|unexpected end of JSON` +
		`|(?:missing port|too many colons) in address|unable to parse IP|invalid syntax|value out of range` +
		`|%!|<nil>|\bnil\b|\b0xc0[0-9a-f]{8}\b|\bmap\[|\[\]string|&\{|\binterface ?\{\}|\buint\d+\b|\bint64\b|\bfloat64\b` +
		`|\bparse error\b|invalid value "[^"]*" for flag`)

// Faults returns what is wrong with an error text, nothing if it is well worded.
func Faults(text string) (faults []string) {
	if word := programWords.FindString(text); word != "" {
		faults = append(faults, fmt.Sprintf("%q is a word of the program", word))
	}
	if twice := repeated(text); twice != "" {
		faults = append(faults, fmt.Sprintf("%q is said twice", twice))
	}
	return faults
}

// repeated returns a part between colons that stands again at the beginning or end
// of a later one.
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
