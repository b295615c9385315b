package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"glean/generator"
	"glean/generator/program"
	"glean/generator/transmit"
	"glean/server"
	"glean/server/engine"
	"glean/stack/link"
	"glean/stack/loop"
)

// stopWithin is the time within which the daemon ends after SIGTERM.
const stopWithin = 2 * time.Second

type serveFlags struct {
	limits engine.Limits // there are no flags for limits

	listen, config, logLevel, logFormat string
	lab                                 string
	openPerf, dropOverruns, insecure    bool
	allowHosts                          hostFlags
	ports                               portFlags
	portLines                           []int // lines of the ports in the configuration file; empty if they are from flags
}

func runServe(c command, args []string) error {
	var f serveFlags
	fs := c.newFlags()
	fs.StringVar(&f.listen, "listen", "", "address and port of the REST API, or unix:PATH for a Unix socket (default 127.0.0.1:9000)")
	fs.BoolVar(&f.insecure, "insecure", false, "allow --listen on an address that is not loopback; every host that reaches it can control the daemon")
	fs.Var(&f.allowHosts, "allow-host", "also accept requests on loopback whose Host header is `NAME`, repeatable")
	fs.StringVar(&f.config, "config", "", "configuration `file` (YAML): listen, ports, resources, limits; OpenPerf's file works, too")
	fs.StringVar(&f.config, "c", "", "short for --config")
	fs.Var(&f.ports, "port", "`ID=KIND:ARG`, repeatable: 0=tap:NAME[,queues=N][,persist][,mtu=N], 1=packet:DEVICE,\n2=wire:NAME;\ndefault: ports 0 and 1, connected by a wire")
	fs.StringVar(&f.lab, "lab", "", "scenario `file` (or name, see \"glean sim list\") whose network runs in real time behind\nthe ports that it names; its interfaces and generators are made, but no generator is started")
	fs.BoolVar(&f.openPerf, "openperf", false, "behave like OpenPerf where the two differ")
	fs.BoolVar(&f.dropOverruns, "drop-overruns", false, "drop and count frames that the device cannot take in time, instead of sending them late")
	fs.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error; info logs each change of state, debug also each request and event")
	fs.StringVar(&f.logFormat, "log-format", "text", "text or json")
	if err := c.parse(fs, args); err != nil {
		return err
	}
	// The daemon must survive a reader of its log that ends.
	signal.Ignore(syscall.SIGPIPE)
	lines := newLogWriter(os.Stderr)
	defer lines.close(stopWithin / 4)
	log, err := f.logger(lines)
	if err != nil {
		return err
	}
	resources, err := f.readConfig(log)
	if err != nil {
		return err
	}
	if err := checkListen(f.listen, f.insecure); err != nil {
		return err
	}
	ctx, cancel := untilSignal()
	defer cancel()
	return serveUntil(ctx, f, resources, log)
}

// readConfig merges the file into the flags. The command line overrides the file.
func (f *serveFlags) readConfig(log *slog.Logger) ([]resource, error) {
	var resources []resource
	if f.config != "" {
		c, err := readConfig(f.config, f.openPerf)
		if err != nil {
			return nil, usageErrorf("--config: %v", err)
		}
		for _, key := range c.Unknown {
			log.Warn("unknown key in the configuration file", "key", key.String())
		}
		if f.listen == "" {
			f.listen = c.Listen
		}
		if len(f.ports) == 0 {
			for _, p := range c.Ports {
				f.ports, f.portLines = append(f.ports, p.PortSpec), append(f.portLines, p.line)
			}
		}
		f.limits, resources = c.Limits, c.Resources
	}
	if f.listen == "" {
		f.listen = "127.0.0.1:9000"
	}
	if len(f.ports) == 0 && f.lab == "" {
		f.ports = backToBack("0", "1")
	}
	return resources, nil
}

func (f *serveFlags) logger(out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usageErrorf("--log-level: %q is not debug, info, warn or error", f.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(out, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, options)), nil
	}
	return nil, usageErrorf("--log-format: %q is not text or json", f.logFormat)
}

// serveUntil runs the daemon until ctx ends.
func serveUntil(ctx context.Context, f serveFlags, resources []resource, log *slog.Logger) error {
	if f.limits.Memory == 0 {
		f.limits.Memory = memoryBudget()
	}
	limitHeap(f.limits.Memory)
	l := loop.NewReal()
	wall := loop.NewWall(l)
	go wall.Follow(l.Done())
	e := engine.New(engine.Config{
		Loop: l,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		Transmit: func(r *program.Run, q link.Queue, done func(error)) generator.Transmitter {
			return transmit.Start(r, q, l.Clock, func(reason error) { l.Post(func() { done(reason) }) })
		},
		DropOverruns: f.dropOverruns,
		Epoch:        wall.Epoch,
		Processors:   runtime.NumCPU(),
		Limits:       f.limits,
	})
	s := server.New(server.Config{
		Loop: l, Engine: e, Wall: wall, Openers: openers(l), OpenPerf: f.openPerf, Hosts: f.allowHosts,
		Limits:  server.Limits{Connections: maxConnections()},
		Version: buildVersion(), Logger: log,
	})
	logged := s.LogEvents()
	defer func() { <-logged }()
	go l.Run()
	defer stopLoop(l, s, e)
	if f.lab != "" {
		if err := openLab(ctx, s, l, f.lab); err != nil {
			return err
		}
	}
	for i, spec := range f.ports {
		if err := s.OpenPort(ctx, spec); err != nil {
			return f.portError(i, err)
		}
	}
	for _, r := range resources {
		if err := s.Apply(ctx, r.Path, r.Body); err != nil {
			return fmt.Errorf("%s: line %d: resource %q: %w", f.config, r.lineOf(err), r.Path, err)
		}
	}
	listener, err := listen(f.listen)
	if err != nil {
		return usageErrorf("--listen %s: %v", f.listen, listenError(err))
	}
	if _, err := fmt.Printf("listening on %s\n", urlOf(listener)); err != nil {
		log.Warn("could not print the listening address", "error", err)
	}
	return serveHTTP(ctx, s.HTTPServer(), s.Listener(listener), log)
}

// portError returns an error that names the flag or the line that a port came from.
func (f *serveFlags) portError(i int, err error) error {
	p := f.ports[i]
	if i < len(f.portLines) {
		return usageErrorf("%s: line %d: port %q (%s:%s): %v", f.config, f.portLines[i], p.ID, p.Kind, p.Name, err)
	}
	return usageErrorf("--port %s=%s:%s: %v", p.ID, p.Kind, p.Name, err)
}

// serveHTTP serves until ctx ends. Requests in progress then have a quarter of stopWithin
// to finish.
func serveHTTP(ctx context.Context, h *http.Server, listener net.Listener, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping")
	grace, cancel := context.WithTimeout(context.Background(), stopWithin/4)
	defer cancel()
	if err := h.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return h.Close()
}

// stopLoop stops the transmitters, closes the links and ends the loop.
func stopLoop(l *loop.Real, s *server.Server, e *engine.Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin/2)
	defer cancel()
	stopped := make(chan struct{})
	_ = s.Do(ctx, func() { e.Stop(func() { close(stopped) }) })
	select {
	case <-stopped:
	case <-ctx.Done():
	}
	l.Stop()
	<-l.Done()
}
