package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// logBacklog is how many lines may wait while the log cannot be written.
const logBacklog = 4096

// logWriter writes lines on its own goroutine, so that no request waits for a log
// whose reader hangs or has ended. It drops and counts lines beyond the backlog, and
// writes the count as soon as the log can be written again.
type logWriter struct {
	out   io.Writer
	lines chan []byte
	quit  chan struct{} // closed by close
	done  chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	dropped uint64
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, lines: make(chan []byte, logBacklog), quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// Write queues one line. It never blocks and never fails.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.lose(1)
	}
	return len(line), nil
}

func (w *logWriter) run() {
	defer close(w.done)
	for {
		select {
		case line := <-w.lines:
			w.put(line)
		case <-w.quit:
			for {
				select {
				case line := <-w.lines:
					w.put(line)
				default:
					return
				}
			}
		}
	}
}

// put writes the number of dropped lines, if there are any, and then a line.
func (w *logWriter) put(line []byte) {
	w.mu.Lock()
	lost := w.dropped
	w.dropped = 0
	w.mu.Unlock()
	if lost > 0 {
		if _, err := fmt.Fprintf(w.out, "glean: dropped %d log lines: the log could not be written\n", lost); err != nil {
			w.lose(lost)
		}
	}
	if _, err := w.out.Write(line); err != nil {
		w.lose(1)
	}
}

func (w *logWriter) lose(n uint64) {
	w.mu.Lock()
	w.dropped += n
	w.mu.Unlock()
}

// close writes the waiting lines, for at most the given time.
func (w *logWriter) close(within time.Duration) {
	close(w.quit)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
	}
}
