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
	"glean/generator/transmit"
	"glean/server"
	"glean/server/engine"
	"glean/stack/link"
	"glean/stack/loop"
)

// stopWithin is how long SIGTERM may take.
const stopWithin = 2 * time.Second

type serveFlags struct {
	limits engine.Limits // from the file only

	listen, config, logLevel, logFormat string
	lab                                 string
	openPerf, dropOverruns, insecure    bool
	allowHosts                          hostFlags
	ports                               portFlags
	portLines                           []int // of the ports in the file that they came from; none from flags
}

func runServe(c command, args []string) error {
	var f serveFlags
	fs := c.newFlags()
	fs.StringVar(&f.listen, "listen", "", "address and port of the REST API, or unix:PATH for a Unix socket (default 127.0.0.1:9000)")
	fs.BoolVar(&f.insecure, "insecure", false, "serve other machines too: with --listen on an address that is not loopback, every host that reaches it may control the daemon")
	fs.Var(&f.allowHosts, "allow-host", "`NAME` that requests on loopback may have as their host besides localhost, repeatable")
	fs.StringVar(&f.config, "config", "", "configuration `file` (YAML): listen, ports, resources, limits; OpenPerf's is taken too")
	fs.StringVar(&f.config, "c", "", "short for --config")
	fs.Var(&f.ports, "port", "`ID=KIND:ARG`, repeatable: 0=tap:NAME[,queues=N][,persist][,mtu=N], 1=packet:DEVICE,\n2=wire:NAME;\nwithout any: ports 0 and 1, back to back on a wire")
	fs.StringVar(&f.lab, "lab", "", "scenario `file` (or name, see \"glean sim list\") whose network runs in real time behind\nthe ports that it names; its interfaces and generators are made, and generators are started by you")
	fs.BoolVar(&f.openPerf, "openperf", false, "behave as OpenPerf does where the two differ")
	fs.BoolVar(&f.dropOverruns, "drop-overruns", false, "count frames that the device could not take as dropped, instead of sending them late")
	fs.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error; info has a line for each change of state, debug for each request and event too")
	fs.StringVar(&f.logFormat, "log-format", "text", "text or json")
	if err := c.parse(fs, args); err != nil {
		return err
	}
	// A log whose reader has gone is no reason to end.
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

// readConfig merges the file into the flags; what the command line says wins.
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
		Transmit: func(r *generator.Run, q link.Queue, done func(error)) generator.Transmitter {
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
		log.Warn("the line of readiness could not be written", "error", err)
	}
	return serveHTTP(ctx, s.HTTPServer(), s.Listener(listener), log)
}

// portError blames the flag or the line of the file that a port came from.
func (f *serveFlags) portError(i int, err error) error {
	p := f.ports[i]
	if i < len(f.portLines) {
		return usageErrorf("%s: line %d: port %q (%s:%s): %v", f.config, f.portLines[i], p.ID, p.Kind, p.Name, err)
	}
	return usageErrorf("--port %s=%s:%s: %v", p.ID, p.Kind, p.Name, err)
}

// serveHTTP serves until ctx ends, then gives requests in progress a moment.
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
