package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"glean/internal/document"
	"glean/sim"
	"glean/sim/scenario"
	"glean/sim/scenario/file"
	"glean/sim/swarm"
	"glean/stack/link/pcapng"
)

// simCommands are the subcommands of "glean sim".
func simCommands() []command {
	return []command{
		{"sim run", "[flags] FILE", "run a scenario file, or a scenario of the library by its name, in virtual time", runSimRun},
		{"sim check", "[flags]", "check small random worlds against the rules of safety and liveness", runSimCheck},
		{"sim list", "", "list the scenarios of the library", runSimList},
		{"sim show", "NAME", "print the file of a scenario of the library", runSimShow},
		{"sim help", "", "explain scenario files member by member", runSimHelp},
	}
}

// runSim runs the subcommand that its first argument names.
func runSim(c command, args []string) error {
	if len(args) == 0 {
		return usageErrorf("sim: a command is required: run, check, list, show or help")
	}
	for _, sub := range simCommands() {
		if sub.name == "sim "+args[0] {
			return sub.run(sub, args[1:])
		}
	}
	if args[0] == "-h" || args[0] == "--help" {
		fmt.Fprintf(stdout, "usage: glean sim COMMAND\n\n%s\n\n", c.does)
		for _, sub := range simCommands() {
			fmt.Fprintf(stdout, "  %-10s %-14s %s\n", sub.name, sub.args, sub.does)
		}
		return nil
	}
	return usageErrorf("sim: unknown command %q; \"glean sim --help\" lists them", args[0])
}

func runSimList(c command, args []string) error {
	if err := c.parse(c.newFlags(), args); err != nil {
		return err
	}
	out := newWrapper(stdout)
	for _, name := range file.Library() {
		s, err := file.Open(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-18s  %s\n", name, s.About)
	}
	return nil
}

// runSimShow prints a file of the library.
func runSimShow(c command, args []string) error {
	name, err := c.parseWithFile(c.newFlags(), args)
	if err != nil {
		return err
	}
	text, there := file.Text(name)
	if !there {
		near := document.Nearest(name, file.Library())
		if near != "" {
			near = fmt.Sprintf(" did you mean %q?", near)
		}
		return usageErrorf("sim show: no scenario %q in the library;%s \"glean sim list\" lists them", name, near)
	}
	_, err = stdout.Write(text)
	return err
}

// runSimHelp prints the format of scenario files.
func runSimHelp(c command, args []string) error {
	if err := c.parse(c.newFlags(), args); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s\n", file.FormatNotes)
	err := file.Format().Print(stdout, func(*document.Schema) string { return "" })
	if err == nil {
		_, err = fmt.Fprint(stdout, "\n\"glean sim list\" lists the scenarios of the library, \"glean sim show NAME\" prints one.\n")
	}
	return err
}

// runSimRun runs a scenario and prints its report. The exit status is 1 if an
// expectation failed.
func runSimRun(c command, args []string) error {
	fs := c.newFlags()
	seed := fs.Uint64("seed", 0, "random seed (default: the scenario's own)")
	pcap := fs.String("pcap", "", "write the frames of glean's ports to `FILE` (pcapng, virtual time)")
	svg := fs.String("svg", "", "draw the topology and the learned MACs to `FILE`")
	asJSON := fs.Bool("json", false, "print the report as JSON, without progress")
	name, err := c.parseWithFile(fs, args)
	if err != nil {
		return err
	}
	s, err := file.Open(name)
	if err != nil {
		return usageErrorf("sim run: %v", err)
	}
	o := scenario.Options{}
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "seed" {
			o.Seed = seed
		}
	})
	if *pcap != "" {
		out, err := os.Create(*pcap)
		if err != nil {
			return usageErrorf("sim run: --pcap: %v", err)
		}
		defer out.Close()
		o.Capture = pcapng.NewWriter(out, time.Unix(0, sim.Epoch))
	}
	if !*asJSON {
		if s.About != "" {
			fmt.Fprintf(newWrapper(stdout), "%s\n\n", s.About)
		}
		m := newProgressLine(stdout)
		o.Progress, o.Every = m.show, m.every
	}
	report, err := scenario.Execute(s, o)
	if err != nil {
		return usageErrorf("sim run: %v", err)
	}
	if *svg != "" {
		if err := os.WriteFile(*svg, report.SVG(), 0o666); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	if err := printReport(report, *asJSON); err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("%s: an expectation failed", name)
	}
	return nil
}

func printReport(r *scenario.Report, asJSON bool) error {
	if !asJSON {
		return r.WriteText(newWrapper(stdout))
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// parseWithFile parses flags before and after the one required argument, and returns
// the argument.
func (c command) parseWithFile(fs *flag.FlagSet, args []string) (string, error) {
	var files []string
	for {
		switch err := fs.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return "", c.parse(fs, []string{"--help"})
		case err != nil:
			return "", usageErrorf("%s: %s", fs.Name(), flagError(fs, err))
		}
		if args = fs.Args(); len(args) == 0 {
			break
		}
		files = append(files, args[0])
		args = args[1:]
	}
	if len(files) != 1 {
		return "", usageErrorf("%s: needs one argument, got %d", fs.Name(), len(files))
	}
	return files[0], nil
}

// runSimCheck checks one random world for each seed. For a world that failed it prints
// its drawing, the violated rules, and the command that repeats it.
func runSimCheck(c command, args []string) error {
	fs := c.newFlags()
	seeds := fs.Uint64("seeds", 1000, "number of worlds")
	from := fs.Uint64("from", 1, "the first seed")
	verbose := fs.Bool("v", false, "print every event of the world (with --seeds 1)")
	if err := c.parse(fs, args); err != nil {
		return err
	}
	if *seeds == 0 {
		return usageErrorf("sim check: --seeds must be at least 1, got 0")
	}
	if *verbose && *seeds == 1 {
		return showWorld(*from)
	}
	debug.SetGCPercent(800) // a world is small and short-lived: frequent collections cost a sixth of the time
	began := time.Now()
	sweep, err := swarm.Check(*from, *seeds, newWorldCounter(stdout, *seeds))
	if err != nil {
		return err
	}
	took := time.Since(began)
	for _, o := range sweep.Failures {
		fmt.Fprintf(stdout, "\nFAILED %s\n", o.World)
		for _, v := range o.Violations {
			fmt.Fprintf(stdout, "  %s\n", v)
		}
		fmt.Fprintf(stdout, "  repeat: glean sim check --from %d --seeds 1 -v\n", o.World.Seed)
	}
	if len(sweep.Failures) > 0 {
		return fmt.Errorf("%d of %d worlds failed", len(sweep.Failures), sweep.Worlds)
	}
	fmt.Fprintf(stdout, "%d worlds, seeds %d to %d: no violations; fingerprint %016x; %.1f s, %.0f worlds/s\n",
		sweep.Worlds, *from, *from+*seeds-1, sweep.Fingerprint, took.Seconds(), float64(sweep.Worlds)/took.Seconds())
	return nil
}

// showWorld prints every event of one world.
func showWorld(seed uint64) error {
	o, err := swarm.CheckSeed(seed, scenario.Options{Log: printEvent})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\nfingerprint %s\n", o.World, o.Fingerprint)
	for _, v := range o.Violations {
		fmt.Fprintf(stdout, "  %s\n", v)
	}
	if !o.OK() {
		return fmt.Errorf("the world of seed %d failed", seed)
	}
	return nil
}
