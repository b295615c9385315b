package filter

import (
	"net/netip"
	"strconv"
	"strings"

	"glean/stack/header"
)

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // tcp, icmp6-echo
	tokenName             // \tcp: never a keyword
	tokenNumber           // 80, 0x50, 0120
	tokenDotted           // 10.1.2.3, and 10.1 for a net
	tokenIPv6
	tokenMAC
	tokenSign // operators, brackets
)

type token struct {
	kind   tokenKind
	column int
	text   string
	value  uint32 // of a number or, left-aligned, of dotted octets
	octets int    // of dotted ones
	addr   netip.Addr
	mac    header.MAC
}

// String names the token in errors.
func (t token) String() string {
	if t.kind == tokenEnd {
		return "the end"
	}
	text := t.text
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return strconv.Quote(text)
}

// signs are tried in this order, so that the longer ones come first.
var signs = []string{
	"&&", "||", "<<", ">>", "<=", ">=", "==", "!=", "!", "=", "<", ">", "(", ")", "[", "]", ":", "+", "-", "*", "/",
	"%", "&", "|", "^",
}

// sameSign are the signs that mean the same as another sign or word.
var sameSign = map[string]string{"==": "=", "&&": "and", "||": "or", "!": "not"}

// tokens takes a text apart.
func tokens(text string) ([]token, *Error) {
	var found []token
	at := 0
	for {
		for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
		}
		if at == len(text) {
			return append(found, token{kind: tokenEnd, column: at + 1}), nil
		}
		t, err := next(text[at:], at+1)
		if err != nil {
			return nil, err
		}
		found = append(found, t)
		at += len(t.text)
	}
}

// next reads the token that a text begins with.
func next(text string, column int) (token, *Error) {
	if t, ok := macToken(text, column); ok {
		return t, nil
	}
	if run := prefixOf(text, isAddressOctet); strings.Count(run, ":") >= 2 {
		a, err := netip.ParseAddr(run)
		if err != nil {
			return token{}, fail(column, "%q is neither a MAC nor an IPv6 address", run)
		}
		return token{kind: tokenIPv6, column: column, text: run, addr: a}, nil
	}
	switch c := text[0]; {
	case isDigit(c):
		return numberToken(text, column)
	case isLetter(c):
		return token{kind: tokenWord, column: column, text: wordOf(text)}, nil
	case c == '\\' && len(text) > 1 && isLetter(text[1]):
		return token{kind: tokenName, column: column, text: text[:1+len(wordOf(text[1:]))]}, nil
	}
	for _, s := range signs {
		if strings.HasPrefix(text, s) {
			return token{kind: tokenSign, column: column, text: s}, nil
		}
	}
	return token{}, fail(column, "%q is not a sign of the language", []rune(text)[0])
}

func isDigit(c byte) bool         { return '0' <= c && c <= '9' }
func isLetter(c byte) bool        { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isHex(c byte) bool           { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isAddressOctet(c byte) bool  { return isHex(c) || c == ':' || c == '.' }
func isAlphanumeric(c byte) bool  { return isDigit(c) || isLetter(c) }
func isDottedOctet(c byte) bool   { return isDigit(c) || c == '.' }
func isWordOctet(c byte) bool     { return isAlphanumeric(c) || c == '-' || c == '_' || c == '.' }
func isTrailingOctet(c byte) bool { return c == '-' || c == '_' }

func prefixOf(text string, is func(byte) bool) string {
	n := 0
	for n < len(text) && is(text[n]) {
		n++
	}
	return text[:n]
}

// wordOf takes a word; it may have hyphens inside, but not at its end.
func wordOf(text string) string {
	w := prefixOf(text, isWordOctet)
	for isTrailingOctet(w[len(w)-1]) {
		w = w[:len(w)-1]
	}
	return w
}

// macToken finds six groups of one or two hexadecimal digits.
func macToken(text string, column int) (token, bool) {
	at, separator := 0, byte(0)
	for n := range 6 {
		digits := len(prefixOf(text[at:min(at+2, len(text))], isHex))
		if digits == 0 {
			return token{}, false
		}
		at += digits
		if n == 5 {
			break
		}
		if at == len(text) || strings.IndexByte(":-.", text[at]) < 0 || n > 0 && text[at] != separator {
			return token{}, false
		}
		separator = text[at]
		at++
	}
	if at < len(text) && (isAlphanumeric(text[at]) || text[at] == separator) {
		return token{}, false
	}
	mac, err := header.ParseMAC(text[:at])
	return token{kind: tokenMAC, column: column, text: text[:at], mac: mac}, err == nil
}

// numberToken reads a number, or octets with dots between them.
func numberToken(text string, column int) (token, *Error) {
	run := prefixOf(text, isAlphanumeric)
	if len(run) < len(text) && text[len(run)] == '.' {
		return dottedToken(prefixOf(text, isDottedOctet), column)
	}
	v, err := strconv.ParseUint(run, 0, 32)
	if err != nil {
		return token{}, fail(column, "%q is not a number of 32 bits", run)
	}
	return token{kind: tokenNumber, column: column, text: run, value: uint32(v)}, nil
}

func dottedToken(run string, column int) (token, *Error) {
	t := token{kind: tokenDotted, column: column, text: run}
	for part := range strings.SplitSeq(run, ".") {
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || t.octets == 4 {
			return token{}, fail(column, "%q is not an IPv4 address", run)
		}
		t.value |= uint32(v) << (24 - 8*t.octets)
		t.octets++
	}
	return t, nil
}
