// Command glean is a packet traffic generator that finds the destination MACs
// itself. See README.md, and "glean help".
//
// This package holds flags and wiring only. Read main.go first: it lists the
// subcommands. Each of them has a file: serve.go, demo.go, sim.go, explain.go and
// version.go. The other files help them: config*.go read the configuration file,
// ports.go and flags.go the flags; openers.go and listen.go open devices and
// sockets; wrap.go and progress.go print on a terminal.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// command is one subcommand. run returns a usageError for a wrong command line
// (exit 2), another error for a failure (exit 1).
type command struct {
	name, args, does string
	run              func(c command, args []string) error
}

func commands() []command {
	return []command{
		{"demo", "[flags]", "learn and transmit in a simulated network; no root, no config", runDemo},
		{"serve", "[flags]", "run the daemon: REST API, ports on TAP devices, network devices and in-process wires", runServe},
		{"sim", "run|check|list|show|help", "simulate networks on a virtual clock: scenario files, random worlds", runSim},
		{"explain", "[TOPIC]", "print members, ranges and defaults of request bodies, headers and files", runExplain},
		{"version", "", "print version, commit and Go version", runVersion},
	}
}

func main() {
	os.Exit(stdout.exit(run(os.Args[1:], stdout, os.Stderr), os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	name := args[0]
	if name == "help" && len(args) > 1 {
		name, args = args[1], append(args[1:], "--help")
	}
	if name == "-v" || name == "--version" || name == "-version" {
		name = "version"
	}
	if name == "help" || name == "-h" || name == "--help" {
		usage(stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name == name {
			return exitCode(c.run(c, args[1:]), stderr)
		}
	}
	return exitCode(usageErrorf("unknown command %q; \"glean help\" lists them", name), stderr)
}

func usage(w io.Writer) {
	fmt.Fprint(w, "glean generates packet traffic and finds the destination MACs itself.\n\nusage: glean COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.does)
	}
	fmt.Fprint(w, "\n\"glean COMMAND --help\" shows a command's flags.\n")
}

// usageError is a mistake on the command line or in a configuration file.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, new(usageError)):
		fmt.Fprintf(stderr, "glean: %s\n", oneLine(err))
		return 2
	}
	fmt.Fprintf(stderr, "glean: %s\n", oneLine(err))
	return 1
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// newFlags makes the flag set of a subcommand.
func (c command) newFlags() *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // main prints mistakes, as one line
	fs.Usage = func() {}     // and no help after them
	return fs
}

// parse parses flags and refuses stray arguments. --help goes to stdout.
func (c command) parse(fs *flag.FlagSet, args []string) error {
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "usage: %s\n\n%s\n\n", strings.TrimSpace("glean "+c.name+" "+c.args), c.does)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		return err
	case err != nil:
		return usageErrorf("%s: %s", fs.Name(), flagError(fs, err))
	case fs.NArg() > 0:
		return usageErrorf("%s: unexpected argument %q", fs.Name(), fs.Arg(0))
	}
	return nil
}
