package transmit

import (
	"golang.org/x/sys/unix"

	"glean/stack/loop"
)

// sleep blocks the thread for about d. It is more exact than the runtime's
// timers, for which another thread has to wake up.
func sleep(d loop.Duration) {
	t := unix.NsecToTimespec(int64(d))
	// An early return (a signal) is harmless: the caller looks at the clock.
	_ = unix.Nanosleep(&t, nil)
}
