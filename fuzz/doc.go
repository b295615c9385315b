// Package fuzz holds fuzz targets for the header formats, one file per format. Read
// laws_test.go first: it has the checks that the targets share.
//
//	bytes --> Parse --> error, or header --> Emit --> bytes --> Parse --> equal header
//
// Two laws hold for all bytes: nothing panics, and Emit reproduces each header that
// Parse accepts. A target for a format with a checksum tries the input unchanged and
// again with the right checksum, so that the fuzzer also reaches the code after the
// check. `make fuzz` runs every target for some seconds.
//
// Each target of the project, also in other packages, starts with the inputs in
// testdata/fuzz/TARGET. They are a few of many millions, which together cover the most
// code. When a fault is mended, the input that showed it is added there.
package fuzz
