package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"glean/client"
	"glean/server/api"
)

// built returns the path of the binary under test, which is built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "glean-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "glean")
	out, err := exec.Command("go", append([]string{"build", "-o", path}, append(buildFlags, ".")...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// daemon is a running "glean serve".
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string
	log  *lockedBuffer
	done chan struct{}
	kill bool // stop has sent SIGKILL
	api  *client.Client
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// serve starts the daemon on a free port and waits until it listens.
func serve(t *testing.T, args ...string) *daemon {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, log: &lockedBuffer{}, done: make(chan struct{})}
	d.cmd = exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	d.cmd.Stderr = d.log
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "listening on "); ok {
			d.base = strings.TrimSpace(url)
			d.api = client.New(d.base)
			break
		}
	}
	go func() {
		_, _ = io.Copy(d.log, out)
		_ = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() { d.stop(syscall.SIGTERM) })
	if d.base == "" {
		<-d.done
		t.Fatalf("the daemon did not listen: %s", d.log)
	}
	return d
}

// stop ends the daemon. The test fails if that takes more than 10 s, or if the daemon
// crashed.
func (d *daemon) stop(sig syscall.Signal) {
	d.t.Helper()
	select {
	case <-d.done:
		if d.cmd.ProcessState.ExitCode() != 0 && !d.kill {
			d.t.Errorf("the daemon ended with %v: %s", d.cmd.ProcessState, d.log)
		}
		return
	default:
	}
	d.kill = sig == syscall.SIGKILL
	_ = d.cmd.Process.Signal(sig)
	select {
	case <-d.done:
	case <-time.After(10 * time.Second):
		_ = d.cmd.Process.Kill()
		d.t.Errorf("the daemon did not stop within 10 s of %v: %s", sig, d.log)
	}
	if sig == syscall.SIGTERM && d.cmd.ProcessState != nil && d.cmd.ProcessState.ExitCode() != 0 {
		d.t.Errorf("the daemon ended with %v: %s", d.cmd.ProcessState, d.log)
	}
}

type object = map[string]any

// call makes a request, requires a status, and returns the JSON of the reply.
func (d *daemon) call(status int, method, path string, body any, headers ...string) object {
	d.t.Helper()
	got, reply := d.do(method, path, body, headers...)
	if got != status {
		d.t.Fatalf("%s %s: %d, want %d: %s\n%s", method, path, got, status, reply, d.log)
	}
	var o object
	if len(reply) > 0 && reply[0] == '{' {
		if err := json.Unmarshal(reply, &o); err != nil {
			d.t.Fatalf("%s %s: %v: %s", method, path, err, reply)
		}
	}
	return o
}

func (d *daemon) do(method, path string, body any, headers ...string) (int, []byte) {
	d.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			d.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, d.base+path, in)
	if err != nil {
		d.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s", method, path, err, d.log)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, reply
}

// learn learns addresses from an interface. It returns the MAC of each address, or the
// reason why it has none.
func (d *daemon) learn(what api.LearningBody) map[string]string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	request, err := d.api.Learn(ctx, what)
	if err == nil {
		request, err = d.api.WaitLearning(ctx, request.ID)
	}
	result := api.LearningResult{}
	if err == nil {
		result, err = d.api.LearningResult(ctx, request.ResultID, client.AddressFilter{})
	}
	if err != nil {
		d.t.Fatalf("learning %+v: %v\n%s", what, err, d.log)
	}
	found := make(map[string]string)
	for _, row := range result.Addresses {
		found[row.IPAddress] = row.MACAddress + row.Reason
	}
	return found
}

// until repeats a GET until ok holds for the reply, for at most a minute.
func (d *daemon) until(path string, ok func(object) bool) object {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		o := d.call(200, "GET", path, nil)
		if ok(o) {
			return o
		}
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatalf("GET %s still returns %v\n%s", path, o, d.log)
		}
	}
}

// at follows member names and list indexes through an object.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}
