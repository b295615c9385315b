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
	"glean/sim/scenario"
)

// simCommands are the subcommands of "glean sim".
func simCommands() []command {
	return []command{
		{"sim run", "[flags] FILE", "run one scenario file, or one of the library by its name, in virtual time", runSimRun},
		{"sim check", "[flags]", "check random small worlds: faults, healing, verdicts", runSimCheck},
		{"sim list", "", "list the scenarios of the library", runSimList},
		{"sim show", "NAME", "print the file of a scenario of the library", runSimShow},
		{"sim help", "", "explain scenario files member by member", runSimHelp},
	}
}

// runSim chooses one of them.
func runSim(c command, args []string) error {
	if len(args) == 0 {
		return usageErrorf("sim: which one? \"glean sim --help\" lists run, check, list, show and help")
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
	for _, name := range scenario.Library() {
		s, err := scenario.Open(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-18s  %s\n", name, s.About)
	}
	return nil
}

// runSimShow prints a file of the library, to begin one's own with.
func runSimShow(c command, args []string) error {
	name, err := c.parseWithFile(c.newFlags(), args)
	if err != nil {
		return err
	}
	text, there := scenario.Text(name)
	if !there {
		near := document.Nearest(name, scenario.Library())
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
	fmt.Fprintf(stdout, "%s\n", scenario.FormatNotes)
	err := scenario.Format().Print(stdout, func(*document.Schema) string { return "" })
	if err == nil {
		_, err = fmt.Fprint(stdout, "\n\"glean sim list\" lists files to begin with, \"glean sim show NAME\" prints one.\n")
	}
	return err
}

// runSimRun runs a scenario and prints what came of it. The exit status is
// 1 if an expectation failed.
func runSimRun(c command, args []string) error {
	fs := c.newFlags()
	seed := fs.Uint64("seed", 0, "where all chance comes from, instead of the scenario's own")
	pcap := fs.String("pcap", "", "write what passes glean's ports to `FILE` (pcapng, virtual time)")
	svg := fs.String("svg", "", "draw the topology and what was learned to `FILE`")
	asJSON := fs.Bool("json", false, "print the report as JSON, and no progress")
	file, err := c.parseWithFile(fs, args)
	if err != nil {
		return err
	}
	s, err := scenario.Open(file)
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
		o.Pcap = out
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
		return fmt.Errorf("%s: not all went as expected", file)
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

// parseWithFile parses flags before and after the one argument that must be
// there.
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
		return "", usageErrorf("%s: want one FILE, got %d", fs.Name(), len(files))
	}
	return files[0], nil
}

// runSimCheck sweeps over seeds. A failure shows what was drawn, what broke, and
// the command that shows it again.
func runSimCheck(c command, args []string) error {
	fs := c.newFlags()
	seeds := fs.Uint64("seeds", 1000, "how many worlds")
	from := fs.Uint64("from", 1, "the first seed")
	verbose := fs.Bool("v", false, "with one seed: print every event of the world")
	if err := c.parse(fs, args); err != nil {
		return err
	}
	if *seeds == 0 {
		return usageErrorf("sim check: --seeds 0: there is nothing to check")
	}
	if *verbose && *seeds == 1 {
		return showWorld(*from)
	}
	debug.SetGCPercent(800) // a world is small and soon gone: collecting it at once costs a sixth of the time
	began := time.Now()
	sweep, err := scenario.Check(*from, *seeds, newWorldCounter(stdout, *seeds))
	if err != nil {
		return err
	}
	took := time.Since(began)
	for _, o := range sweep.Failures {
		fmt.Fprintf(stdout, "\nFAILED %s\n", o.Drawn)
		for _, v := range o.Violations {
			fmt.Fprintf(stdout, "  %s\n", v)
		}
		fmt.Fprintf(stdout, "  again: glean sim check --from %d --seeds 1 -v\n", o.Drawn.Seed)
	}
	if len(sweep.Failures) > 0 {
		return fmt.Errorf("%d of %d worlds failed", len(sweep.Failures), sweep.Worlds)
	}
	fmt.Fprintf(stdout, "%d worlds, seeds %d to %d: all well; fingerprint %016x; %.1f s, %.0f worlds/s\n",
		sweep.Worlds, *from, *from+*seeds-1, sweep.Fingerprint, took.Seconds(), float64(sweep.Worlds)/took.Seconds())
	return nil
}

// showWorld prints all that happens in one world.
func showWorld(seed uint64) error {
	o, err := scenario.CheckSeed(seed, scenario.Options{Log: printEvent})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\nfingerprint %s\n", o.Drawn, o.Fingerprint)
	for _, v := range o.Violations {
		fmt.Fprintf(stdout, "  %s\n", v)
	}
	if !o.OK() {
		return fmt.Errorf("the world of seed %d failed", seed)
	}
	return nil
}
