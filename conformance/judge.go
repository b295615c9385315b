package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Test is a test or subtest of a run.
type Test struct {
	Package, Name string
	Outcome       string // "pass", "fail" or "skip"; "" if it never ended
}

// Run is the outcome of `go test -json`.
type Run struct {
	Tests  []Test   // in the order in which they began
	Broken []string // packages that failed, also those that failed before any test
}

// longestLine is the largest length in octets of a line of `go test -json`, which has at
// most one line of a test's output.
const longestLine = 1 << 22

// ReadTests reads the output of `go test -json`. It writes lines that are not JSON, such
// as those of a failed build, to other.
func ReadTests(in io.Reader, other io.Writer) (Run, error) {
	var run Run
	index := make(map[[2]string]int)
	d := bufio.NewScanner(in)
	d.Buffer(nil, longestLine)
	for d.Scan() {
		var e struct{ Action, Package, Test, Output string }
		if err := json.Unmarshal(d.Bytes(), &e); err != nil {
			fmt.Fprintf(other, "%s\n", d.Bytes())
			continue
		}
		switch {
		case e.Test == "" && e.Action == "fail":
			run.Broken = append(run.Broken, e.Package)
		case e.Test == "" && e.Action == "build-output":
			fmt.Fprint(other, e.Output)
		case e.Test == "":
		case e.Action == "run":
			index[[2]string{e.Package, e.Test}] = len(run.Tests)
			run.Tests = append(run.Tests, Test{Package: e.Package, Name: e.Test})
		case slices.Contains([]string{"pass", "fail", "skip"}, e.Action):
			if at, ok := index[[2]string{e.Package, e.Test}]; ok {
				run.Tests[at].Outcome = e.Action
			}
		}
	}
	return run, d.Err()
}

// Verdict is the outcome of an item.
type Verdict string

// Verdicts. Only Pass and Later are good.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "FAIL"    // a test that carries the ID failed or never ended
	Skipped Verdict = "SKIPPED" // all tests that carry it were skipped
	Missing Verdict = "NO TEST"
	Later   Verdict = "later" // no test, and none is needed yet
)

// Judged is an item with its verdict.
type Judged struct {
	Item
	Verdict Verdict
	Tests   int      // tests that carry the ID and have no subtests
	Bad     []string // tests that did not pass, with their packages
}

// Good reports whether the gate accepts the verdict.
func (j Judged) Good() bool { return j.Verdict == Pass || j.Verdict == Later }

// Judge returns each item with its verdict, and in unknown the IDs of tests that no item
// has.
func Judge(items []Item, run Run) (judged []Judged, unknown []string) {
	parents := make(map[[2]string]bool)
	for _, t := range run.Tests {
		for at, c := range t.Name {
			if c == '/' {
				parents[[2]string{t.Package, t.Name[:at]}] = true
			}
		}
	}
	index := make(map[string]int)
	for n, i := range items {
		index[i.ID] = n
		judged = append(judged, Judged{Item: i})
	}
	passed := make([]int, len(items))
	for _, t := range run.Tests {
		for _, id := range IDs(t.Name) {
			n, known := index[id]
			if !known {
				unknown = append(unknown, id)
				continue
			}
			j := &judged[n]
			switch leaf := !parents[[2]string{t.Package, t.Name}]; {
			case t.Outcome == "fail", t.Outcome == "":
				j.Verdict = Fail
				j.Bad = append(j.Bad, t.Package+" "+t.Name)
				fallthrough
			case leaf && t.Outcome == "skip":
				j.Tests++
			case leaf:
				j.Tests++
				passed[n]++
			}
		}
	}
	for n := range judged {
		judged[n].conclude(passed[n])
	}
	slices.Sort(unknown)
	return judged, slices.Compact(unknown)
}

func (j *Judged) conclude(passed int) {
	switch {
	case j.Verdict == Fail:
	case passed > 0:
		j.Verdict = Pass
	case j.Tests > 0:
		j.Verdict = Skipped
	case j.Later:
		j.Verdict = Later
	default:
		j.Verdict = Missing
	}
}

var (
	idWord  = regexp.MustCompile(`^(?:[A-N][0-9]{2}|G-rows)(?:_|$)`)
	idTests = regexp.MustCompile(`^Test((?:[A-N][0-9]{2})+)(?:[^0-9]|$)`)
)

// IDs returns the IDs that a test carries. Its name or the name of a parent begins with
// them: a test's right after "Test", a subtest's as words.
func IDs(name string) []string {
	var ids []string
	for part := range strings.SplitSeq(name, "/") {
		if m := idTests.FindStringSubmatch(part); m != nil {
			for at := 0; at < len(m[1]); at += 3 {
				ids = append(ids, m[1][at:at+3])
			}
		}
		for word := idWord.FindString(part); word != ""; word = idWord.FindString(part) {
			ids = append(ids, strings.TrimSuffix(word, "_"))
			part = part[len(word):]
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// WriteTable prints the list as a table.
func WriteTable(w io.Writer, judged []Judged) error {
	var group byte
	for _, j := range judged {
		if j.ID[0] != group {
			group = j.ID[0]
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		source := "glean"
		if j.RFC != "" {
			source = "RFC " + j.RFC + ": " + j.Section
		}
		if _, err := fmt.Fprintf(w, "%-7s %-6s %4d  %s (%s)\n", j.Verdict, j.ID, j.Tests, j.Rule, source); err != nil {
			return err
		}
		for _, bad := range j.Bad {
			if _, err := fmt.Fprintf(w, "                      %s\n", bad); err != nil {
				return err
			}
		}
	}
	return nil
}
