package document

import "fmt"

// Fault is one thing that is wrong with a document.
type Fault struct {
	Path   string // as config.traffic[0].packet.protocols[1].ipv4.destination
	Detail string // names the value and the rule
}

// String returns the path and the detail.
func (f Fault) String() string {
	if f.Path == "" {
		return f.Detail
	}
	return f.Path + ": " + f.Detail
}

// Warnings are about members of a document that were ignored.
type Warnings struct {
	Count int
	First []Fault // the first of them
}

// Class is the reason why a document is refused.
type Class uint8

// Classes.
const (
	Shape   Class = iota // wrong syntax or type, a missing or an unknown member
	Name                 // an id that no resource can have
	Meaning              // a value that its rule does not allow
	Size                 // a list longer than a document may hold
	numClasses
)

// Error holds the faults of a document. Class is that of the first one.
type Error struct {
	Class  Class
	Faults []Fault
}

// Error returns the first fault.
func (e *Error) Error() string { return e.Faults[0].String() }

// faults are the faults found by now, by class. Faults of shape are listed before
// bad ids, and those before faults of meaning: OpenPerf's clients expect the status
// codes 400, 404 and 400 in that order.
type faults [numClasses][]Fault

// listed reports whether another fault of a class is listed: a million faults would
// take many times the memory of the document.
func (f *faults) listed(c Class) bool { return len(f[c]) < MaxFaults }

func (f *faults) add(c Class, path, format string, args []any) {
	f[c] = append(f[c], Fault{path, fmt.Sprintf(format, args...)})
}

// err returns the faults as an error, nil if there are none.
func (f *faults) err() *Error {
	if len(f[Size]) > 0 {
		return &Error{Size, f[Size]}
	}
	for c := range Size {
		if len(f[c]) == 0 {
			continue
		}
		var all []Fault
		for _, list := range f[c:Size] {
			all = append(all, list...)
		}
		return &Error{c, all[:min(len(all), MaxFaults)]}
	}
	return nil
}
