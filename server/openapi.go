package server

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.yaml
var openAPIDocument []byte

// openAPI serves the OpenAPI document of this API.
func (s *Server) openAPI(w *responseWriter, _ *request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(openAPIDocument) // an error means that the client has gone
	return nil
}
