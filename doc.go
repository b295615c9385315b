// Package glean holds the project's law: its tests check formatting, import
// arrows and banned calls over the whole tree. The program is in cmd/glean; start
// reading at ARCHITECTURE.md.
package glean
