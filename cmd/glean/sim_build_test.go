package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBinariesAgree: the result of a run depends on the scenario alone, not on the
// binary, the number of processors or the race detector.
func TestBinariesAgree(t *testing.T) {
	under, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if len(buildFlags) == 0 {
		t.Log("no binary with -race is compared here; \"make race\" does that")
	}
	binaries := []string{under}
	for _, name := range []string{"one", "two"} {
		path := filepath.Join(t.TempDir(), name, "glean")
		if out, err := exec.Command("go", "build", "-trimpath", "-o", path, ".").CombinedOutput(); err != nil {
			t.Fatalf("go build: %v: %s", err, out)
		}
		binaries = append(binaries, path)
	}
	if !bytes.Equal(contents(t, binaries[1]), contents(t, binaries[2])) {
		t.Error("two builds of the same code differ")
	}
	for _, scenario := range []string{"lossy-wan", "gateway-failover"} {
		want := fingerprintOf(t, under, scenario, "1")
		for _, binary := range binaries {
			for _, processors := range []string{"1", "4"} {
				if got := fingerprintOf(t, binary, scenario, processors); got != want {
					t.Errorf("%s: %s from %s on %s processors, %s from %s on one", scenario, got, binary, processors, want, under)
				}
			}
		}
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fingerprintOf runs a scenario of the library and returns its fingerprint.
func fingerprintOf(t *testing.T, binary, scenario, processors string) string {
	t.Helper()
	cmd := exec.Command(binary, "sim", "run", scenario, "--json")
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+processors)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	var report struct{ Fingerprint string }
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Fingerprint) != 16 {
		t.Fatalf("fingerprint %q", report.Fingerprint)
	}
	return report.Fingerprint
}
