package scenario

import (
	"flag"
	"testing"
)

var (
	seeds = flag.Uint64("seeds", 1000, "how many random worlds are checked")
	from  = flag.Uint64("from", 1, "the first seed")
)

func TestSmallWorlds(t *testing.T) {
	s, err := Check(*from, *seeds, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range s.Failures {
		t.Errorf("%s\n%v\nagain: glean sim check --from %d --seeds 1", o.Drawn, o.Violations[0], o.Drawn.Seed)
	}
	t.Logf("%d worlds from seed %d", s.Worlds, *from)
}
