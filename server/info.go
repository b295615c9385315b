package server

import (
	"net/http"
	"regexp"
)

type versionJSON struct {
	BuildNumber  string `json:"build_number"`
	BuildTime    string `json:"build_time"`
	SourceCommit string `json:"source_commit"`
	Version      string `json:"version"`
}

func (s *Server) getVersion(w *responseWriter, _ *request) error {
	return reply(w, http.StatusOK, versionJSON{
		BuildNumber:  s.Version.BuildNumber,
		BuildTime:    s.Version.BuildTime,
		SourceCommit: s.Version.Commit,
		Version:      s.Version.Version,
	})
}

type moduleJSON struct {
	ID          string            `json:"id"`
	Description string            `json:"description"`
	Linkage     string            `json:"linkage"`
	Version     moduleVersionJSON `json:"version"`
}

type moduleVersionJSON struct {
	Version      int    `json:"version"`
	BuildNumber  string `json:"build_number"`
	BuildDate    string `json:"build_date"`
	SourceCommit string `json:"source_commit"`
}

// modules are what OpenPerf's clients look for before they use a part of the
// API.
func (s *Server) modules() []moduleJSON {
	list := []moduleJSON{
		{ID: "packet-generator", Description: "Packet generator"},
		{ID: "packet-stack", Description: "Network interfaces, ARP and neighbor discovery"},
		{ID: "packetio", Description: "Ports"},
	}
	for i := range list {
		list[i].Linkage = "static"
		list[i].Version = moduleVersionJSON{1, s.Version.BuildNumber, s.Version.BuildTime, s.Version.Commit}
	}
	return list
}

func (s *Server) listModules(w *responseWriter, _ *request) error {
	return reply(w, http.StatusOK, s.modules())
}

var moduleID = regexp.MustCompile(`^[a-z0-9.-]+$`)

func (s *Server) getModule(w *responseWriter, r *request) error {
	id := r.parameters["module"]
	if !moduleID.MatchString(id) {
		return problemf(http.StatusBadRequest, `%q is not the id of a module: one or more of a-z, 0-9, "." and "-"`, id)
	}
	for _, m := range s.modules() {
		if m.ID == id {
			return reply(w, http.StatusOK, m)
		}
	}
	return problemf(http.StatusNotFound, "there is no module %q", id)
}
