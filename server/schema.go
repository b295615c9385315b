package server

import "glean/internal/document"

// FlowCounters describes flow_counters of results and counters of flows. openapi.yaml
// has the same text; a test compares the two.
func FlowCounters() *document.Schema {
	count := func(name, about string) document.Member { return document.Optional(name, document.Number(0, 0, about)) }
	at := func(name, about string) document.Member {
		return document.Optional(name, document.TextOf("time (RFC 3339)", about))
	}
	return document.ObjectOf("flow_counters", "what a run, or a flow of it, has sent",
		count("octets_actual", "octets of packets_actual, with FCS"),
		count("packets_actual", "frames that the device took"),
		count("octets_intended", "octets of packets_intended, with FCS"),
		count("packets_intended", "frames that the configured load asks for, until now or until the end of the run"),
		count("errors", "frames that the device refused"),
		count("octets_dropped", "octets of packets_dropped, with FCS"),
		count("packets_dropped", "frames that the device could not take in time (`--drop-overruns`)"),
		count("packets_skipped", "frames that were not sent because their next hop had no MAC, or was lost with `on_lost` pause; absent for a flow"),
		count("packets_to_stale_mac", "frames that were given to the device with a MAC that was known to be outdated. This is not the loss: only the receiver knows that"),
		count("packets_to_unconfirmed_mac", "frames that were given to the device with a MAC that no answer had confirmed since the link was down, or ever (`accept_unconfirmed`); absent for a flow"),
		at("timestamp_first", "when the first frame was sent; absent before the first"),
		at("timestamp_last", "when the last frame was sent; absent before the first"),
	)
}
