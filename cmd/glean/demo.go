package main

import (
	"fmt"

	"glean/sim/scenario"
	"glean/sim/scenario/file"
)

// runDemo runs the built-in demo scenario. It returns an error if an expectation failed.
func runDemo(c command, args []string) error {
	fs := c.newFlags()
	seed := fs.Uint64("seed", 1, "random seed")
	if err := c.parse(fs, args); err != nil {
		return err
	}
	s, err := file.Open("demo")
	if err != nil {
		return err
	}
	out := newWrapper(stdout)
	fmt.Fprintf(out, "%s\n\n", s.About)
	m := newProgressLine(stdout)
	report, err := scenario.Execute(s, scenario.Options{Seed: seed, Progress: m.show, Every: m.every})
	if err != nil {
		return err
	}
	if err := report.WriteText(out); err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("an expectation failed; \"glean demo --seed %d\" repeats this run", *seed)
	}
	return nil
}
