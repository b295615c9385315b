package burst

import (
	"runtime"

	"golang.org/x/sys/unix"

	"glean/stack/loop"
)

const (
	// worthwhile is how many frames since the last pause are a burst. A few
	// solicitations and answers are not: they are not delayed.
	worthwhile = 16
	// length is how long a pause lasts, besides the kernel's timer slack (50 us).
	// At a million frames a second it is some hundred frames, which is far less
	// than the capacity of the queues in front of a reader.
	length = 100 * loop.Microsecond
)

// A Pause belongs to one reader. Its zero value is ready.
type Pause struct {
	// Help is work that the reader does between bursts; it reports whether some is left.
	// A goroutine that adds such work rings Bell, which ends a pause. Both may be nil.
	Help func() (left bool)
	Bell *Bell

	frames int
}

// Read counts frames that were read.
func (p *Pause) Read(frames int) { p.frames += frames }

// Take is called when nothing is left to read. After a burst, or while work is left, it
// sleeps for a moment and returns true: read again. Otherwise it returns false: wait for
// the next frame.
func (p *Pause) Take() bool {
	enough := p.frames >= worthwhile
	p.frames = 0
	if p.help() || enough {
		runtime.Gosched() // the receiver of the last frames may be waiting for this processor
		p.sleep()
		return true
	}
	return false
}

func (p *Pause) help() (left bool) { return p.Help != nil && p.Help() }

func (p *Pause) sleep() {
	pause := unix.NsecToTimespec(int64(length))
	if p.Bell == nil {
		_ = unix.Nanosleep(&pause, nil) // a signal makes it shorter
		return
	}
	p.Bell.listen(func() { p.help() }, &pause)
	p.help()
}
