package api

// TrafficDefinition is one kind of frames of a generator.
type TrafficDefinition struct {
	Packet    Packet     `json:"packet"`
	Length    Length     `json:"length"`
	Signature *Signature `json:"signature,omitempty"`
	Weight    int64      `json:"weight,omitempty"` // 1 if absent
}

// Packet is a stack of headers, the outermost first.
type Packet struct {
	ModifierTie string           `json:"modifier_tie,omitempty"` // "zip", "cartesian"
	Protocols   []PacketProtocol `json:"protocols"`
}

// PacketProtocol has one member named as a protocol, as "ipv4", whose value has the
// header's fields; and "modifiers" if fields take several values. It is a map
// because the fields are rows of a table in package traffic, not code.
type PacketProtocol = map[string]any

// Length is the length of frames in octets, FCS included; it has one of its
// members.
type Length struct {
	Fixed    int             `json:"fixed,omitempty"`
	List     []int           `json:"list,omitempty"`
	Sequence *LengthSequence `json:"sequence,omitempty"`
	IMIX     []LengthWeight  `json:"imix,omitempty"`
	Random   *LengthRange    `json:"random,omitempty"`
}

// LengthSequence is Count lengths from Start on. Stop is not reached.
type LengthSequence struct {
	Count int   `json:"count"`
	Start int   `json:"start"`
	Stop  int   `json:"stop,omitempty"`
	Skip  []int `json:"skip,omitempty"`
}

// LengthWeight is a length and how many frames of a cycle have it.
type LengthWeight struct {
	Length int `json:"length"`
	Weight int `json:"weight"`
}

// LengthRange draws lengths from Min to Max, both included.
type LengthRange struct {
	Min  int     `json:"min"`
	Max  int     `json:"max"`
	Seed *uint64 `json:"seed,omitempty"` // 1 if absent
}

// Signature is written at the end of each frame.
type Signature struct {
	StreamID uint32         `json:"stream_id"`
	Latency  string         `json:"latency"` // "start_of_frame", "end_of_frame"
	Fill     *SignatureFill `json:"fill,omitempty"`
}

// SignatureFill fills frames with signatures; it has one of its members.
type SignatureFill struct {
	Constant  *int `json:"constant,omitempty"`
	Increment *int `json:"increment,omitempty"`
	Decrement *int `json:"decrement,omitempty"`
	PRBS      bool `json:"prbs,omitempty"`
}
