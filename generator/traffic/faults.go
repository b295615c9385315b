package traffic

import (
	"fmt"
	"strings"

	"glean/internal/document"
)

// Fault is one thing that is wrong with a configuration.
type Fault = document.Fault

// Warnings are about members of a configuration that were ignored.
type Warnings = document.Warnings

// maxFaults bounds the answer to a configuration that is wrong everywhere.
const maxFaults = 256

// Faults is a list of faults. As an error it is their text.
type Faults []Fault

// Error implements error.
func (fs Faults) Error() string {
	var b strings.Builder
	for i, f := range fs {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.String())
	}
	return b.String()
}

// Add appends a fault. It drops faults beyond maxFaults; the last one in the list says
// so.
func (fs *Faults) Add(path, format string, args ...any) {
	switch {
	case len(*fs) < maxFaults:
		*fs = append(*fs, Fault{Path: path, Detail: fmt.Sprintf(format, args...)})
	case len(*fs) == maxFaults:
		*fs = append(*fs, Fault{Path: "config", Detail: fmt.Sprintf("more than %d faults; the rest is not listed", maxFaults)})
	}
}

// Full reports whether Add drops further faults.
func (fs Faults) Full() bool { return len(fs) > maxFaults }
