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
// put them off by 50 us, to wake up less often, and let another thread run to
// the end of its slice first. beOrdinary undoes it.
func beExact() {
	setSlack(1)
	setSlice(shortSlice)
}

func beOrdinary() {
	setSlack(0)
	setSlice(0)
}

// shortSlice is the shortest slice that the kernel grants. A thread with a short
// slice runs at once when it wakes up, and a thread that waits for one that is
// always busy gets its turn that soon.
const shortSlice = 100 * loop.Microsecond

// setSlice asks for slices of that length, 0 for the default. Linux knows it
// since 6.12; before, nothing changes.
func setSlice(slice loop.Duration) {
	if a, err := unix.SchedGetAttr(0, 0); err == nil {
		a.Runtime = uint64(slice)
		_ = unix.SchedSetAttr(0, a, 0)
	}
}

// setSlack sets the thread's timer slack in nanoseconds; 0 is the default. Where
// it can't be set, more time is spun.
func setSlack(ns uintptr) { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, ns, 0, 0, 0) }
