package stack

// Reason is why an address has no MAC, or why a packet was not sent.
type Reason uint8

// Reasons, in the words of the API.
const (
	ReasonNone Reason = iota
	NoReply
	NoRoute
	LinkDown
	OwnAddress
	NoSourceAddress
	AddressTentative
	AddressConflict
	TableFull
	Unconfirmed // the neighbor sent its MAC, but not in an answer that confirms it

	numReasons
)

var reasonWords = [numReasons]string{
	NoReply:          "no_reply",
	NoRoute:          "no_route",
	LinkDown:         "link_down",
	OwnAddress:       "own_address",
	NoSourceAddress:  "no_source_address",
	AddressTentative: "address_tentative",
	AddressConflict:  "address_conflict",
	TableFull:        "table_full",
	Unconfirmed:      "unconfirmed",
}

// String returns the word used in the API, "" for ReasonNone.
func (r Reason) String() string {
	if r < numReasons {
		return reasonWords[r]
	}
	return "unknown"
}
