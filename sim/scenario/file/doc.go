// Package file reads scenario files: YAML that describes a network, glean's place in
// it, and what happens.
//
//	text --yaml.go--> values with places --load.go--> scenario.Scenario
//
// load.go reads a file from its top down: start there. timeline.go reads the steps,
// bodies.go the bodies of the API, references.go checks the names that parts of a
// file have for each other, and yaml.go reads single values. format.go describes the
// same members for "glean sim help"; a test compares the two. library.go holds the
// scenarios that are part of glean.
package file
