// Package traffic is the language in which test traffic is described. ParseConfig
// reads the JSON form of a generator's configuration and returns a Config, or every
// fault with its path.
//
// A traffic definition expands to flows: a template of headers and, for each
// modifier, a list of values. Nothing is stored per flow: the value of each modifier
// follows from the flow's index, so a million flows cost what a thousand cost.
//
// Open config.go first (load, duration, learning), then definition.go (a definition
// and its headers), modifiers.go and values.go (what changes from flow to flow),
// lengths.go and signature.go. fields.go is the table of all header fields. schema.go
// describes the same members for documentation. faults.go holds faults that show when
// a definition is compiled.
package traffic
