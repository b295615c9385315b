package main

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// wrapper breaks lines that are wider than the terminal, which would break them inside
// a word. It breaks a row of a table between two columns, which are at least two
// blanks apart, unless most of the row would move to the next line. It breaks other
// text between words.
type wrapper struct {
	out   *output
	width int // in columns; 0 breaks no line
	line  []byte
}

func newWrapper(out *output) *wrapper { return &wrapper{out: out, width: columns(out)} }

// columns returns the width of a terminal, 0 if out is no terminal.
func columns(out *output) int {
	width, _, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Write implements io.Writer. It keeps an incomplete line until its newline comes.
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

// wrap breaks a line into lines of at most width columns, each with its newline. Lines
// after the first are indented further.
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

// breakAt returns the index of the text that moves to the next line, 0 if the line
// cannot be broken. A column of a table moves if it begins beyond the width, even if
// the column before it is short, so that all rows break at the same column.
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
