package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// listedNames bounds the names that a message lists.
const listedNames = 40

// Unknown returns the text of the fault of a member whose name is not among the known
// ones. The text names the nearest known name, if one is near, and lists them all.
func Unknown(name string, known []string) string {
	text := "unknown member " + strconv.Quote(Shorten(name))
	if near := Nearest(name, known); near != "" {
		text += "; did you mean " + strconv.Quote(near) + "?"
	} else {
		text += ";"
	}
	switch len(known) {
	case 0:
		return text + " there are no members"
	case 1:
		return text + " the only member is " + known[0]
	}
	list := known[:min(len(known), listedNames)]
	text += " members are " + strings.Join(list, ", ")
	if more := len(known) - len(list); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Nearest returns the known name that is nearest to name, "" if none is near. A name
// is near if few letters differ, or if a word of it abbreviates the known name: "dst" is
// near "destination", "ttl" is near "time_to_live".
func Nearest(name string, known []string) string {
	if len(name) > 64 {
		return ""
	}
	plain := flatten(name)
	best, least := "", min(max(1, len(plain)/3)+1, len(plain)) // another name of one letter is not near
	for _, k := range known {
		if d := distance(plain, flatten(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	most := 0
	for _, word := range words(name) {
		for _, k := range known {
			if alike := 4*len(word) + likeness(word, k); len(word) > 1 && likeness(word, k) > 0 && alike > most {
				best, most = k, alike
			}
		}
	}
	return best
}

// likeness is 3 if word is made of the initials of name, 2 if it is one of its
// words, 1 if it abbreviates it, else 0.
func likeness(word, name string) int {
	parts, initials := words(name), ""
	for _, w := range parts {
		initials += w[:1]
	}
	switch {
	case word == initials:
		return 3
	case slices.Contains(parts, word):
		return 2
	case abbreviates(word, name):
		return 1
	}
	return 0
}

// flatten makes spellings that differ in case and separators alike.
func flatten(name string) string { return strings.Join(words(name), "_") }

// words splits a name at separators and at capitals.
func words(name string) []string {
	var list []string
	word := ""
	end := func() {
		if word != "" {
			list = append(list, strings.ToLower(word))
		}
		word = ""
	}
	small := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && small:
			end()
			word = string(r)
		default:
			word += string(r)
		}
		small = unicode.IsLower(r)
	}
	end()
	return list
}

// abbreviates reports whether the letters of word occur in name in that order,
// the first one at its beginning.
func abbreviates(word, name string) bool {
	if name == "" || word[0] != name[0] {
		return false
	}
	rest := name
	for i := range len(word) {
		at := strings.IndexByte(rest, word[i])
		if at < 0 {
			return false
		}
		rest = rest[at+1:]
	}
	return true
}

// distance counts the octets to insert, delete, replace or swap with their
// neighbor that turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
