package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"glean/learning"
	"glean/server/api"
	"glean/server/engine"
	"glean/stack/header"
)

// learnable returns a generator, or an error of the given status if the generator is
// bound to a port and so learns nothing. It is called on the loop.
func (s *Server) learnable(id string, status int) (engine.GeneratorView, error) {
	v, err := s.Engine.Generator(id)
	if err != nil {
		return v, err
	}
	if v.Learning == "unsupported" {
		return v, problemf(status, "generator %q is bound to port %q, so there is nothing to learn", v.ID, v.TargetID)
	}
	return v, nil
}

// startGeneratorLearning learns all next hops again. It changes nothing while learning
// is in progress.
func (s *Server) startGeneratorLearning(w *responseWriter, r *request) error {
	return s.relearn(w, r, learning.ModeAll)
}

// retryGeneratorLearning learns the next hops that are not resolved.
func (s *Server) retryGeneratorLearning(w *responseWriter, r *request) error {
	return s.relearn(w, r, learning.ModeUnresolved)
}

func (s *Server) relearn(w *responseWriter, r *request, mode learning.Mode) error {
	spec := engine.LearningSpec{GeneratorIDs: []string{r.id()}, Mode: mode}
	defer s.unbindLearning(&spec)
	learns, err := call(r.Context(), s, func() (bool, error) { return s.mayRelearn(r.id(), mode) })
	if err == nil && learns {
		err = s.prepareLearning(r, &spec)
	}
	if err == nil && learns {
		err = s.do(r, func() error {
			learns, err := s.mayRelearn(r.id(), mode) // another client may have begun
			if err == nil && learns {
				_, err = s.Engine.StartLearning(spec)
			}
			return err
		})
	}
	if err != nil {
		return aboutGenerator(r.id(), err)
	}
	if err := s.learnedFirst(w, r, r.id()); err != nil {
		return err
	}
	return noContent(w)
}

// aboutGenerator rewords a fault of a learning request: it names the generator of the
// path, because the request has no body with members to name.
func aboutGenerator(id string, err error) error {
	var e *engine.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Kind == engine.Invalid && len(e.Faults) > 0 {
		detail := e.Faults[0].Detail
		if !strings.Contains(detail, strconv.Quote(id)) {
			detail = fmt.Sprintf("generator %q: %s", id, detail)
		}
		return problemf(http.StatusBadRequest, "%s", detail)
	}
	about := *e
	about.Detail = strings.TrimPrefix(e.Detail, "generator_ids[0]: ")
	return &about
}

// mayRelearn reports whether a generator has something to learn in a mode. It is called
// on the loop.
func (s *Server) mayRelearn(id string, mode learning.Mode) (bool, error) {
	v, err := s.learnable(id, http.StatusConflict)
	switch {
	case v.Learning == "unsupported" && s.OpenPerf:
		return false, nil
	case err != nil:
		return false, err
	case v.Learning == "resolving" && mode == learning.ModeAll, v.Learning == "resolved" && mode == learning.ModeUnresolved:
		return false, nil
	case v.Learning == "resolving" && s.OpenPerf:
		return false, problemf(http.StatusBadRequest, "generator %q is being learned by request %q", v.ID, v.LearningID)
	}
	return true, nil
}

// stopGeneratorLearning cancels the learning request in progress for a generator, if
// there is one.
func (s *Server) stopGeneratorLearning(w *responseWriter, r *request) error {
	err := s.do(r, func() error {
		v, err := s.learnable(r.id(), http.StatusBadRequest)
		if err == nil && v.Learning == "resolving" {
			s.Engine.DeleteLearning(v.LearningID) // cancels it, because it is in progress
		}
		return err
	})
	if err != nil {
		return err
	}
	return noContent(w)
}

// generatorLearning replies with what a generator has learned: for IPv4 each next hop
// once, for IPv6 every destination with its next hop.
func (s *Server) generatorLearning(w *responseWriter, r *request) error {
	var view engine.GeneratorView
	var learned func() []engine.LearnedRow
	release, err := s.reserve(func() (octets int64, err error) {
		var n int
		if view, err = s.learnable(r.id(), http.StatusBadRequest); err == nil {
			learned, n, err = s.Engine.Learned(r.id())
		}
		return int64(n) * perLearnedRow, err
	})
	if err != nil {
		return err
	}
	defer release()
	rows := learned()
	slices.SortFunc(rows, func(a, b engine.LearnedRow) int { return a.Destination.Compare(b.Destination) })
	found := api.GeneratorLearning{ResolvedState: view.Learning, IPv4: []api.LearnedMAC{}, IPv6: []api.LearnedMAC{}}
	asked := make(map[netip.Addr]bool)
	for _, row := range rows {
		if row.Destination.Is4() {
			address := row.NextHop
			if !address.IsValid() {
				address = row.Destination
			}
			if !asked[address] {
				asked[address] = true
				found.IPv4 = append(found.IPv4, newLearnedMAC(address, netip.Addr{}, row.MAC))
			}
			continue
		}
		found.IPv6 = append(found.IPv6, newLearnedMAC(row.Destination, row.NextHop, row.MAC))
	}
	slices.SortFunc(found.IPv4, func(a, b api.LearnedMAC) int {
		return netip.MustParseAddr(a.IPAddress).Compare(netip.MustParseAddr(b.IPAddress))
	})
	return reply(w, http.StatusOK, found)
}

// perLearnedRow is about the memory of a reply for each destination, in octets.
const perLearnedRow = 300

func newLearnedMAC(address, hop netip.Addr, mac header.MAC) api.LearnedMAC {
	l := api.LearnedMAC{IPAddress: address.String()}
	if hop.IsValid() {
		l.NextHopAddress = hop.String()
	}
	if !mac.IsZero() {
		l.MACAddress = mac.String()
	}
	return l
}
