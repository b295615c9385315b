package link

import (
	"errors"
	"fmt"
	"strings"
)

// maxDeviceName is IFNAMSIZ less the final zero; the kernel cuts what is longer
// without a word.
const maxDeviceName = 15

// ErrDeviceName is wrapped by the errors of CheckDeviceName.
var ErrDeviceName = errors.New("not a usable device name")

// FieldError says which member of the configuration of a link over a device
// can't be had, and why.
type FieldError struct {
	Kind  string // of link, as in "tap"
	Field string // as the API names it
	Err   error
}

// Error gives the member and the reason.
func (e *FieldError) Error() string { return e.Kind + " " + e.Field + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// CheckDeviceName accepts what the Linux kernel takes as a name without
// changing it. '%' is refused since the kernel makes a number of "%d".
func CheckDeviceName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrDeviceName)
	case len(name) > maxDeviceName:
		return fmt.Errorf("%w: %q has %d characters, at most %d fit", ErrDeviceName, name, len(name), maxDeviceName)
	case name == "." || name == "..":
		return fmt.Errorf("%w: %q", ErrDeviceName, name)
	}
	bad := strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/:%", r) })
	if bad >= 0 {
		return fmt.Errorf("%w: %q has a %q", ErrDeviceName, name, []rune(name[bad:])[0])
	}
	return nil
}
