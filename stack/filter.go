package stack

// passesRxFilter reports whether RxFilter passes the frame that is being handled. An
// interface whose filter rejects a frame does not exist for that frame.
func (i *Interface) passesRxFilter() bool {
	return i.config.RxFilter == nil || i.config.RxFilter(i.stack.incoming)
}

// passesTxFilter reports whether TxFilter passes the frame that was built, of n octets.
func (i *Interface) passesTxFilter(n int) bool {
	return i.config.TxFilter == nil || i.config.TxFilter(i.stack.frameBuffer(n)[:n])
}

// filterRecipient returns the recipient of a packet, nil if its filter rejects the
// frame.
func (s *Stack) filterRecipient(i *Interface, ours bool) (*Interface, bool) {
	if !i.passesRxFilter() {
		s.drop(DropFilter)
		return nil, false
	}
	return i, ours
}
