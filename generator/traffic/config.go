package traffic

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"

	"glean/internal/document"
	"glean/internal/memsize"
	"glean/stack/header"
	"glean/stack/loop"
)

// Limits of a configuration, inclusive. They bound the memory that a short request
// can take. A configuration beyond a limit has a fault with the path.
const (
	MaxDefinitions  = 65_536
	MaxProtocols    = 32                // in one packet
	MaxModifiers    = 64                // in one packet
	MaxCustomSize   = MaxFrame          // octets of a custom header
	MaxFlows        = uint64(1)<<48 - 1 // of one definition without a signature
	MaxSignedFlows  = uint64(1)<<16 - 1 // of one definition with a signature: the stream id has 16 bits for them
	MaxAllFlows     = uint64(1)<<53 - 1 // of all definitions: a JSON number holds it exactly
	MaxAllSigned    = 1 << 24
	MaxStoredValues = 1 << 22           // listed, skipped or permuted values and lengths of a whole configuration
	MaxDestinations = 1 << 20           // unicast destinations that need learning
	maxRate         = 1_000_000_000_000 // frames or octets per second
	maxFrames       = math.MaxInt64     // of a duration in frames
	maxTime         = loop.Duration(math.MaxInt64 / 4)
	MinFrame        = 64 // octets with FCS
	MaxFrame        = 9216
	FCS             = 4
)

// Config is a parsed generator configuration.
type Config struct {
	Raw      json.RawMessage // exactly as posted
	Duration Duration
	Load     Load
	Order    Order
	Families Families // that protocol_counters names
	Traffic  []Definition
	Learning Learning
	Warnings Warnings // about ignored members, set by the reader of the request
	// CutHeaders allows frames that are too short for their headers, as OpenPerf
	// does: they end within a header. Without it such lengths are faults.
	CutHeaders bool
}

// Size returns the memory in octets of a parsed configuration.
func (c *Config) Size() int64 { return memsize.Of(c, reflect.TypeFor[*Field]()) }

// Duration is the end of a run: after Frames frames, after Time, or never if both
// are 0.
type Duration struct {
	Frames uint64
	Time   loop.Duration
}

// Load is the rate of a run: Value frames (or octets of frames with FCS) in each
// Period, sent in bursts of Burst frames back to back.
type Load struct {
	Value  uint64
	Period loop.Duration
	Octets bool
	Burst  uint64
}

// Order is the sequence in which several traffic definitions are sent.
type Order uint8

// Orders.
const (
	OrderSequential Order = iota // all of a definition, then all of the next
	OrderRoundRobin              // weight frames of each in turn
)

// Policy decides what happens to frames whose next hop has no MAC.
type Policy uint8

// Policies of config.learning.on_unresolved.
const (
	PolicyRefuse   Policy = iota // the generator does not start
	PolicySkip                   // the frames are left out until the next hop is resolved
	PolicyFallback               // the frames go to Learning.Fallback, else to the template's MAC
)

// OnLost decides what happens to a running generator's flows whose next hop stops
// answering.
type OnLost uint8

// Values of config.learning.on_lost.
const (
	LostContinue OnLost = iota // the flows go on to the last known MAC
	LostPause                  // the flows pause until the next hop answers again
	LostStop                   // the generator stops
)

// Learning is config.learning: how MACs of next hops are learned and kept.
type Learning struct {
	Policy      Policy
	Fallback    header.MAC
	HasFallback bool
	Configured  bool // a destination MAC in the template that is not zero is used and not learned
	Timeout     loop.Duration
	Track       bool
	OnLost      OnLost
	Relearn     bool // when the link comes up, learn the next hops again that timed out while it was down
	// AcceptUnconfirmed allows next hops that announce a MAC but never confirm it by
	// an answer.
	AcceptUnconfirmed bool
}

// ParseConfig reads a generator's config. It lists every fault, except those that
// another fault hides; Config is nil if there is one. Paths begin with "config". It
// ignores unknown members: the reader of requests finds them by ConfigSchema.
func ParseConfig(raw []byte) (*Config, Faults) {
	var faults Faults
	// Parsed JSON takes about 50 octets for each value, however short the value is.
	if values := bytes.Count(raw, []byte{','}); values > 2*MaxStoredValues {
		faults.Add("config", "has more than %d values", 2*MaxStoredValues)
		return nil, faults
	}
	n, ok := parseJSON(raw, "config", &faults)
	if !ok || !n.isObject() {
		return nil, faults
	}
	c := &Config{Raw: bytes.Clone(raw)}
	c.parseDuration(n)
	c.parseLoad(n)
	c.parseFamilies(n)
	c.parseLearning(n)
	p := parser{faults: &faults}
	c.Traffic = p.definitions(n)
	c.parseOrder(n)
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

var timeUnits = []string{"hours", "minutes", "seconds", "milliseconds", "hour", "minute", "second", "millisecond"}

var timeSizes = [4]loop.Duration{3600 * loop.Second, 60 * loop.Second, loop.Second, loop.Millisecond}

// parseDuration reads the first member that is present of continuous (true), frames
// and time, as OpenPerf does.
func (c *Config) parseDuration(n node) {
	d, ok := n.required("duration")
	if !ok {
		return
	}
	continuous := d.has("continuous") && d.member("continuous").boolean()
	switch {
	case continuous:
	case d.has("frames"):
		c.Duration.Frames, _ = d.member("frames").integer(1, maxFrames)
	case d.has("time"):
		t, ok := d.required("time")
		if !ok {
			return
		}
		unit, okUnit := t.member("units").word(timeUnits...)
		value, okValue := t.member("value").integer(1, math.MaxInt64)
		if !okUnit || !okValue {
			return
		}
		size := timeSizes[unit%len(timeSizes)]
		if value > uint64(maxTime/size) {
			t.member("value").fault("%d %s are more than %d", value, timeUnits[unit], maxTime/size)
			return
		}
		c.Duration.Time = loop.Duration(value) * size
	default:
		d.fault("needs one of continuous (true), frames, time")
	}
}

func (c *Config) parseLoad(n node) {
	l, ok := n.required("load")
	if !ok {
		return
	}
	c.Load.Burst = 1
	if l.has("burst_size") {
		c.Load.Burst, _ = l.member("burst_size").integer(1, burstMost)
	}
	units, _ := l.member("units").word(loadUnits...)
	c.Load.Octets = units == 1
	r, ok := l.required("rate")
	if !ok {
		return
	}
	unit, okUnit := r.member("period").word(timeUnits...)
	value, okValue := r.member("value").integer(1, math.MaxInt64)
	if !okUnit || !okValue {
		return
	}
	c.Load.Value, c.Load.Period = value, timeSizes[unit%len(timeSizes)]
	if limit := maxValue(c.Load.Period); value > limit {
		r.member("value").fault("%d is more than %d for each %s", value, limit, timeUnits[unit])
	}
}

// maxValue returns maxRate for a period other than a second.
func maxValue(period loop.Duration) uint64 {
	return maxRate / 1000 * uint64(period/loop.Millisecond)
}

func (c *Config) parseOrder(n node) {
	if !n.has("order") {
		if len(c.Traffic) > 1 {
			n.member("order").fault("is required with more than one traffic definition")
		}
		return
	}
	i, ok := n.member("order").word(orderWords...)
	if ok {
		c.Order = Order(i)
	}
}

func (c *Config) parseLearning(n node) {
	c.Learning = Learning{Timeout: loop.Duration(learningUsual) * loop.Millisecond, Track: true, Relearn: true}
	l, ok := n.object("learning")
	if !ok {
		return
	}
	if l.has("on_unresolved") {
		i, _ := l.member("on_unresolved").word(policyWords...)
		c.Learning.Policy = Policy(i)
	}
	if m := l.member("fallback_mac"); m.value != nil {
		c.Learning.Fallback, c.Learning.HasFallback = m.mac(), true
		if c.Learning.Fallback.IsZero() {
			m.fault("must not be zero")
		}
	}
	if l.has("destination_mac") {
		i, _ := l.member("destination_mac").word(macWords...)
		c.Learning.Configured = i == 1
	}
	if l.has("timeout_ms") {
		ms, _ := l.member("timeout_ms").integer(learningLeast, learningMost)
		c.Learning.Timeout = loop.Duration(ms) * loop.Millisecond
	}
	if l.has("track") {
		c.Learning.Track = l.member("track").boolean()
	}
	if l.has("on_lost") {
		i, _ := l.member("on_lost").word(lostWords...)
		c.Learning.OnLost = OnLost(i)
	}
	if l.has("relearn") {
		c.Learning.Relearn = l.member("relearn").boolean()
	}
	if l.has("accept_unconfirmed") {
		c.Learning.AcceptUnconfirmed = l.member("accept_unconfirmed").boolean()
	}
}

// mac reads a MAC address.
func (n node) mac() header.MAC {
	s, ok := n.text()
	if !ok {
		return header.MAC{}
	}
	m, err := header.ParseMAC(s)
	if err != nil {
		n.fault("%q is not a MAC address", document.Shorten(s))
	}
	return m
}
