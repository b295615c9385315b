package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that the first SIGTERM, SIGINT or SIGHUP cancels. The
// second signal ends the process at once.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		<-signals
		cancel()
		sig := <-signals
		os.Exit(128 + int(sig.(syscall.Signal)))
	}()
	return ctx, cancel
}
