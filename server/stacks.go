package server

import (
	"net/http"

	"glean/server/api"
	"glean/stack"
	"glean/stack/header"
)

// stackID is the id of the one stack in replies: the stacks of all ports together.
const stackID = "stack0"

// errorCounters returns the counter of s that counts each parser error.
func errorCounters(s *api.StackStats) map[header.Error]*uint64 {
	return map[header.Error]*uint64{
		header.ErrARPShort:          &s.ARP.LengthErrors,
		header.ErrARPHardware:       &s.ARP.ProtocolErrors,
		header.ErrARPProtocol:       &s.ARP.ProtocolErrors,
		header.ErrARPHardwareSize:   &s.ARP.LengthErrors,
		header.ErrARPProtocolSize:   &s.ARP.LengthErrors,
		header.ErrARPOperation:      &s.ARP.ProtocolErrors,
		header.ErrIPv4Short:         &s.IPv4.LengthErrors,
		header.ErrIPv4Version:       &s.IPv4.ProtocolErrors,
		header.ErrIPv4HeaderLength:  &s.IPv4.LengthErrors,
		header.ErrIPv4TotalLength:   &s.IPv4.LengthErrors,
		header.ErrIPv4Checksum:      &s.IPv4.ChecksumErrors,
		header.ErrIPv4Source:        &s.IPv4.ProtocolErrors,
		header.ErrIPv6Short:         &s.IPv6.LengthErrors,
		header.ErrIPv6Version:       &s.IPv6.ProtocolErrors,
		header.ErrIPv6PayloadLength: &s.IPv6.LengthErrors,
		header.ErrIPv6Source:        &s.IPv6.ProtocolErrors,
		header.ErrIPv6Extension:     &s.IPv6.OptionErrors,
		header.ErrIPv6Option:        &s.IPv6.OptionErrors,
		header.ErrIPv6Routing:       &s.IPv6.OptionErrors,
		header.ErrNDHopLimit:        &s.ND.ProtocolErrors,
		header.ErrNDChecksum:        &s.ND.ChecksumErrors,
		header.ErrNDCode:            &s.ND.ProtocolErrors,
		header.ErrNDLength:          &s.ND.LengthErrors,
		header.ErrNDTarget:          &s.ND.ProtocolErrors,
		header.ErrNDOptionZero:      &s.ND.OptionErrors,
		header.ErrNDOptionTruncated: &s.ND.OptionErrors,
		header.ErrNDLinkOption:      &s.ND.OptionErrors,
		header.ErrNSUnspecifiedDst:  &s.ND.ProtocolErrors,
		header.ErrNSUnspecifiedLink: &s.ND.ProtocolErrors,
		header.ErrNASolicited:       &s.ND.ProtocolErrors,
	}
}

// newStack adds the counters of all ports' stacks.
func newStack(ports []stack.Counters) api.Stack {
	var s api.StackStats
	errors := errorCounters(&s)
	for _, c := range ports {
		s.ARP.TxPackets += c.ARPRequestsSent + c.ARPRepliesSent
		s.ARP.RxPackets += c.ARPRequestsReceived + c.ARPRepliesReceived
		s.ND.TxPackets += c.SolicitsSent + c.AdvertsSent
		s.ND.RxPackets += c.SolicitsReceived + c.AdvertsReceived
		s.ARP.DroppedPackets += c.DroppedOf[stack.ProtocolARP]
		s.ND.DroppedPackets += c.DroppedOf[stack.ProtocolND]
		s.IPv4.DroppedPackets += c.DroppedOf[stack.ProtocolIPv4]
		s.IPv6.DroppedPackets += c.DroppedOf[stack.ProtocolIPv6]
		for e, counter := range errors {
			*counter += c.Malformed[e]
		}
	}
	return api.Stack{ID: stackID, Stats: s}
}

func (s *Server) stack(r *request) (api.Stack, error) {
	ports, err := call(r.Context(), s, func() ([]stack.Counters, error) { return s.Engine.StackCounters(), nil })
	return newStack(ports), err
}

func (s *Server) listStacks(w *responseWriter, r *request) error {
	j, err := s.stack(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, []api.Stack{j})
}

func (s *Server) getStack(w *responseWriter, r *request) error {
	if r.id() != stackID {
		return problemf(http.StatusNotFound, "there is no stack %q; the only stack is %q", r.id(), stackID)
	}
	j, err := s.stack(r)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, j)
}
