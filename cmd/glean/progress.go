package main

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/term"

	"glean/sim"
	"glean/sim/scenario"
	"glean/stack/loop"
)

// progressLine prints the progress of a run: on a terminal one line that is redrawn,
// else plain lines.
type progressLine struct {
	out      *output
	terminal bool
	every    loop.Duration
	pause    time.Duration // after each report, so that a person can follow the run
}

func newProgressLine(out *output) *progressLine {
	m := &progressLine{out: out, terminal: term.IsTerminal(int(out.Fd())), every: loop.Second}
	if m.terminal {
		m.every, m.pause = 100*loop.Millisecond, 25*time.Millisecond
	}
	return m
}

// show prints one report. It is a scenario.Options.Progress.
func (m *progressLine) show(p scenario.Progress) {
	if !m.terminal {
		fmt.Fprintln(m.out, phase(p)+counts(p))
	} else {
		fmt.Fprintf(m.out, "\r%s\x1b[K", redrawn(p, columns(m.out)))
		time.Sleep(m.pause)
	}
	if p.Ended {
		fmt.Fprint(m.out, strings.Repeat("\n", 1+btoi(m.terminal)))
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// phase returns what the run is doing and its virtual time.
func phase(p scenario.Progress) string {
	what := "done    "
	switch {
	case p.Learning:
		what = "learning"
	case p.Sending:
		what = "sending "
	}
	return fmt.Sprintf("%s %5.1f s  ", what, float64(p.Now)/float64(loop.Second))
}

func counts(p scenario.Progress) string {
	return fmt.Sprintf("%d of %d learned, %d timed out, %d solicitations, %d frames sent",
		p.Completed, p.Total, p.TimedOut, p.Requests, p.Sent)
}

// redrawn returns the line for a terminal with that many columns. It stays out of the
// last column: a terminal breaks a longer line, which then cannot be redrawn.
func redrawn(p scenario.Progress, width int) string {
	const least, most = 10, 30 // of the bar
	line := counts(p)
	room := width - 1 - len(phase(p)) - len("[] ")
	if room-len(line) < least {
		line = fmt.Sprintf("%d/%d learned, %d timed out, %d sent", p.Completed, p.Total, p.TimedOut, p.Sent)
	}
	bar := ""
	if length := min(most, room-len(line)); length >= least && p.Total > 0 {
		full, lost := length*p.Completed/p.Total, length*p.TimedOut/p.Total
		bar = "[" + strings.Repeat("#", full) + strings.Repeat("x", lost) + strings.Repeat(".", length-full-lost) + "] "
	}
	line = phase(p) + bar + line
	return line[:min(len(line), max(0, width-1))]
}

// newWorldCounter returns a function that prints how many worlds are checked, or nil if
// out is no terminal.
func newWorldCounter(out *output, of uint64) func(worlds uint64) {
	if !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return func(worlds uint64) {
		fmt.Fprintf(out, "\r%d of %d worlds\x1b[K", worlds, of)
		if worlds == of {
			fmt.Fprint(out, "\r\x1b[K")
		}
	}
}

// printEvent prints one event of a world.
func printEvent(e sim.Event) { fmt.Fprintln(stdout, e) }
