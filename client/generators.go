package client

import (
	"context"
	"time"
)

// Generator sends frames from a port or an interface.
type Generator struct {
	ID         string          `json:"id,omitempty"`
	TargetID   string          `json:"target_id"`
	Active     bool            `json:"active,omitempty"`
	Learning   string          `json:"learning,omitempty"` // "unsupported", "unresolved", "resolving", "resolved", "timed_out"
	LearningID string          `json:"learning_id,omitempty"`
	Config     GeneratorConfig `json:"config"`

	Warnings      []Fault `json:"warnings,omitempty"` // unknown members that were ignored, the first 100
	WarningsCount int     `json:"warnings_count,omitempty"`
}

// GeneratorConfig says what is sent, how fast and how long.
type GeneratorConfig struct {
	Duration         Duration           `json:"duration"`
	Load             Load               `json:"load"`
	Order            string             `json:"order,omitempty"` // "round-robin", "sequential"
	ProtocolCounters []string           `json:"protocol_counters,omitempty"`
	Traffic          []Traffic          `json:"traffic"`
	Learning         *GeneratorLearning `json:"learning,omitempty"`
	FlowCount        uint64             `json:"flow_count,omitempty"`
}

// Duration has one of the members.
type Duration struct {
	Continuous bool   `json:"continuous,omitempty"`
	Frames     uint64 `json:"frames,omitempty"`
	Time       *Time  `json:"time,omitempty"`
}

// Time is a time with its unit, as "seconds".
type Time struct {
	Value int64  `json:"value"`
	Units string `json:"units"`
}

// Load is how fast.
type Load struct {
	Rate      Rate   `json:"rate"`
	Units     string `json:"units"` // "frames", "octets"
	BurstSize int    `json:"burst_size,omitempty"`
}

// Rate is so many in a period, as "second".
type Rate struct {
	Value  int64  `json:"value"`
	Period string `json:"period"`
}

// Traffic is one definition of frames.
type Traffic struct {
	Packet    Packet         `json:"packet"`
	Length    Length         `json:"length"`
	Signature map[string]any `json:"signature,omitempty"`
	Weight    int64          `json:"weight,omitempty"`
}

// Packet is a stack of headers. Each protocol is an object with one member, as
// "ipv4", whose fields are optional, and perhaps "modifiers".
type Packet struct {
	ModifierTie string           `json:"modifier_tie,omitempty"` // "zip", "cartesian"
	Protocols   []map[string]any `json:"protocols"`
}

// Length is of the frames in octets with FCS; it has one of the members.
type Length struct {
	Fixed    int             `json:"fixed,omitempty"`
	List     []int           `json:"list,omitempty"`
	Sequence *LengthSequence `json:"sequence,omitempty"`
	IMIX     []LengthWeight  `json:"imix,omitempty"`
	Random   *LengthRange    `json:"random,omitempty"`
}

// LengthSequence is Start and so on to Stop, which is not reached.
type LengthSequence struct {
	Count int   `json:"count"`
	Start int   `json:"start"`
	Stop  int   `json:"stop,omitempty"`
	Skip  []int `json:"skip,omitempty"`
}

// LengthWeight is a length and how often it occurs.
type LengthWeight struct {
	Length int `json:"length"`
	Weight int `json:"weight"`
}

// LengthRange is for lengths at random.
type LengthRange struct {
	Min  int    `json:"min"`
	Max  int    `json:"max"`
	Seed uint64 `json:"seed,omitempty"`
}

// GeneratorLearning says what happens with addresses that are not resolved.
type GeneratorLearning struct {
	OnUnresolved      string `json:"on_unresolved,omitempty"` // "refuse", "skip", "fallback"
	FallbackMAC       string `json:"fallback_mac,omitempty"`
	DestinationMAC    string `json:"destination_mac,omitempty"` // "learned", "configured"
	TimeoutMS         int    `json:"timeout_ms,omitempty"`
	Track             *bool  `json:"track,omitempty"`
	OnLost            string `json:"on_lost,omitempty"` // "continue", "pause", "stop"
	Relearn           *bool  `json:"relearn,omitempty"`
	AcceptUnconfirmed bool   `json:"accept_unconfirmed,omitempty"`
}

// GeneratorResult is what one run has sent.
type GeneratorResult struct {
	ID               string                       `json:"id"`
	GeneratorID      string                       `json:"generator_id"`
	Active           bool                         `json:"active"`
	FlowCounters     FlowCounters                 `json:"flow_counters"`
	Flows            []string                     `json:"flows"`
	ProtocolCounters map[string]map[string]uint64 `json:"protocol_counters"`
	// NeighborChanges are the newest changes of next hops during the run;
	// NeighborChangesLeftOut counts older ones.
	NeighborChanges        []NeighborChange `json:"neighbor_changes"`
	NeighborChangesLeftOut uint64           `json:"neighbor_changes_left_out"`
	Remaining              *Remaining       `json:"remaining,omitempty"`
	Error                  string           `json:"error,omitempty"`
}

// NeighborChange is a change of a next hop of a run.
type NeighborChange struct {
	Time             string  `json:"time"`
	InterfaceID      string  `json:"interface_id"`
	NextHopAddress   string  `json:"next_hop_address"`
	OldMAC           string  `json:"old_mac"`
	NewMAC           *string `json:"new_mac"` // nil: it did not answer any more
	Cause            string  `json:"cause"`
	FramesToStaleMAC uint64  `json:"frames_to_stale_mac"`
}

// Remaining is what is left of an active run.
type Remaining struct {
	Unit  string `json:"unit"` // "indefinite", "frames", "seconds"
	Value int64  `json:"value,omitempty"`
}

// FlowCounters count frames, octets with FCS.
type FlowCounters struct {
	OctetsActual      uint64 `json:"octets_actual"`
	PacketsActual     uint64 `json:"packets_actual"`
	OctetsIntended    uint64 `json:"octets_intended"`
	PacketsIntended   uint64 `json:"packets_intended"`
	Errors            uint64 `json:"errors"`
	OctetsDropped     uint64 `json:"octets_dropped"`
	PacketsDropped    uint64 `json:"packets_dropped"`
	PacketsSkipped    uint64 `json:"packets_skipped,omitempty"`
	PacketsToStaleMAC uint64 `json:"packets_to_stale_mac,omitempty"`
	// PacketsToUnconfirmedMAC counts frames to next hops that have not answered since
	// the link was down, or never confirm.
	PacketsToUnconfirmedMAC uint64 `json:"packets_to_unconfirmed_mac,omitempty"`
	TimestampFirst          string `json:"timestamp_first,omitempty"`
	TimestampLast           string `json:"timestamp_last,omitempty"`
}

// TxFlow is what one run has sent of one flow.
type TxFlow struct {
	ID                string       `json:"id"`
	GeneratorResultID string       `json:"generator_result_id"`
	StreamID          int64        `json:"stream_id,omitempty"`
	Counters          FlowCounters `json:"counters"`
}

// Generators lists the generators, of one port or interface if it is not empty.
func (c *Client) Generators(ctx context.Context, targetID string) ([]Generator, error) {
	return do[[]Generator](ctx, c, get("packet", "generators").with("target_id", targetID))
}

// Generator shows a generator.
func (c *Client) Generator(ctx context.Context, id string) (Generator, error) {
	return do[Generator](ctx, c, get("packet", "generators", id))
}

// CreateGenerator makes a generator. If it has to learn, the answer waits for
// that as long as told, whole seconds up to 60; what Learning says then may
// still be "resolving".
func (c *Client) CreateGenerator(ctx context.Context, g Generator, wait time.Duration) (Generator, error) {
	return do[Generator](ctx, c.Waiting(wait), post(g, "packet", "generators"))
}

// CreateGenerators makes all of them or none.
func (c *Client) CreateGenerators(ctx context.Context, list []Generator) ([]Generator, error) {
	made, err := do[items[Generator]](ctx, c, post(items[Generator]{list}, "packet", "generators", "x", "bulk-create"))
	return made.Items, err
}

// DeleteGenerator removes a generator and its results. An active one is refused
// with a Problem of status 409, unless force stops it first.
func (c *Client) DeleteGenerator(ctx context.Context, id string, force bool) error {
	r := remove("packet", "generators", id)
	if force {
		r = r.with("force", "true")
	}
	return c.run(ctx, r)
}

// DeleteGenerators removes those that exist and are not active.
func (c *Client) DeleteGenerators(ctx context.Context, list []string) error {
	return c.run(ctx, post(ids{list}, "packet", "generators", "x", "bulk-delete"))
}

// StartGenerator starts a generator. Until its addresses are learned it is
// refused: a Problem of status 409 with LearningID. Waiting waits for that.
func (c *Client) StartGenerator(ctx context.Context, id string) (GeneratorResult, error) {
	return do[GeneratorResult](ctx, c, post(nil, "packet", "generators", id, "start"))
}

// StartGenerators starts all of them at one moment, or none.
func (c *Client) StartGenerators(ctx context.Context, list []string) ([]GeneratorResult, error) {
	made, err := do[items[GeneratorResult]](ctx, c, post(ids{list}, "packet", "generators", "x", "bulk-start"))
	return made.Items, err
}

// StopGenerator stops a generator. No frame of it leaves afterwards.
func (c *Client) StopGenerator(ctx context.Context, id string) error {
	return c.run(ctx, post(nil, "packet", "generators", id, "stop"))
}

// StopGenerators stops those that exist.
func (c *Client) StopGenerators(ctx context.Context, list []string) error {
	return c.run(ctx, post(ids{list}, "packet", "generators", "x", "bulk-stop"))
}

// Toggle starts a generator in the place of an active one.
func (c *Client) Toggle(ctx context.Context, replace, with string) (GeneratorResult, error) {
	return do[GeneratorResult](ctx, c, post(toggle{replace, with}, "packet", "generators", "x", "toggle"))
}

type toggle struct {
	Replace string `json:"replace"`
	With    string `json:"with"`
}

// GeneratorResults lists the results, of one generator if it is not empty.
func (c *Client) GeneratorResults(ctx context.Context, generatorID string) ([]GeneratorResult, error) {
	return do[[]GeneratorResult](ctx, c, get("packet", "generator-results").with("generator_id", generatorID))
}

// GeneratorResult shows a result.
func (c *Client) GeneratorResult(ctx context.Context, id string) (GeneratorResult, error) {
	return do[GeneratorResult](ctx, c, get("packet", "generator-results", id))
}

// DeleteGeneratorResult removes a result. One of an active run stays.
func (c *Client) DeleteGeneratorResult(ctx context.Context, id string) error {
	return c.run(ctx, remove("packet", "generator-results", id))
}

// TxFlows lists the flows of all results, of one generator if it is not empty.
func (c *Client) TxFlows(ctx context.Context, generatorID string) ([]TxFlow, error) {
	return do[[]TxFlow](ctx, c, get("packet", "tx-flows").with("generator_id", generatorID))
}

// TxFlow shows a flow.
func (c *Client) TxFlow(ctx context.Context, id string) (TxFlow, error) {
	return do[TxFlow](ctx, c, get("packet", "tx-flows", id))
}
