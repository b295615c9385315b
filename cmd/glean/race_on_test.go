//go:build race

package main

// buildFlags make the daemon under test watch for races when the test does.
var buildFlags = []string{"-race"}
