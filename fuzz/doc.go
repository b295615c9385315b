// Package fuzz holds the fuzz targets of the project, one file per format.
//
//	any bytes --> Parse --> error, or a meaning --> Emit --> Parse --> the same meaning
//
// The laws are: nothing panics, whatever the bytes; what Parse accepts, Emit
// reproduces. A format with a checksum is tried with the bytes as they come and
// again with the checksum made right, so that the fuzzer gets behind it.
// `make fuzz` runs every target for a while.
package fuzz
