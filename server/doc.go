// Package server is the REST API: it turns HTTP requests into calls of package
// engine, and their results into the JSON types of package api.
//
//	HTTP --> router (403, 404, 405, 421) --> handler --> bodies        off the loop
//	                                            |
//	                                            v
//	                          Do: loop.PostWork --> engine             on the loop, short
//	                                            |
//	 JSON, problem documents, SSE <-- api <-----+                      off the loop
//
// A handler runs on a goroutine of net/http. It calls the engine in a function that
// [Server.Do] runs on the loop. The function only copies: an encoder or a slow client
// must not delay frames and timers. Only this package uses wall-clock time; the
// engine uses loop.Time.
//
// Read routes.go first: it lists all operations with their handlers. Then
// handler.go (the life of a request), onloop.go (calls on the loop), body.go (reading
// a body within the memory budget) and ports.go, the simplest resource. The other
// resources follow the same pattern. Apart from these are eventlog.go (the daemon's
// log), metrics.go and docs.go.
package server
