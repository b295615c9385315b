// Gate runs tests and judges them by the protocol checklist. It exits with 1 if a
// required rule has no test, or if a test of a rule failed or was skipped.
//
//	go run ./conformance/gate PACKAGES...
package main

import (
	"fmt"
	"os"
	"os/exec"

	"glean/conformance"
)

func main() {
	good, err := gate(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if !good {
		os.Exit(1)
	}
}

// gate runs the tests of the packages, prints the list, and reports
// whether every verdict is good.
func gate(packages []string) (bool, error) {
	items, err := conformance.Checklist()
	if err != nil {
		return false, fmt.Errorf("checklist.md: %w", err)
	}
	c := exec.Command("go", append([]string{"test", "-json"}, packages...)...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := c.Start(); err != nil {
		return false, err
	}
	run, err := conformance.ReadTests(out, os.Stderr)
	failed := c.Wait() // run has the failed tests
	if err != nil {
		return false, err
	}
	judged, unknown := conformance.Judge(items, run)
	if err := conformance.WriteTable(os.Stdout, judged); err != nil {
		return false, err
	}
	good := failed == nil && len(unknown) == 0
	counts := make(map[conformance.Verdict]int)
	for _, j := range judged {
		counts[j.Verdict]++
		good = good && j.Good()
	}
	fmt.Printf("\n%d rules: %d pass, %d later, %d FAIL, %d skipped, %d without test\n", len(judged),
		counts[conformance.Pass], counts[conformance.Later], counts[conformance.Fail],
		counts[conformance.Skipped], counts[conformance.Missing])
	if len(unknown) > 0 {
		fmt.Printf("tests carry unknown IDs: %v\n", unknown)
	}
	for _, p := range run.Broken {
		fmt.Printf("package %s failed\n", p)
	}
	if failed != nil && len(run.Broken) == 0 {
		fmt.Printf("go test: %v\n", failed)
	}
	return good, nil
}
