package main

import (
	"flag"
	"fmt"
	"regexp"
	"strings"

	"glean/internal/document"
)

// Texts of package flag, whose errors have no types.
var (
	unknownFlag = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	noArgument  = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
	badSyntax   = regexp.MustCompile(`^bad flag syntax: (.*)$`)
	badValue    = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^:]*): (.*)$`)
)

// flagError words an error of package flag like the other errors: the flag, the
// mistake, and the allowed values.
func flagError(fs *flag.FlagSet, err error) string {
	text := err.Error()
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("unknown flag --%s%s", m[1], meantFlag(fs, m[1]))
	}
	if m := noArgument.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("--%s needs a value", m[1])
	}
	if m := badSyntax.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%q is not a flag; flags are --NAME or --NAME=VALUE", m[1])
	}
	m := badValue.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	value, name, why := m[1], m[2], m[3]
	if why != "parse error" && why != "value out of range" {
		return fmt.Sprintf("--%s: %s", name, why) // from one of our own flag.Values, which has named the value
	}
	return fmt.Sprintf("--%s must be %s, got %s", name, takes(fs.Lookup(name)), value)
}

// takes describes the values of a flag.
func takes(f *flag.Flag) string {
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return "true or false"
	}
	return "a whole number between 0 and 18446744073709551615"
}

// meantFlag suggests the flag whose name is nearest to an unknown one.
func meantFlag(fs *flag.FlagSet, name string) string {
	var known []string
	fs.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	near := document.Nearest(strings.TrimLeft(name, "-"), known)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean --%s?", near)
}
