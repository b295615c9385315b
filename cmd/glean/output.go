package main

import (
	"fmt"
	"io"
	"os"
)

// stdout is where commands print. It remembers a failed write, so that a command whose
// output was lost does not exit with 0.
var stdout = &output{File: os.Stdout}

type output struct {
	*os.File
	err error // of the first write that failed
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	o.failed(err)
	return n, err
}

// WriteString implements io.StringWriter.
func (o *output) WriteString(s string) (int, error) {
	n, err := o.File.WriteString(s)
	o.failed(err)
	return n, err
}

func (o *output) failed(err error) {
	if o.err == nil {
		o.err = err
	}
}

// exit returns the exit code of a command: 1 if the command succeeded but its output
// was lost.
func (o *output) exit(code int, stderr io.Writer) int {
	if code == 0 && o.err != nil {
		fmt.Fprintf(stderr, "glean: standard output: %v; the output is incomplete\n", o.err)
		return 1
	}
	return code
}
