package main

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// wrapper breaks lines that are wider than a terminal, so that the terminal does
// not break them in the middle of a word: a row of a table between two columns,
// which are two blanks or more apart, unless most of the row would go to the next
// line, and other text between words.
type wrapper struct {
	out   *output
	width int // in columns; 0: nothing is broken
	line  []byte
}

func newWrapper(out *output) *wrapper { return &wrapper{out: out, width: columns(out)} }

// columns is the width of a terminal, 0 if out is none.
func columns(out *output) int {
	width, _, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Write implements io.Writer. What follows the last newline waits for the next.
func (f *wrapper) Write(text []byte) (int, error) {
	f.line = append(f.line, text...)
	for {
		line, rest, whole := bytes.Cut(f.line, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		if _, err := f.out.WriteString(wrap(string(line), f.width)); err != nil {
			return 0, err
		}
		f.line = rest
	}
}

// wrap gives a line broken into lines of at most width columns, each with its
// newline. What comes after a break is indented further.
func wrap(line string, width int) string {
	const further = "    "
	var wrapped strings.Builder
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	for width > 0 && utf8.RuneCountInString(line) > width {
		at := breakAt(line, len(indent), width)
		if at == 0 {
			break
		}
		wrapped.WriteString(strings.TrimRight(line[:at], " ") + "\n")
		if !strings.HasSuffix(indent, further) {
			indent += further
		}
		line = indent + line[at:]
	}
	return wrapped.String() + line + "\n"
}

// breakAt is where the text begins that goes to the next line, 0 if the line can't
// be broken. A column goes there if it begins beyond the last column of the
// terminal, even if the one before is short: so all rows are broken alike.
func breakAt(line string, from, width int) (at int) {
	column := false // at is the beginning of a column
	seen, end := utf8.RuneCountInString(line[:from]), 0
	for k := from; k+1 < len(line); k++ {
		if utf8.RuneStart(line[k]) {
			seen++
		}
		if line[k] != ' ' {
			end = seen
			continue
		}
		if line[k+1] == ' ' || end == 0 {
			continue
		}
		wide := line[k-1] == ' ' && 3*seen > width
		switch {
		case end > width:
			return at
		case wide && seen < width, !wide && !column:
			at, column = k+1, wide
		}
	}
	return at
}
