package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the version of the last entry of CHANGELOG.md.
const version = "0.1.0"

// commit is set by the Makefile; a plain "go build" has it from the build info.
var commit = ""

func buildCommit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func runVersion(c command, args []string) error {
	if err := c.parse(c.newFlags(), args); err != nil {
		return err
	}
	fmt.Printf("glean %s (commit %s, %s)\n", version, buildCommit(), runtime.Version())
	return nil
}
