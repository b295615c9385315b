// Package client asks a running glean by its REST API.
//
//	c := client.New("http://127.0.0.1:9000")
//	g, err := c.CreateGenerator(ctx, client.Generator{...}, 10*time.Second)
//	          |  JSON, one request
//	          v
//	    the daemon ----> 2xx: the resource, typed
//	                \--> any other: error, a *Problem
//
// Types and names are those of the OpenAPI document that the daemon serves at
// /openapi.yaml. A member that is absent there has its zero value here; where
// zero and absent differ the member is a pointer.
package client
