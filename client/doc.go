// Package client calls the REST API of a running glean.
//
//	c := client.New("http://127.0.0.1:9000")
//	g, err := c.CreateGenerator(ctx, api.Generator{...}, 10*time.Second)
//	          |  JSON, one request
//	          v
//	    the daemon ----> 2xx: the resource, as a type of package api
//	                \--> any other: error, an *api.Problem
//
// Import glean/client for the calls and glean/server/api for the types of what they
// send and return. These are the types that the daemon fills, one for each schema of
// the OpenAPI document at /openapi.yaml. A member that may be absent has its zero
// value then; where zero and absent differ, and where a member may be null, it is a
// pointer.
//
// Read client.go first: it makes the requests. The other files have the calls of
// one part of the API each.
package client
