package server

import (
	"strings"
	"testing"
)

// learning/start and learning/retry have no body, so no reply blames a member of one.
func TestRelearningBlamesNoMember(t *testing.T) {
	for name, options := range map[string][]option{"strict": nil, "openperf": {openPerf}} {
		t.Run(name, func(t *testing.T) {
			a := newHarness(t, options...).peers()
			a.post("/packet/generators", impatient("resolving")).want(acceptedBy(a))
			a.post("/packet/generators", generatorBody("of-port", "0", "198.18.0.11")).want(201)
			a.post("/interfaces", strings.NewReplacer("if-a", "gone", "00:0a", "00:1a", "198.18.0.10", "198.18.0.20", "2001:db8::a", "2001:db8::20").Replace(ifaceA)).want(201)
			a.post("/packet/generators", generatorBody("orphan", "gone", silentHost)).want(acceptedBy(a))
			a.delete("/interfaces/gone").want(204)
			refused := 0
			for _, id := range []string{"resolving", "of-port", "orphan", "nothing"} {
				for _, call := range []string{"start", "retry"} {
					r := a.post("/packet/generators/"+id+"/learning/"+call, "")
					if r.status < 400 {
						continue
					}
					refused++
					detail := r.text("detail")
					if r.at("errors") != nil || strings.Contains(detail, "generator_ids") || strings.Count(detail, `"`+id+`"`) != 1 {
						t.Errorf("%s: %d %s", r.what, r.status, r.body)
					}
				}
			}
			if refused < 4 {
				t.Errorf("%d refusals only", refused)
			}
		})
	}
}
