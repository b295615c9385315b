package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestIDsAreAtTheBeginningOfNames(t *testing.T) {
	for name, want := range map[string]string{
		"TestConformanceARP/A01_other_types":          "[A01]",
		"TestConformanceND/H02_H03_a_packet/v6":       "[H02 H03]",
		"TestN03RepliesStay":                          "[N03]",
		"TestN03N04Both":                              "[N03 N04]",
		"TestN07":                                     "[N07]",
		"TestTable/G-rows_7.2.5_stale_S=false":        "[G-rows]",
		"TestTable/E05":                               "[E05]",
		"TestTable/E05/again":                         "[E05]",
		"TestMAC/C1:02":                               "[]",
		"TestA01x/E021_octets":                        "[A01]",
		"TestA011":                                    "[]",
		"TestSpeed/no_E05_at_the_beginning":           "[]",
		"TestConformanceND/F13_L01_an_address/E05_it": "[E05 F13 L01]",
		"TestTable/Z01_unknown":                       "[]",
	} {
		if got := fmt.Sprint(IDs(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// event is a line of `go test -json`.
func event(action, test string) string {
	return fmt.Sprintf(`{"Time":"2026-01-02T03:04:05Z","Action":%q,"Package":"p","Test":%q}`, action, test)
}

func TestVerdictsFollowOutcomes(t *testing.T) {
	items := []Item{{ID: "A01"}, {ID: "A02"}, {ID: "A03"}, {ID: "A04"}, {ID: "A05"}, {ID: "C01", Later: true}, {ID: "C02", Later: true}, {ID: "L03", Later: true}, {ID: "A06"}, {ID: "A07"}}
	lines := []string{
		"# not JSON",
		event("run", "TestX"), event("run", "TestX/A01_good"), event("pass", "TestX/A01_good"), event("pass", "TestX"),
		event("run", "TestA02"), event("run", "TestA02/v4"), event("skip", "TestA02/v4"), event("pass", "TestA02"),
		event("run", "TestA03"), event("run", "TestA03/v4"), event("pass", "TestA03/v4"), event("fail", "TestA03"),
		event("run", "TestA04"), // never ended
		event("run", "TestC02"), event("fail", "TestC02"),
		event("run", "TestL03"), event("pass", "TestL03"),
		event("run", "TestM09"), event("pass", "TestM09"),
		event("run", "TestA06"), event("skip", "TestA06"),
		event("run", "TestA07"), event("run", "TestA07/v4"), event("skip", "TestA07/v4"), event("run", "TestA07/v6"), event("pass", "TestA07/v6"), event("pass", "TestA07"),
		`{"Action":"fail","Package":"p"}`,
	}
	var other bytes.Buffer
	run, err := ReadTests(strings.NewReader(strings.Join(lines, "\n")), &other)
	if err != nil || other.String() != "# not JSON\n" || fmt.Sprint(run.Broken) != "[p]" {
		t.Fatalf("%v %q %v", err, other.String(), run.Broken)
	}
	judged, unknown := Judge(items, run)
	var got []string
	for _, j := range judged {
		got = append(got, fmt.Sprintf("%s %s %d %v", j.ID, j.Verdict, j.Tests, j.Good()))
	}
	want := []string{
		"A01 pass 1 true", "A02 SKIPPED 1 false", "A03 FAIL 2 false", "A04 FAIL 1 false", "A05 NO TEST 0 false",
		"C01 later 0 true", "C02 FAIL 1 false", "L03 pass 1 true", "A06 SKIPPED 1 false", "A07 pass 2 true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if fmt.Sprint(unknown) != "[M09]" {
		t.Errorf("unknown: %v", unknown)
	}
	var table bytes.Buffer
	if err := WriteTable(&table, judged); err != nil || !strings.Contains(table.String(), "p TestA03") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

func TestChecklistIsWellFormed(t *testing.T) {
	items, err := Checklist()
	if err != nil {
		t.Fatal(err)
	}
	later := 0
	groups := make(map[byte]int)
	for _, i := range items {
		groups[i.ID[0]]++
		if i.Later {
			later++
			if !strings.Contains("CJL", i.ID[:1]) || slices.Contains([]string{"C03", "C04", "C06", "C07", "L01"}, i.ID) {
				t.Errorf("%s must not be later", i.ID)
			}
		}
		if (i.RFC == "") != (i.ID[0] == 'N') {
			t.Errorf("%s: RFC %q", i.ID, i.RFC)
		}
	}
	if len(groups) != 14 || later != 9 {
		t.Errorf("%d groups, %d items later; want 14 and 9", len(groups), later)
	}
	for _, wrong := range []string{"| A1 | 826 | x | rule | |", "| A01 | 826 | x | | |", "| A01 | 826 | x | rule |",
		"| A01 | 826 | x | rule | never |", "| A01 | 1 | 1 | a | |\n| A01 | 1 | 1 | b | |"} {
		if _, err := parseChecklist(wrong); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}
