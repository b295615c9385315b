package traffic

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"

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

// ParseConfig reads the text of a generator's config; see ReadConfig.
func ParseConfig(raw []byte) (c *Config, faults Faults) {
	err := document.Read(raw, nil, false, func(o document.Object) { c, faults = ReadConfig(o) })
	if err == nil {
		return c, faults
	}
	for _, f := range err.Faults {
		f.Path = strings.TrimSuffix("config."+f.Path, ".")
		faults = append(faults, f)
	}
	return nil, faults
}

// ReadConfig reads a generator's config. It lists every fault, except those that
// another fault hides; Config is nil if there is one. Paths begin with "config". It
// ignores unknown members: the reader of requests finds them by ConfigSchema.
func ReadConfig(o document.Object) (*Config, Faults) {
	o = o.Apart("config")
	c := new(Config)
	c.parseDuration(o)
	c.parseLoad(o)
	c.parseFamilies(o)
	c.parseLearning(o)
	var p parser
	c.Traffic = p.definitions(o)
	c.parseOrder(o)
	if err := o.Err(); err != nil {
		return nil, err.Faults
	}
	c.Raw = bytes.Clone(o.Without("flow_count")) // which only replies have
	return c, nil
}

var timeUnits = []string{"hours", "minutes", "seconds", "milliseconds", "hour", "minute", "second", "millisecond"}

var timeSizes = [4]loop.Duration{3600 * loop.Second, 60 * loop.Second, loop.Second, loop.Millisecond}

// parseDuration reads the first member that is present of continuous (true), frames
// and time, as OpenPerf does.
func (c *Config) parseDuration(o document.Object) {
	d, ok := o.RequiredChild("duration")
	if !ok {
		return
	}
	continuous := d.Flag("continuous", false)
	switch {
	case continuous:
	case d.Given("frames"):
		c.Duration.Frames, _ = d.RequiredInteger("frames", 1, maxFrames)
	case d.Given("time"):
		t, ok := d.RequiredChild("time")
		if !ok {
			return
		}
		unit, okUnit := t.RequiredChoice("units", timeUnits...)
		value, okValue := t.RequiredInteger("value", 1, math.MaxInt64)
		if !okUnit || !okValue {
			return
		}
		size := timeSizes[unit%len(timeSizes)]
		if value > uint64(maxTime/size) {
			t.Wrong("value", "%d %s are more than %d", value, timeUnits[unit], maxTime/size)
			return
		}
		c.Duration.Time = loop.Duration(value) * size
	default:
		d.Value.Wrong("needs one of continuous (true), frames, time")
	}
}

func (c *Config) parseLoad(o document.Object) {
	l, ok := o.RequiredChild("load")
	if !ok {
		return
	}
	c.Load.Burst = l.Integer("burst_size", 1, burstMost, 1)
	units, _ := l.RequiredChoice("units", loadUnits...)
	c.Load.Octets = units == 1
	r, ok := l.RequiredChild("rate")
	if !ok {
		return
	}
	unit, okUnit := r.RequiredChoice("period", timeUnits...)
	value, okValue := r.RequiredInteger("value", 1, math.MaxInt64)
	if !okUnit || !okValue {
		return
	}
	c.Load.Value, c.Load.Period = value, timeSizes[unit%len(timeSizes)]
	if limit := maxValue(c.Load.Period); value > limit {
		r.Wrong("value", "%d is more than %d for each %s", value, limit, timeUnits[unit])
	}
}

// maxValue returns maxRate for a period other than a second.
func maxValue(period loop.Duration) uint64 {
	return maxRate / 1000 * uint64(period/loop.Millisecond)
}

func (c *Config) parseOrder(o document.Object) {
	if !o.Given("order") {
		if len(c.Traffic) > 1 {
			o.Wrong("order", "is required with more than one traffic definition")
		}
		return
	}
	i, ok := o.RequiredChoice("order", orderWords...)
	if ok {
		c.Order = Order(i)
	}
}

func (c *Config) parseLearning(o document.Object) {
	c.Learning = Learning{Timeout: loop.Duration(learningUsual) * loop.Millisecond, Track: true, Relearn: true}
	l, ok := o.Child("learning")
	if !ok {
		return
	}
	if l.Given("on_unresolved") {
		i, _ := l.RequiredChoice("on_unresolved", policyWords...)
		c.Learning.Policy = Policy(i)
	}
	if m, ok := l.Get("fallback_mac"); ok {
		c.Learning.Fallback, c.Learning.HasFallback = readMAC(m), true
		if c.Learning.Fallback.IsZero() {
			m.Wrong("must not be zero")
		}
	}
	if l.Given("destination_mac") {
		i, _ := l.RequiredChoice("destination_mac", macWords...)
		c.Learning.Configured = i == 1
	}
	c.Learning.Timeout = loop.Duration(l.Integer("timeout_ms", learningLeast, learningMost, learningUsual)) * loop.Millisecond
	c.Learning.Track = l.Flag("track", true)
	if l.Given("on_lost") {
		i, _ := l.RequiredChoice("on_lost", lostWords...)
		c.Learning.OnLost = OnLost(i)
	}
	c.Learning.Relearn = l.Flag("relearn", true)
	c.Learning.AcceptUnconfirmed = l.Flag("accept_unconfirmed", false)
}

// readMAC reads a MAC address.
func readMAC(v document.Value) header.MAC {
	s, ok := v.Text()
	if !ok {
		return header.MAC{}
	}
	m, err := header.ParseMAC(s)
	if err != nil {
		v.Wrong("%q is not a MAC address", document.Shorten(s))
	}
	return m
}
