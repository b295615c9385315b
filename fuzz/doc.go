// Package fuzz holds the fuzz targets of the project, one file per format.
//
//	any bytes --> Parse --> error, or a meaning --> Emit --> Parse --> the same meaning
//
// The laws are: nothing panics, whatever the bytes; what Parse accepts, Emit
// reproduces. A format with a checksum is tried with the bytes as they come and
// again with the checksum made right, so that the fuzzer gets behind it.
// `make fuzz` runs every target for a while.
//
// Each target of the project, those of other packages included, begins with the
// inputs in testdata/fuzz/TARGET, which are the few of many millions that together
// reach the most. An input that fails is added there when its fault is mended.
package fuzz
