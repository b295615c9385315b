package yaml

import "bytes"

// ahead is how many lines a value may span for faultLine to see that it ends.
const ahead = 256

// faultLine returns the line, from 1, that makes a text wrong of which the
// beginning is right: the first one after which no more lines make it right.
// parses reports whether a text has no fault of syntax. Parsers of YAML name the
// line where the surrounding value begins, or one beside it.
func faultLine(text []byte, parses func([]byte) bool) int {
	var ends []int // of lines
	for i, b := range text {
		if b == '\n' {
			ends = append(ends, i+1)
		}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		ends = append(ends, len(text))
	}
	good := func(lines int) bool { return lines == 0 || parses(text[:ends[lines-1]]) }
	right, wrong := 0, len(ends)
	for right+1 < wrong {
		if middle := (right + wrong) / 2; good(middle) {
			right = middle
		} else {
			wrong = middle
		}
		if right+1 < wrong {
			continue
		}
		// The line may begin a value that later lines complete.
		for lines := wrong + 1; lines < len(ends) && lines <= wrong+ahead; lines++ {
			if good(lines) {
				right, wrong = lines, len(ends)
				break
			}
		}
	}
	return max(1, wrong)
}

// indent returns the column, from 1, of the first octet of a line that is no
// space.
func indent(text []byte, line int) int {
	for ; line > 1; line-- {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	column := 1
	for column <= len(text) && text[column-1] == ' ' {
		column++
	}
	return column
}
