package tap

import (
	"errors"
	"time"
)

// A TAP may be in use for some milliseconds more by a process that has ended:
// the kernel closes an io_uring, which keeps the device open, after the process has
// ended. `ip tuntap add` also has a queue of its TAP for a moment.
const (
	busyFor     = time.Second // how long ErrBusy is taken for that
	busyFirst   = 500 * time.Microsecond
	busyLongest = 20 * time.Millisecond
)

// patience is for retries while a TAP is in use. The zero value is ready.
type patience struct {
	since time.Time // of the first ErrBusy
	gap   time.Duration
}

// wait returns how long to wait before the next try, after one that ended with
// err; 0 means that waiting does not help, or no longer.
func (p *patience) wait(err error, now time.Time) time.Duration {
	if !errors.Is(err, ErrBusy) {
		*p = patience{}
		return 0
	}
	if p.since.IsZero() {
		p.since = now
	}
	if now.Sub(p.since) >= busyFor {
		return 0
	}
	p.gap = min(max(busyFirst, 2*p.gap), busyLongest)
	return p.gap
}

// retryBusy tries until the TAP is not in use, for at most busyFor.
func retryBusy(try func() error) error {
	var p patience
	for {
		err := try()
		gap := p.wait(err, time.Now())
		if gap == 0 {
			return err
		}
		time.Sleep(gap)
	}
}
