//go:build !linux

package transmit

import (
	"time"

	"glean/stack/loop"
)

// sleep blocks the thread for about d.
func sleep(d loop.Duration) { time.Sleep(time.Duration(d)) }

func beExact() {}

func beOrdinary() {}
