package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"glean/client"
	"glean/sim/scenario/file"
)

func TestOtherAddressesThanLoopbackNeedInsecure(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:0": true, "127.9.9.9:0": true, "[::1]:0": true, "localhost:0": true, "unix:/x": true,
		":9000": false, "0.0.0.0:0": false, "[::]:0": false, "198.18.0.1:9000": false, "lab.example:9000": false, "9000": false,
	} {
		if err := checkListen(listen, false); (err == nil) != want {
			t.Errorf("%s without --insecure: %v", listen, err)
		}
		if err := checkListen(listen, true); (err == nil) != (listen != "9000") { // "9000" is no address
			t.Errorf("%s with --insecure: %v", listen, err)
		}
	}
	file := filepath.Join(t.TempDir(), "glean.yaml")
	if err := os.WriteFile(file, []byte("listen: 0.0.0.0:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--listen", "0.0.0.0:0"}, {"serve", "-c", file}} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 2 || !strings.Contains(errs.String(), "--insecure") {
			t.Errorf("%v: exit %d, %q; want 2 and --insecure", args, code, errs.String())
		}
	}
}

func TestIPv4AddressBindsIPv4Only(t *testing.T) {
	l, err := listen("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a := l.Addr().(*net.TCPAddr); a.IP.To4() == nil || a.String() != "0.0.0.0"+a.String()[strings.LastIndexByte(a.String(), ':'):] {
		t.Errorf("listens on %v", a)
	}
}

func TestUnixSocketIsServedAndRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "glean.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	d := serve(t, "--listen", "unix:"+path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Fatalf("%v, %v; want mode 0660", info, err)
	}
	if _, err := client.New("unix:" + path).Version(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second listener: %v", err)
	}
	d.stop(syscall.SIGTERM)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("after the stop: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a file in the way: %v", err)
	}
}

// serveWithLog starts the daemon with log as its stderr.
func serveWithLog(t *testing.T, log *os.File) (*exec.Cmd, *client.Client) {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(path, "serve", "--listen", "unix:"+socket, "--log-level", "debug")
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if _, err := out.Read(make([]byte, 256)); err != nil {
		t.Fatal(err)
	}
	return cmd, client.New("unix:" + socket)
}

func TestRequestsDoNotWaitForTheLog(t *testing.T) {
	for _, gone := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd, api := serveWithLog(t, w)
		w.Close()
		if gone {
			r.Close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		for range 2000 { // over 64 KiB of lines: the pipe is full
			if _, err := api.Version(ctx); err != nil {
				t.Fatalf("reader gone %v: %v", gone, err)
			}
		}
		cancel()
		_ = cmd.Process.Signal(syscall.SIGHUP)
		if err := cmd.Wait(); err != nil {
			t.Errorf("reader gone %v: ended with %v", gone, err)
		}
		if !gone {
			r.Close()
		}
	}
}

func TestLogWriterCountsDroppedLines(t *testing.T) {
	r, out := io.Pipe()
	w := newLogWriter(out)
	const lines = 2 * logBacklog
	for range lines {
		_, _ = w.Write([]byte("line\n"))
	}
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	w.close(time.Minute)
	out.Close()
	text := <-read
	if kept := strings.Count(text, "line\n"); kept < logBacklog || kept == lines || !strings.Contains(text, " log lines: the log could not be written") {
		t.Errorf("%d lines were kept: %.200q", kept, text)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	if os.Getenv("GLEAN_TEST_SIGNALS") != "" {
		ctx, _ := untilSignal()
		os.Stdout.WriteString("ready")
		<-ctx.Done()
		os.Stdout.WriteString("stopping")
		select {} // a stop that hangs
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSecondSignalEndsAtOnce$")
	cmd.Env = append(os.Environ(), "GLEAN_TEST_SIGNALS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ready", "stopping"} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(out, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d, want 143", code)
	}
}

// TestOnlyRegularFilesOfLimitedSizeAreRead holds for configuration and scenario files.
func TestOnlyRegularFilesOfLimitedSizeAreRead(t *testing.T) {
	dir := t.TempDir()
	fifo, huge := filepath.Join(dir, "fifo"), filepath.Join(dir, "huge")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, configMax+1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{fifo: "not a regular file", "/dev/zero": "not a regular file", dir: "not a regular file", huge: "larger than"} {
		_, ofConfig := readConfig(path, false)
		_, ofScenario := file.Open(path)
		for _, err := range []error{ofConfig, ofScenario} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", path, err, want)
			}
		}
	}
}

// TestLostOutputFails: every command exits with 1 if its output could not be written.
func TestLostOutputFails(t *testing.T) {
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"help", "--help", "version", "demo", "explain", "explain ipv4", "help serve", "serve --help", "sim --help", "sim list", "sim show demo", "sim help",
		"sim run demo", "sim run --json demo", "sim check --seeds 1", "sim check --seeds 1 -v",
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		cmd := exec.Command(path, strings.Fields(line)...)
		cmd.Stdout, cmd.Stderr = full, &errs
		_ = cmd.Run()
		full.Close()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("glean %s: exit %d, %q; want 1 and the reason", line, code, errs.String())
		}
	}
}
