package file

import (
	"embed"
	"slices"
	"strings"

	"glean/internal/document"
	"glean/sim/scenario"
)

//go:embed library/*.yaml
var library embed.FS

// Library returns the names of the scenarios that are part of glean.
func Library() (names []string) {
	entries, _ := library.ReadDir("library") // cannot fail: it is embedded
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Text returns the file of a scenario of the library, or false if there is none of that
// name.
func Text(name string) ([]byte, bool) {
	if !slices.Contains(Library(), name) {
		return nil, false
	}
	text, err := library.ReadFile("library/" + name + ".yaml")
	return text, err == nil
}

// fileMax is the size in octets of the largest scenario file.
const fileMax = 16 << 20

// Open reads a scenario file, or the scenario of that name in the library.
func Open(name string) (*scenario.Scenario, error) {
	if text, there := Text(name); there {
		return Load("library/"+name+".yaml", text)
	}
	text, err := document.ReadFile(name, fileMax)
	if err != nil {
		return nil, err
	}
	return Load(name, text)
}
