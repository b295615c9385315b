// Package server is the REST API: it turns HTTP requests into calls of
// package engine and the answers into JSON.
//
//	HTTP --> routes (404, 405, 415, 413) --> handler --> parsers of engine
//	                                            |             off the loop
//	                                            v
//	                    do: loop.PostWork --> engine      on the loop, short
//	                                            |
//	 JSON, problem documents, SSE <-- views <---+         off the loop
//
// A handler runs on a goroutine of net/http. What it wants of the engine it
// does in a function that [Server.Do] runs on the loop; the function only
// copies, so that frames and timers are never kept waiting by an encoder or a
// slow client. Wall-clock time exists in this package only: the engine speaks of
// loop.Time.
package server
