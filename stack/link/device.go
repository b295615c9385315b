package link

import (
	"errors"
	"fmt"
	"strings"
)

// maxDeviceName is IFNAMSIZ without the final zero; the kernel silently truncates longer
// names.
const maxDeviceName = 15

// ErrDeviceName is wrapped by the errors of CheckDeviceName.
var ErrDeviceName = errors.New("not a usable device name")

// FieldError names the invalid member of the configuration of a link over a device.
type FieldError struct {
	Kind  string // of link, as in "tap"
	Field string // as the API names it
	Err   error
}

// Error returns the member and the reason.
func (e *FieldError) Error() string { return e.Kind + " " + e.Field + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// CheckDeviceName returns an error unless the Linux kernel accepts a device name without
// changing it. '%' is refused because the kernel replaces "%d" by a number.
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
