package stack

// passesRxFilter tells whether the filter of an interface lets the frame that is being
// handled reach it. One that does not hear a frame is for that frame as if it
// were not there.
func (i *Interface) passesRxFilter() bool {
	return i.config.RxFilter == nil || i.config.RxFilter(i.stack.incoming)
}

// passesTxFilter tells whether the filter of an interface lets the first n octets of the frame
// that was built leave.
func (i *Interface) passesTxFilter(n int) bool {
	return i.config.TxFilter == nil || i.config.TxFilter(i.stack.frameBuffer(n)[:n])
}

// filterRecipient is the recipient of a packet, nil if its filter keeps it away.
func (s *Stack) filterRecipient(i *Interface, ours bool) (*Interface, bool) {
	if !i.passesRxFilter() {
		s.drop(DropFilter)
		return nil, false
	}
	return i, ours
}
