// Package swarm checks glean in small random worlds.
//
//	seed --Draw--> RandomWorld --Scenario--> scenario.Run --> checks --> Outcome
//
// In each world there are faults at first, then the network is healed, and every
// address must be decided in time and rightly. Read random_world.go first: it holds
// what a world can contain and draws it from a seed. random_scenario.go turns it into
// a scenario; the other random_*.go files add kinds of events. check.go and the other
// check_*.go files hold the rules of liveness; the rules of safety are those of
// package scenario. sweep.go checks many seeds on all cores. mutants_test.go builds
// glean with deliberate faults, each of which a sweep must find.
package swarm
