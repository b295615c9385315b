package uring

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// socket is a ring that writes to one of two sockets that keep messages apart,
// as a TAP does.
type socket struct {
	*Ring
	local, peer int
}

func newSocket(t testing.TB, depth int) *socket {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{local: pair[0], peer: pair[1]}
	t.Cleanup(func() { s.closeLocal(); s.closePeer() })
	s.Ring, err = New(s.local, depth)
	if errors.Is(err, ErrUnavailable) {
		t.Skipf("needs io_uring: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *socket) closeLocal() {
	if s.local >= 0 {
		_ = unix.Close(s.local)
	}
	s.local = -1
}

func (s *socket) closePeer() {
	if s.peer >= 0 {
		_ = unix.Close(s.peer)
	}
	s.peer = -1
}

// read returns the next message, nil if there is none.
func (s *socket) read(t testing.TB) []byte {
	t.Helper()
	b := make([]byte, 1<<16)
	n, err := unix.Read(s.peer, b)
	if err == unix.EAGAIN {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func messages(n, salt int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = fmt.Appendf(nil, "%d of %d", i, salt)
		all[i] = append(all[i], bytes.Repeat([]byte{byte(i)}, 50+i)...)
	}
	return all
}

// TestWriteInOrder checks that batches of all sizes arrive whole and in order, many
// times around the queues.
func TestWriteInOrder(t *testing.T) {
	s := newSocket(t, 8)
	defer s.Close()
	if s.Depth() != 8 {
		t.Fatalf("depth %d", s.Depth())
	}
	for round := range 200 {
		want := messages(1+round%8, round)
		results, err := s.Write(want)
		if err != nil || len(results) != len(want) {
			t.Fatalf("round %d: %d results of %d, error %v", round, len(results), len(want), err)
		}
		for i, m := range want {
			if int(results[i]) != len(m) {
				t.Fatalf("round %d: result %d is %d, want %d", round, i, results[i], len(m))
			}
			if got := s.read(t); !bytes.Equal(got, m) {
				t.Fatalf("round %d: message %d is %q, want %q", round, i, got, m)
			}
		}
		if got := s.read(t); got != nil {
			t.Fatalf("round %d: one more message %q", round, got)
		}
	}
}

// TestWriteTakesDepth checks that a call takes no more than the ring is deep, a depth
// that is no power of two included.
func TestWriteTakesDepth(t *testing.T) {
	s := newSocket(t, 5)
	defer s.Close()
	all := messages(12, 0)
	var got int
	for _, want := range []int{5, 5, 2, 0} {
		results, err := s.Write(all[got:])
		if len(results) != want || err != nil {
			t.Fatalf("%d results, want %d; error %v", len(results), want, err)
		}
		got += want
	}
	for i, m := range all {
		if b := s.read(t); !bytes.Equal(b, m) {
			t.Fatalf("message %d is %q, want %q", i, b, m)
		}
	}
}

// TestErrorsOfBuffers checks that each refused buffer has its errno, and the ring goes
// on afterwards.
func TestErrorsOfBuffers(t *testing.T) {
	s := newSocket(t, 64)
	defer s.Close()
	tooLong := make([]byte, 1<<22)
	results, err := s.Write([][]byte{[]byte("a"), tooLong, []byte("b")})
	if err != nil || len(results) != 3 || results[0] != 1 || results[1] != -int32(unix.EMSGSIZE) || results[2] != 1 {
		t.Fatalf("results %v, error %v: want 1, -EMSGSIZE, 1", results, err)
	}
	if a, b := s.read(t), s.read(t); string(a) != "a" || string(b) != "b" {
		t.Errorf("read %q and %q", a, b)
	}
	full := false
	for range 1000 { // without a reader
		if results, err = s.Write(messages(64, 1)); err != nil {
			t.Fatal(err)
		}
		if results[63] == -int32(unix.EAGAIN) {
			full = true
			break
		}
	}
	if !full {
		t.Fatalf("results %v: a full file must say EAGAIN", results)
	}
	for s.read(t) != nil {
	}
	if results, err = s.Write([][]byte{[]byte("c")}); err != nil || results[0] != 1 {
		t.Errorf("results %v, error %v after the file was read", results, err)
	}
	s.read(t)
	s.closePeer()
	if results, err = s.Write([][]byte{[]byte("d")}); err != nil || results[0] != -int32(unix.EPIPE) {
		t.Errorf("results %v, error %v without a peer: want EPIPE", results, err)
	}
}

// TestCloseReleasesTheFile checks that the ring keeps the file until Close, and no
// longer.
func TestCloseReleasesTheFile(t *testing.T) {
	s := newSocket(t, 4)
	s.closeLocal()
	if results, err := s.Write([][]byte{[]byte("a")}); err != nil || results[0] != 1 {
		t.Fatalf("results %v, error %v", results, err)
	}
	if got := s.read(t); string(got) != "a" {
		t.Fatalf("read %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(s.peer, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("read %d octets, error %v: the file must be closed when Close returns", n, err)
	}
}

func TestNewSaysWhy(t *testing.T) {
	newSocket(t, 1) // skips without io_uring
	for name, test := range map[string]struct {
		file, depth int
		want        error
	}{
		"no file":  {1 << 20, 8, unix.EBADF},
		"no depth": {0, 0, unix.EINVAL},
		"too deep": {0, 1 << 20, unix.EINVAL},
	} {
		r, err := New(test.file, test.depth)
		if r != nil || !errors.Is(err, ErrUnavailable) || !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
	}
}

// TestBuffersWhileCollecting checks that buffers may be anywhere, and the collector
// may run at any time.
func TestBuffersWhileCollecting(t *testing.T) {
	s := newSocket(t, 16)
	defer s.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for round := range 300 {
		var batch [16][]byte // looks as if it could be on the stack
		for i := range batch {
			batch[i] = fmt.Appendf(nil, "round %d, buffer %d", round, i)
		}
		if results, err := s.Write(batch[:]); len(results) != 16 || err != nil {
			t.Fatalf("%d results, error %v", len(results), err)
		}
		for i := range batch {
			if got := s.read(t); string(got) != fmt.Sprintf("round %d, buffer %d", round, i) {
				t.Fatalf("round %d: buffer %d became %q", round, i, got)
			}
		}
	}
	close(stop)
	<-stopped
}

func TestWriteAllocatesNothing(t *testing.T) {
	s := newSocket(t, 8)
	defer s.Close()
	batch, b := messages(8, 0), make([]byte, 1<<10)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = s.Write(batch)
		for range batch {
			_, _ = unix.Read(s.peer, b)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
