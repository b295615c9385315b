package main

import (
	"fmt"
	"os"
	"time"

	"glean/sim/scenario"
)

// runSim chooses between "sim run" and "sim check".
func runSim(c command, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "check":
			return runSimCheck(command{"sim check", "[--seeds N] [--from S]", "check random small worlds for safety and liveness", nil}, args[1:])
		case "-h", "--help":
			fmt.Printf("usage: glean sim check [--seeds N] [--from S]\n\n%s\n", c.does)
			return nil
		}
	}
	return usageErrorf("sim: want \"sim check\"; \"glean sim --help\" tells more")
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
	began := time.Now()
	sweep, err := scenario.Check(*from, *seeds, newCounter(os.Stdout, *seeds))
	if err != nil {
		return err
	}
	took := time.Since(began)
	for _, o := range sweep.Failures {
		fmt.Printf("\nFAILED %s\n", o.Drawn)
		for _, v := range o.Violations {
			fmt.Printf("  %s\n", v)
		}
		fmt.Printf("  again: glean sim check --from %d --seeds 1 -v\n", o.Drawn.Seed)
	}
	if len(sweep.Failures) > 0 {
		return fmt.Errorf("%d of %d worlds failed", len(sweep.Failures), sweep.Worlds)
	}
	fmt.Printf("%d worlds, seeds %d to %d: all well; %.1f s, %.0f worlds/s\n",
		sweep.Worlds, *from, *from+*seeds-1, took.Seconds(), float64(sweep.Worlds)/took.Seconds())
	return nil
}

// showWorld prints all that happens in one world.
func showWorld(seed uint64) error {
	o, err := scenario.CheckSeed(seed, scenario.Options{Log: printEvent})
	if err != nil {
		return err
	}
	fmt.Printf("\n%s\nfingerprint %s\n", o.Drawn, o.Fingerprint)
	for _, v := range o.Violations {
		fmt.Printf("  %s\n", v)
	}
	if !o.OK() {
		return fmt.Errorf("the world of seed %d failed", seed)
	}
	return nil
}
