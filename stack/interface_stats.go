package stack

// InterfaceStats counts what an interface received and sent through the stack (ARP, ND,
// ICMP, packets of Output), in frames and in octets without FCS.
type InterfaceStats struct {
	RxPackets, RxBytes uint64
	TxPackets, TxBytes uint64
	RxErrors           uint64 // to the interface, but refused by a parser
	TxErrors           uint64 // the link was down, or the device refused
}

// Stats returns a snapshot of the counters.
func (i *Interface) Stats() InterfaceStats { return i.stats }

// send passes the frame s.frame[:n] to the link and counts it.
func (i *Interface) send(n int, count *uint64) bool {
	if !i.passesTxFilter(n) {
		i.stack.drop(DropFilter)
		return true // for the sender it is lost as on a wire, and retransmitted in time
	}
	if !i.stack.send(n, count) {
		i.stats.TxErrors++
		return false
	}
	i.stats.TxPackets++
	i.stats.TxBytes += uint64(n)
	return true
}

// setRecipient sets the interface that the frame being handled is for.
func (s *Stack) setRecipient(i *Interface) *Interface {
	s.recipient = i
	return i
}

// countReceived counts a frame of n octets for its recipient.
func (s *Stack) countReceived(n int) {
	if i := s.recipient; i != nil {
		i.stats.RxPackets++
		i.stats.RxBytes += uint64(n)
		s.recipient = nil
	}
}
