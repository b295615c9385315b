package scenario

import (
	"fmt"

	"glean/stack/loop"
)

// Violation is something that must never happen, whatever the network does.
type Violation struct {
	At   loop.Time `json:"at_ns"`
	Rule string    `json:"rule"`
	Text string    `json:"text"`
}

// String returns the violation in one line.
func (v Violation) String() string { return fmt.Sprintf("%s %s: %s", v.At, v.Rule, v.Text) }

// Rules by the names that violations carry. Package scenario checks the rules of
// safety in every run; package swarm adds those that hold in its random worlds.
const (
	RuleMAC        = "mac"        // a learned MAC belongs to the station that had the address then
	RuleConfirmed  = "confirmed"  // each learned MAC comes from an answer that arrived at that moment
	RuleIdle       = "idle"       // glean solicits only neighbors that a request or a generator wants
	RuleNextHop    = "next_hop"   // a destination is resolved by the right next hop, or has none
	RuleUnresolved = "unresolved" // no frame of a flow whose next hop has no MAC; none to a wrong MAC
	RuleFlood      = "flood"      // at most one solicitation for a neighbor in a RetransTimer
	RuleStates     = "states"     // states change only as their tables allow
	RuleConserve   = "conserve"   // no frame appears or disappears without a reason
	RuleReceived   = "received"   // no flow is received that was not sent, or more often than sent
	RuleCounters   = "counters"   // glean's counters agree with what was seen on the wire
	RuleInvariants = "invariants" // those of stacks and engine themselves
	RuleAnswers    = "answers"    // glean answers for its addresses and its ranges, and for no others
	RuleLimits     = "limits"     // rate and window of an interface are kept
	RuleHeader     = "header"     // all frames of an interface have its MAC and its tags, with their TPIDs and priorities

	RuleLiveness = "liveness" // after the network is healed, every address is decided in time and rightly
	RuleConflict = "conflict" // glean reports a station that takes one of its addresses
	RuleKept     = "kept"     // peers cannot push learned neighbors out of the cache
	RulePoliced  = "policed"  // glean solicits a policed device at the policer's rate
	RuleFollowed = "followed" // a running generator uses current MACs, at most a bounded time late
)

// maxViolations bounds the violations that are kept: the first ones are the causes.
const maxViolations = 20

// AddViolation records that a rule was broken now.
func (r *Run) AddViolation(rule, format string, args ...any) {
	if len(r.safety.violations) < maxViolations {
		v := Violation{r.world.Now(), rule, fmt.Sprintf(format, args...)}
		r.safety.violations = append(r.safety.violations, v)
		r.world.Note("VIOLATION %s", v)
	}
}
