package server

import (
	"net/http"
	"regexp"
	"time"

	"glean/server/api"
)

// buildTime returns the build's time as RFC 3339 in UTC, or "" if it is unknown:
// generated clients refuse an empty date-time, but accept a missing one.
func (v Version) buildTime() string {
	if v.BuildTime.IsZero() {
		return ""
	}
	return v.BuildTime.UTC().Format(time.RFC3339)
}

func (s *Server) getVersion(w *responseWriter, _ *request) error {
	return reply(w, http.StatusOK, api.Version{
		BuildNumber:  s.Version.BuildNumber,
		BuildTime:    s.Version.buildTime(),
		SourceCommit: s.Version.Commit,
		Version:      s.Version.Version,
	})
}

// modules returns the modules that OpenPerf's clients require before they use a part of
// the API.
func (s *Server) modules() []api.Module {
	list := []api.Module{
		{ID: "packet-generator", Description: "Packet generator"},
		{ID: "packet-stack", Description: "Network interfaces, ARP and neighbor discovery"},
		{ID: "packetio", Description: "Ports"},
	}
	for i := range list {
		list[i].Linkage = "static"
		list[i].Version = api.ModuleVersion{
			Version: 1, BuildNumber: s.Version.BuildNumber, BuildDate: s.Version.buildTime(), SourceCommit: s.Version.Commit,
		}
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
	return problemf(http.StatusNotFound, "there is no module %q; /modules lists them", id)
}
