package tap

import "github.com/vishvananda/netlink"

// events is a subscription to changes of the interfaces of our namespace. The nil
// pointer is a subscription without events.
type events struct {
	updates chan netlink.LinkUpdate // closed when the subscription breaks
	done    chan struct{}
}

func subscribe() (*events, error) {
	e := &events{updates: make(chan netlink.LinkUpdate, 16), done: make(chan struct{})}
	err := netlink.LinkSubscribeWithOptions(e.updates, e.done, netlink.LinkSubscribeOptions{})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (e *events) channel() <-chan netlink.LinkUpdate {
	if e == nil {
		return nil
	}
	return e.updates
}

// stop ends the subscription and its goroutines.
func (e *events) stop() {
	if e == nil {
		return
	}
	close(e.done)
	for range e.updates { // until the goroutine that sends has seen it
	}
}
