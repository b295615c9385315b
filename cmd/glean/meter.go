package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"glean/sim"
	"glean/sim/scenario"
	"glean/stack/loop"
)

// meter shows the progress of a run: a line that is redrawn on a terminal, else
// plain lines.
type meter struct {
	out      *os.File
	terminal bool
	every    loop.Duration
	pause    time.Duration // for each report, so that a person sees it happen
}

func newMeter(out *os.File) *meter {
	m := &meter{out: out, terminal: term.IsTerminal(int(out.Fd())), every: loop.Second}
	if m.terminal {
		m.every, m.pause = 100*loop.Millisecond, 25*time.Millisecond
	}
	return m
}

// show is scenario.Options.Progress.
func (m *meter) show(p scenario.Progress) {
	line := m.line(p)
	if !m.terminal {
		fmt.Fprintln(m.out, line)
	} else {
		fmt.Fprintf(m.out, "\r%s\x1b[K", line)
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

const barWidth = 30

func (m *meter) line(p scenario.Progress) string {
	what := "done    "
	switch {
	case p.Learning:
		what = "learning"
	case p.Sending:
		what = "sending "
	}
	bar := ""
	if m.terminal && p.Total > 0 {
		full, lost := barWidth*p.Completed/p.Total, barWidth*p.TimedOut/p.Total
		bar = "[" + strings.Repeat("#", full) + strings.Repeat("x", lost) + strings.Repeat(".", barWidth-full-lost) + "] "
	}
	return fmt.Sprintf("%s %5.1f s  %s%d of %d learned, %d given up, %d questions, %d frames sent",
		what, float64(p.Now)/float64(loop.Second), bar, p.Completed, p.Total, p.TimedOut, p.Requests, p.Sent)
}

// newCounter shows how many worlds were checked, on a terminal only.
func newCounter(out *os.File, of uint64) func(worlds uint64) {
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

// printEvent prints a line of a world's log.
func printEvent(e sim.Event) { fmt.Println(e) }
