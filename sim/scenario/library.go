package scenario

import (
	"embed"
	"os"
	"slices"
	"strings"
)

//go:embed library/*.yaml
var library embed.FS

// Library lists the scenarios that come with glean, by name.
func Library() (names []string) {
	entries, _ := library.ReadDir("library") // embedded: it is there
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Open reads a scenario file, or the scenario of that name in the library.
func Open(name string) (*Scenario, error) {
	if slices.Contains(Library(), name) {
		text, err := library.ReadFile("library/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		return Load("library/"+name+".yaml", text)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Load(name, text)
}
