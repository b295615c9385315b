package transmit

import (
	"runtime"
	"sync"
)

// mostProcessors bounds what transmitters add to GOMAXPROCS.
const mostProcessors = 256

// processors gives each transmitter a processor of Go's scheduler for itself. A
// transmitter keeps its processor busy even while the machine runs another
// thread, and Go takes one back every 10 ms only; the loop and the readers of
// devices, which wait for frames of protocols, would have to wait for that.
// With enough of them the kernel decides who runs, and it lets a thread that
// has slept run at once.
var processors struct {
	sync.Mutex
	before int // GOMAXPROCS without transmitters
	users  int
}

// takeProcessor is called for each transmitter. The number grows in powers of
// two, and shrinks when the last one has ended, since a change stops all
// goroutines for a moment.
func takeProcessor() {
	p := &processors
	p.Lock()
	defer p.Unlock()
	if p.users == 0 {
		p.before = runtime.GOMAXPROCS(0)
	}
	p.users++
	extra := 1
	for extra < p.users && extra < mostProcessors {
		extra *= 2
	}
	if p.before+extra > runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(p.before + extra)
	}
}

func giveProcessor() {
	p := &processors
	p.Lock()
	defer p.Unlock()
	if p.users--; p.users == 0 {
		runtime.GOMAXPROCS(p.before)
	}
}
