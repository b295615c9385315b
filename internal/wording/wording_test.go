package wording

import "testing"

func TestFaultsFindsWordsOfTheProgramAndRepetition(t *testing.T) {
	for text, faulty := range map[string]bool{
		`config.load.rate.value: must be between 1 and 10, got 11`:                                 false,
		`line 3: resource "/ports/a": kind: unknown kind "x"`:                                      false,
		`id: there is a port "0" already`:                                                          false,
		`destination 198.18.0.9 on interface "a": no_reply`:                                        false,
		`port "0": port "0" is gone`:                                                               true,
		`open x.yaml: open x.yaml: no such file`:                                                   true,
		`listen nowhere: address nowhere: missing port in address`:                                 true,
		`ParseAddr("x"): unable to parse IP`:                                                       true,
		`strconv.Atoi: parsing "x": invalid syntax`:                                                true,
		`json: cannot unmarshal string into Go struct field main.config.ports of type engine.Port`: true,
		`limit: %!d(string=x)`:                                                                     true,
		`config: <nil>`:                                                                            true,
		`kind is *engine.PortSpec`:                                                                 true,
	} {
		if got := Faults(text); len(got) > 0 != faulty {
			t.Errorf("%q: %q", text, got)
		}
	}
}
