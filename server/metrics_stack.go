package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"glean/stack"
	"glean/stack/header"
)

// collectStack sends the counters of a port's stack. Reasons that have not occurred are
// sent as 0, so that a first occurrence is a rise.
func collectStack(out chan<- prometheus.Metric, port string, c *stack.Counters) {
	count := func(name, help string, value uint64, labels ...string) {
		out <- constMetric(prometheus.CounterValue, "glean_stack_"+name+"_total", help, float64(value), append(labels, "port", port))
	}
	for why, n := range c.Dropped {
		count("dropped", "Frames, messages and packets that the stack did not use or could not send, by reason.", n, "reason", stack.Drop(why).String())
	}
	for e := header.Error(1); e < header.NumErrors; e++ {
		count("malformed", "Malformed frames, by reason.", c.Malformed[e], "reason", e.Label())
	}
	for _, m := range []struct {
		kind           string
		received, sent uint64
	}{
		{"arp_request", c.ARPRequestsReceived, c.ARPRequestsSent},
		{"arp_reply", c.ARPRepliesReceived, c.ARPRepliesSent},
		{"neighbor_solicitation", c.SolicitsReceived, c.SolicitsSent},
		{"neighbor_advertisement", c.AdvertsReceived, c.AdvertsSent},
	} {
		count("messages_received", "ARP and ND messages received, by kind.", m.received, "kind", m.kind)
		count("messages_sent", "ARP and ND messages sent, by kind; announcements apart.", m.sent, "kind", m.kind)
	}
	count("messages_sent", "ARP and ND messages sent, by kind; announcements apart.", c.Announcements, "kind", "announcement")
	count("conflicts", "Messages from a host that uses one of our addresses.", c.Conflicts)
	count("suspicions", "Neighbors that were heard with two MACs within a second.", c.Suspicions)
	count("sender_mismatches", "ARP messages whose sender MAC is not the frame's source.", c.SenderMismatch)
	count("neighbor_changes", "Changes of a neighbor's stored MAC.", c.NeighborChanges)
	count("neighbors_reclaimed", "Neighbors removed from a full table for others.", c.Reclaimed)
}
