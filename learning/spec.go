package learning

import (
	"fmt"
	"net/netip"
	"regexp"

	"glean/stack/header"
	"glean/stack/loop"
)

// Mode is what counts as learned when a request begins.
type Mode uint8

// Modes of a request.
const (
	ModeAll        Mode = iota // every address is confirmed anew
	ModeUnresolved             // the same, for the addresses that are not completed yet
	ModeCached                 // REACHABLE neighbors complete at once

	numModes
)

var modeWords = [numModes]string{"all", "unresolved", "cached"}

// String returns the word used in the API.
func (m Mode) String() string {
	if m < numModes {
		return modeWords[m]
	}
	return "unknown"
}

// Limits of a Spec.
const (
	DefaultTimeout = 30 * loop.Second
	MinTimeout     = 100 * loop.Millisecond
	MaxTimeout     = 3600 * loop.Second
	MaxAddresses   = 1 << 20
	maxWants       = 1 << 28 // destinations of all generators, duplicates counted
)

// NoAdjacency is the Adj of a destination without an adjacency.
const NoAdjacency = ^uint32(0)

// Interface names an interface in requests, destinations and calls of the Resolver.
type Interface struct {
	Handle uint32
	ID     string
	VLANs  []uint16 // shown in destinations
}

// Want is a destination and the index of its next hop's adjacency in the
// generator (NoAdjacency if it has none).
type Want struct {
	Dst netip.Addr
	Adj uint32
}

// GeneratorWants are the destinations of one generator. Duplicates count once.
type GeneratorWants struct {
	ID        string
	Handle    uint32
	Interface Interface
	Wants     []Want
}

// Spec describes a request: either Generators, or Interface and Addresses.
type Spec struct {
	ID         string // empty: Options.NewID returns one
	Mode       Mode
	Timeout    loop.Duration // 0: DefaultTimeout
	Generators []GeneratorWants
	Interface  Interface
	Addresses  []netip.Addr
}

// Observer receives what happens. It is called on the loop, after the state that it
// reports was stored. It must not call methods of the Manager that change state; it may
// post them to the loop.
type Observer interface {
	// GeneratorBegins reports that a request learns for a generator. It is called before
	// the other methods are called for the two.
	GeneratorBegins(generator uint32, r *Request)
	// Learned reports the MAC of a generator's adjacency.
	Learned(generator, adj uint32, mac header.MAC)
	// Lost reports that an adjacency has no MAC, after that many solicitations.
	Lost(generator, adj uint32, why Reason, attempts int)
	// GeneratorDone reports that every destination of a generator is decided; completed:
	// all have a MAC. It is called once per generator and request, and not for a deleted
	// generator.
	GeneratorDone(generator uint32, completed bool, r *Request)
	// RequestChanged reports that a request was made, lost a generator or an interface, or
	// ended. Progress in between is not reported; see Request.Progress.
	RequestChanged(r *Request)
}

// ErrInvalid is the error for an invalid Spec.
type ErrInvalid struct{ Field, Detail string }

func (e ErrInvalid) Error() string { return e.Field + ": " + e.Detail }

// ErrExists is the error for an id that is in use.
type ErrExists struct{ ID string }

func (e ErrExists) Error() string { return fmt.Sprintf("id: request %q exists already", e.ID) }

// ErrBusy is the error for a generator that another request learns.
type ErrBusy struct{ GeneratorID, RequestID string }

func (e ErrBusy) Error() string {
	return fmt.Sprintf("generator_ids: generator %q is being learned by request %q",
		e.GeneratorID, e.RequestID)
}

// ErrInProgress is the error for a result whose request has not ended.
type ErrInProgress struct{ ResultID, RequestID string }

func (e ErrInProgress) Error() string {
	return fmt.Sprintf("result %q: its request %q is in progress", e.ResultID, e.RequestID)
}

var idPattern = regexp.MustCompile(`^[a-z0-9-]+$`)

// check returns the first fault of a spec that shows without the manager's state, and
// fills in defaults.
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
		return ErrInvalid{"timeout_ms", fmt.Sprintf("must be between %d and %d, got %d",
			MinTimeout/loop.Millisecond, MaxTimeout/loop.Millisecond, s.Timeout/loop.Millisecond)}
	}
	if s.Mode >= numModes {
		return ErrInvalid{"mode", "must be all, unresolved or cached"}
	}
	if len(s.Generators) > 0 {
		if len(s.Addresses) > 0 {
			return ErrInvalid{"addresses", "must be empty if there are generators"}
		}
		return s.checkGenerators()
	}
	return s.checkAddresses()
}

func (s *Spec) checkAddresses() error {
	if s.Mode == ModeUnresolved {
		return ErrInvalid{"mode", "unresolved is for generators; must be all or cached"}
	}
	if n := len(s.Addresses); n == 0 || n > MaxAddresses {
		return ErrInvalid{"addresses", fmt.Sprintf("must be between 1 and %d addresses, got %d", MaxAddresses, n)}
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
			return ErrInvalid{field, fmt.Sprintf("generator %q is given more than once", g.ID)}
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
		return ErrInvalid{"generator_ids", fmt.Sprintf("must have at most %d destinations, got %d", maxWants, total)}
	}
	return nil
}

// notUnicast returns what an address is if it cannot be learned, "" if it can.
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
