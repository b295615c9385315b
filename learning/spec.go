package learning

import (
	"fmt"
	"net/netip"
	"regexp"

	"glean/stack/header"
	"glean/stack/loop"
)

// Mode says what counts as learned when a request begins.
type Mode uint8

// Modes of a request.
const (
	ModeAll        Mode = iota // every address is confirmed anew
	ModeUnresolved             // the same, for the addresses that are not completed yet
	ModeCached                 // REACHABLE neighbors complete at once

	numModes
)

var modeWords = [numModes]string{"all", "unresolved", "cached"}

// String gives the word used in the API.
func (m Mode) String() string {
	if m < numModes {
		return modeWords[m]
	}
	return "unknown"
}

// ParseMode is the inverse of String.
func ParseMode(word string) (Mode, bool) {
	for m, w := range modeWords {
		if w == word {
			return Mode(m), true
		}
	}
	return 0, false
}

// Limits of a Spec.
const (
	DefaultTimeout = 30 * loop.Second
	MinTimeout     = 100 * loop.Millisecond
	MaxTimeout     = 3600 * loop.Second
	MaxAddresses   = 1 << 20
	maxWants       = 1 << 28 // destinations of all generators, duplicates counted
)

// NoAdjacency is the Adj of a destination that nobody stores a MAC for.
const NoAdjacency = ^uint32(0)

// Interface names an interface in requests, rows and calls of the Resolver.
type Interface struct {
	Handle uint32
	ID     string
	VLANs  []uint16 // shown in rows
}

// Want is a destination and the index of its next hop's adjacency in the
// generator (NoAdjacency if it has none).
type Want struct {
	Dst netip.Addr
	Adj uint32
}

// GeneratorWants is what one generator wants to know. Duplicates collapse.
type GeneratorWants struct {
	ID        string
	Handle    uint32
	Interface Interface
	Wants     []Want
}

// Spec describes a request: either Generators, or Interface and Addresses.
type Spec struct {
	ID         string // empty: Options.NewID gives one
	Mode       Mode
	Timeout    loop.Duration // 0: DefaultTimeout
	Generators []GeneratorWants
	Interface  Interface
	Addresses  []netip.Addr
}

// Observer is told what happens. It is called on the loop, after the state it
// reports was stored; it must not call methods of the Manager that change it
// (it may post them to the loop).
type Observer interface {
	// GeneratorBegins says that a request learns for a generator. It comes before
	// all else that is told of the two.
	GeneratorBegins(generator uint32, r *Request)
	// Learned gives the MAC of a generator's adjacency.
	Learned(generator, adj uint32, mac header.MAC)
	// Lost says that an adjacency was given up, after so many questions.
	Lost(generator, adj uint32, why Reason, attempts int)
	// GeneratorDone says that every address of a generator is decided;
	// completed: all have a MAC. It comes once per generator and request,
	// but not for a deleted generator.
	GeneratorDone(generator uint32, completed bool, r *Request)
	// RequestChanged says that a request was made, lost a generator or an
	// interface, or ended.
	// Progress in between is not reported: look at Progress when it is wanted.
	RequestChanged(r *Request)
}

// ErrInvalid is a fault of a Spec.
type ErrInvalid struct{ Field, Detail string }

func (e ErrInvalid) Error() string { return e.Field + ": " + e.Detail }

// ErrExists is an id that is used already.
type ErrExists struct{ ID string }

func (e ErrExists) Error() string { return fmt.Sprintf("id: request %q exists already", e.ID) }

// ErrBusy is a generator that is being learned already.
type ErrBusy struct{ GeneratorID, RequestID string }

func (e ErrBusy) Error() string {
	return fmt.Sprintf("generator_ids: generator %q is being learned by request %q",
		e.GeneratorID, e.RequestID)
}

// ErrInProgress is a result whose request has not ended.
type ErrInProgress struct{ ResultID, RequestID string }

func (e ErrInProgress) Error() string {
	return fmt.Sprintf("result %q: its request %q is in progress", e.ResultID, e.RequestID)
}

var idPattern = regexp.MustCompile(`^[a-z0-9-]+$`)

// check finds the first fault of a spec that can be seen without the manager's
// state, and fills in defaults.
func (s *Spec) check() error {
	if s.ID != "" && !idPattern.MatchString(s.ID) {
		return ErrInvalid{"id", fmt.Sprintf("%q does not match ^[a-z0-9-]+$", s.ID)}
	}
	if s.ID == "plan" {
		return ErrInvalid{"id", `"plan" is reserved`}
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Timeout < MinTimeout || s.Timeout > MaxTimeout {
		return ErrInvalid{"timeout_ms", fmt.Sprintf("must be %d to %d",
			MinTimeout/loop.Millisecond, MaxTimeout/loop.Millisecond)}
	}
	if s.Mode >= numModes {
		return ErrInvalid{"mode", "must be all, unresolved or cached"}
	}
	if len(s.Generators) > 0 {
		if len(s.Addresses) > 0 {
			return ErrInvalid{"addresses", "either generators or addresses, not both"}
		}
		return s.checkGenerators()
	}
	return s.checkAddresses()
}

func (s *Spec) checkAddresses() error {
	if s.Mode == ModeUnresolved {
		return ErrInvalid{"mode", "unresolved needs generators"}
	}
	if n := len(s.Addresses); n == 0 || n > MaxAddresses {
		return ErrInvalid{"addresses", fmt.Sprintf("%d given, must be 1 to %d", n, MaxAddresses)}
	}
	for i, a := range s.Addresses {
		if why := notUnicast(a); why != "" {
			return ErrInvalid{fmt.Sprintf("addresses[%d]", i), fmt.Sprintf("%v is %s", a, why)}
		}
	}
	return nil
}

func (s *Spec) checkGenerators() error {
	total := 0
	seen := make(map[uint32]bool, len(s.Generators))
	for i, g := range s.Generators {
		field := fmt.Sprintf("generator_ids[%d]", i)
		if seen[g.Handle] {
			return ErrInvalid{field, fmt.Sprintf("generator %q is given twice", g.ID)}
		}
		seen[g.Handle] = true
		total += len(g.Wants)
		for _, w := range g.Wants {
			if !w.Dst.IsValid() {
				return ErrInvalid{field, fmt.Sprintf("generator %q has an invalid destination", g.ID)}
			}
		}
	}
	if total > maxWants {
		return ErrInvalid{"generator_ids", fmt.Sprintf("%d destinations, at most %d", total, maxWants)}
	}
	return nil
}

// notUnicast says what an address is if it can't be learned.
func notUnicast(a netip.Addr) string {
	switch a = a.Unmap(); {
	case !a.IsValid():
		return "not an address"
	case a.IsUnspecified():
		return "the unspecified address"
	case a.IsMulticast():
		return "a multicast address"
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "the broadcast address"
	}
	return ""
}
