package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"glean/server"
)

// version is the newest version in CHANGELOG.md.
const version = "0.1.0"

// commit and commitTime (RFC 3339) are set by the Makefile. Without it "go build"
// stores both in the build info.
var commit, commitTime string

// buildVersion returns version, commit and time of this build. The commit is empty and
// the time zero if neither the Makefile nor the build info has them.
func buildVersion() server.Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(info, commit, commitTime)
}

// versionOf prefers the linker's values to those of the build info.
func versionOf(info *debug.BuildInfo, commit, commitTime string) server.Version {
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && commit == "":
			commit = s.Value
		case s.Key == "vcs.time" && commitTime == "":
			commitTime = s.Value
		}
	}
	at, err := time.Parse(time.RFC3339, commitTime)
	if err != nil {
		at = time.Time{}
	}
	return server.Version{Version: version, Commit: commit, BuildTime: at.UTC()}
}

// versionLine returns the output of "glean version".
func versionLine(v server.Version) string {
	built := cmp.Or(v.Commit, "unknown")
	if !v.BuildTime.IsZero() {
		built += " of " + v.BuildTime.Format(time.RFC3339)
	}
	return fmt.Sprintf("glean %s (commit %s, %s)\n", v.Version, built, runtime.Version())
}

func runVersion(c command, args []string) error {
	if err := c.parse(c.newFlags(), args); err != nil {
		return err
	}
	fmt.Fprint(stdout, versionLine(buildVersion()))
	return nil
}
