package loop

import (
	"fmt"
	"math"
)

// Time is a point on a loop's clock, in nanoseconds since the loop's epoch.
type Time int64

// Duration is a distance between two Times, in nanoseconds.
type Duration int64

// Units of Duration.
const (
	Nanosecond  Duration = 1
	Microsecond          = 1000 * Nanosecond
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
)

// Never is a Time later than any deadline.
const Never Time = math.MaxInt64

// Add returns t+d; it saturates at Never.
func (t Time) Add(d Duration) Time {
	sum := t + Time(d)
	if d > 0 && sum < t {
		return Never
	}
	return sum
}

// Sub returns t-u.
func (t Time) Sub(u Time) Duration { return Duration(t - u) }

// String returns seconds with nine fraction digits, as "12.000000345s".
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return Duration(t).String()
}

// String returns seconds with nine fraction digits, as "0.000000345s".
func (d Duration) String() string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d.%09ds", sign, d/Second, d%Second)
}

// Loop is the loop as loop-affine code uses it. Now, Arm and Disarm may be called only
// on the loop (or before it runs); Post may be called from any goroutine.
type Loop interface {
	// Now is the loop's time. It stands still during a callback.
	Now() Time
	// Arm makes t's function run at at, or as soon as possible if at has
	// passed. An armed timer is moved. Timers due at the same time run in the
	// order in which they were armed, and those armed for a time that has passed
	// are due now. One armed for Never does not run. Arm does not allocate once
	// the loop's heap has grown.
	Arm(t *Timer, at Time)
	// Disarm makes sure that t's function does not run until t is armed again.
	// It is final: there is no window in which the function may still run.
	Disarm(t *Timer)
	// Post makes f run on the loop, after everything posted or due before it.
	Post(f func())
}
