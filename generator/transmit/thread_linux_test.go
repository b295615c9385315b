package transmit

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"glean/stack/loop"
)

// A transmitter's thread has a short slice and no slack; other goroutines that
// use it later have neither.
func TestThreadIsGivenBackAsItWas(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	state := func() (slice uint64, nice int32, slack int) {
		a, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		slack, err = unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return a.Runtime, a.Nice, slack
	}
	before, niceBefore, slackBefore := state()
	beExact()
	slice, nice, slack := state()
	if slack != 1 || nice != niceBefore || before > 0 && slice != uint64(shortSlice) { // before 6.12 it is 0 always
		t.Errorf("slice %v, nice %d, slack %d ns", loop.Duration(slice), nice, slack)
	}
	beOrdinary()
	if slice, nice, slack := state(); slice != before || nice != niceBefore || slack != slackBefore {
		t.Errorf("slice %d, nice %d, slack %d; they were %d, %d, %d", slice, nice, slack, before, niceBefore, slackBefore)
	}
}
