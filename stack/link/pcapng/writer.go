package pcapng

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"glean/stack/loop"
)

// ErrClosed is the error of adding to a trace that is closed.
var ErrClosed = errors.New("pcapng: trace is closed")

// Writer is a trace being written. Its methods may be called from any goroutine. The nil
// pointer is no trace: all its methods do nothing.
type Writer struct {
	epoch time.Time

	mu      sync.Mutex
	out     io.Writer
	file    *pcapgo.NgWriter // nil until the first interface is added
	err     error            // the first one, or ErrClosed; nothing is written after it
	packets uint64
	missed  uint64
}

// NewWriter creates a trace that is written to out through a buffer. epoch is the
// wall-clock time of loop.Time 0.
func NewWriter(out io.Writer, epoch time.Time) *Writer {
	return &Writer{out: out, epoch: epoch}
}

// addInterface describes a link in the file and returns its number there.
func (w *Writer) addInterface(name string) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	i := pcapgo.NgInterface{Name: name, LinkType: layers.LinkTypeEthernet, TimestampResolution: 9}
	if w.file != nil {
		return w.file.AddInterface(i)
	}
	// The library writes no file header without a first interface.
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "glean"}}
	file, err := pcapgo.NewNgWriterInterface(w.out, i, options)
	if err != nil {
		w.err = err
		return 0, err
	}
	w.file = file
	return 0, nil
}

// write adds frames of one interface, all of the same time.
func (w *Writer) write(number int, at loop.Time, frames [][]byte) {
	info := gopacket.CaptureInfo{Timestamp: w.epoch.Add(time.Duration(at)), InterfaceIndex: number}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range frames {
		if w.err == nil {
			info.CaptureLength, info.Length = len(f), len(f)
			w.err = w.file.WritePacket(info, f)
		}
		if w.err != nil {
			w.missed++
			continue
		}
		w.packets++
	}
}

// Flush writes the buffered frames.
func (w *Writer) Flush() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if w.err == nil && w.file != nil {
		w.err = w.file.Flush()
	}
	return w.err
}

// Close flushes and ends the trace. The links go on without it. It does not close out.
func (w *Writer) Close() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(); err != nil {
		return err
	}
	w.err = ErrClosed
	return nil
}

// Stats returns how many frames were written, how many came after an error (or
// after Close), and the error.
func (w *Writer) Stats() (packets, missed uint64, err error) {
	if w == nil {
		return 0, 0, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.packets, w.missed, w.err
}
