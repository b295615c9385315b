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
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil)
}

// beExact makes the thread's sleeps end when they should: the kernel may else
// put them off by 50 us, to wake up less often. beOrdinary undoes it.
func beExact() { setSlack(1) }

func beOrdinary() { setSlack(0) }

// setSlack sets the thread's timer slack in nanoseconds; 0 is the default. Where
// it can't be set, more time is spun.
func setSlack(ns uintptr) { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, ns, 0, 0, 0) }
