// Package api holds the JSON types of the REST API, one for each object schema of
// openapi.yaml and of the same name. Package server fills them, package client
// sends and reads them.
//
// Each file has the types of one part of the API. Read port.go first: it is
// small and shows all conventions.
//
//	network    port.go  interface.go  neighbor.go
//	generators generator.go  traffic.go  result.go
//	learning   learning.go
//	daemon     daemon.go  event.go  problem.go  bulk.go
//
// A type stands for a body of a request and for a reply, as its schema does:
//
//   - A member without omitempty is always present. Either the schema requires it,
//     or its zero value means what its absence means in a request.
//   - A member that may be absent has omitempty. It is a pointer where its zero
//     value differs from its absence.
//   - A member that is required and may be null is a pointer without omitempty.
//   - Read-only members have values in replies only; the server ignores them in
//     requests.
//
// A test compares the types with openapi.yaml, so a new member needs a line in one
// struct, its description in the document, and the code that uses it.
package api
