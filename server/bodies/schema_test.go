package bodies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"glean/internal/document"
	"glean/server/engine"
)

// bodies are what the schemas describe, each with its reader.
var bodies = []struct {
	name   string
	schema *document.Schema
	read   func(d Dialect, raw []byte) (document.Warnings, error)
}{
	{"port", portSchema, func(d Dialect, raw []byte) (document.Warnings, error) { s, err := d.Port(raw); return s.Warnings, err }},
	{"interface", interfaceSchema, func(d Dialect, raw []byte) (document.Warnings, error) {
		s, err := d.Interface(raw)
		return s.Warnings, err
	}},
	{"generator", generatorSchema, func(d Dialect, raw []byte) (w document.Warnings, err error) {
		s, err := d.Generator(raw)
		if s.Config != nil {
			w = s.Config.Warnings
		}
		return w, err
	}},
	{"learning", learningSchema, func(_ Dialect, raw []byte) (document.Warnings, error) {
		_, err := Learning(raw)
		return document.Warnings{}, err
	}},
	{"ids", idsSchema, func(d Dialect, raw []byte) (document.Warnings, error) {
		_, err := d.IDs(raw)
		return document.Warnings{}, err
	}},
	{"toggle", toggleSchema, func(d Dialect, raw []byte) (document.Warnings, error) {
		_, err := d.Toggle(raw)
		return document.Warnings{}, err
	}},
	{"interfaces", bulkInterfaces, func(d Dialect, raw []byte) (document.Warnings, error) {
		_, err := d.Interfaces(raw)
		return document.Warnings{}, err
	}},
	{"generators", bulkGenerators, func(d Dialect, raw []byte) (document.Warnings, error) {
		_, err := d.Generators(raw)
		return document.Warnings{}, err
	}},
}

// spot is a place in a body: the members and lists on the way to it. An index is
// "[0]".
type spot struct {
	steps  []string
	schema *document.Schema
	within *document.Schema // the object that it is a member of
}

func (s spot) path() string {
	return strings.ReplaceAll(strings.Join(s.steps, "."), ".[0]", "[0]")
}

// spots walks a description. Members that only replies have are left out.
func spots(s *document.Schema, steps []string, visit func(spot)) {
	for _, m := range s.Members {
		if !m.ReadOnly {
			at := append(slices.Clone(steps), m.Name)
			visit(spot{at, m.Schema, s})
			spots(m.Schema, at, visit)
		}
	}
	if s.Items != nil {
		at := append(slices.Clone(steps), "[0]")
		visit(spot{at, s.Items, s})
		spots(s.Items, at, visit)
	}
}

// samples are texts of each shape that the readers take.
var samples = map[string]string{
	"": "source", "id": "a", "MAC address": "02:00:00:00:00:01", "IPv4 address": "198.18.0.1", "IPv6 address": "2001:db8::1", "IP address": "198.18.0.1",
	"prefix": "198.18.0.0/16", "device name": "t0", "filter expression": "ip", "base64": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}

// members is an object of a body.
type members = map[string]any

// presets are what else an object needs, by the names of the descriptions.
var presets = map[string]members{
	"duration": {"frames": 1},
	"modifier": {"field": members{"list": []any{1}}},
}

// company are the members that stand beside steps[0] in a body that is right but
// for what the steps lead to.
func company(steps []string) members {
	static := members{"address": "198.18.0.1", "prefix_length": 16}
	switch first := steps[0]; first {
	case "method":
		return members{"static": static}
	case "static", "dhcp", "dhcp6":
		return members{"method": first}
	case "offset":
		return members{"name": "data", "field": members{"list": []any{1}}}
	case "permute", "name":
		return members{"field": members{"list": []any{1}}}
	case "ipv4", "ipv6", "mac":
		return members{"name": "source", "permute": true}
	case "addresses":
		return members{"interface_id": "a"}
	case "kind":
		return members{"config": members{"tap": members{"name": "t0"}}}
	case "value":
		return members{"units": "milliseconds"}
	case "modifiers":
		protocol := "udp"
		if len(steps) > 3 {
			switch steps[3] {
			case "ipv4", "ipv6":
				protocol = steps[3]
			case "mac":
				protocol = "ethernet"
			case "offset":
				return members{"custom": members{"data": samples["base64"], "layer": "ip"}}
			}
		}
		return members{protocol: members{}}
	}
	return nil
}

// sample makes a value that the readers accept: with all required members, and the
// only member that a choice has.
func sample(s *document.Schema) any {
	switch s.Type {
	case document.TypeObject:
		o := maps.Clone(presets[s.Name])
		if o == nil {
			o = members{}
		}
		for i, m := range s.Members {
			if m.Required || s.OneOf && i == 0 {
				o[m.Name] = sample(m.Schema)
			}
		}
		return o
	case document.TypeList:
		list := []any{}
		for range s.MinItems {
			list = append(list, sample(s.Items))
		}
		return list
	case document.TypeInteger:
		return json.Number(strconv.FormatUint(s.Min, 10))
	case document.TypeBoolean:
		return true
	case document.TypeText:
		if len(s.Words) > 0 {
			return s.Words[0]
		}
		return samples[s.Shape]
	}
	return nil
}

// bodyWith is a body of the description with a value at a place.
func bodyWith(s *document.Schema, steps []string, value any) any {
	if len(steps) == 0 {
		return value
	}
	if steps[0] == "[0]" {
		return []any{bodyWith(s.Items, steps[1:], value)}
	}
	o, _ := sample(s).(members)
	if s.OneOf || s.Name == "modifier" || s.Name == "duration" {
		maps.DeleteFunc(o, func(name string, _ any) bool { return !s.Find(name).Required })
	}
	m := s.Find(steps[0])
	for name, v := range company(steps) {
		if s.Find(name) != nil {
			o[name] = v
		}
	}
	if s == portSchema && len(steps) > 1 {
		o["kind"] = steps[1]
	}
	var below *document.Schema
	if m != nil {
		below = m.Schema
	}
	o[steps[0]] = bodyWith(below, steps[1:], value)
	return o
}

func textOf(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// faultAt is the fault of an error at a path, "" if it has none there.
func faultAt(err error, path string) string {
	e, _ := err.(*engine.Error)
	if e == nil {
		return ""
	}
	for _, f := range e.Faults {
		if f.Path == path {
			return f.Detail
		}
	}
	return ""
}

// TestReadersKeepTheRangesOfTheirDescriptions: each limit of each integer is
// accepted, and the number beyond it is a fault at its place.
func TestReadersKeepTheRangesOfTheirDescriptions(t *testing.T) {
	// Numbers that another member bounds more tightly than their description.
	bounded := []string{".random.min", ".rate.value", ".time.value", ".offset", ".count", ".list[0]", ".start", ".stop", ".skip[0]", ".probe_interval_ms", ".speed"}
	limits := 0
	for _, b := range bodies {
		spots(b.schema, nil, func(s spot) {
			if s.schema.Type != document.TypeInteger {
				return
			}
			try := func(n string, good bool) {
				limits++
				raw := textOf(t, bodyWith(b.schema, s.steps, json.Number(n)))
				_, err := b.read(Strict, raw)
				if fault := faultAt(err, s.path()); (fault == "") != good {
					t.Errorf("%s: %s = %s: fault %q, want one: %v\n%s (%v)", b.name, s.path(), n, fault, !good, raw, err)
				}
			}
			tight := slices.ContainsFunc(bounded, func(end string) bool { return strings.HasSuffix(s.path(), end) })
			least, most := s.schema.Min, s.schema.Max
			if !tight {
				try(fmt.Sprint(least), true)
				try(fmt.Sprintf("%d.0", least), true)
				try(fmt.Sprintf("%de0", most), true)
			}
			if least > 0 {
				try(fmt.Sprint(least-1), false)
			} else {
				try("-1", false)
			}
			try(fmt.Sprintf("%d.5", least), false)
			if most != 1<<64-1 {
				try(fmt.Sprint(most+1), false)
			} else {
				try("18446744073709551616", false)
			}
		})
	}
	if limits < 400 {
		t.Errorf("%d limits tried only", limits)
	}
}

// TestReadersKnowTheWordsOfTheirDescriptions: each word is accepted, and another one
// is a fault that names it.
func TestReadersKnowTheWordsOfTheirDescriptions(t *testing.T) {
	for _, b := range bodies {
		spots(b.schema, nil, func(s spot) {
			if len(s.schema.Words) == 0 {
				return
			}
			dialect := Strict
			if strings.HasSuffix(s.path(), ".method") {
				dialect = AsOpenPerf // which accepts methods that give no address
			}
			for _, word := range append(slices.Clone(s.schema.Words), "strange") {
				_, err := b.read(dialect, textOf(t, bodyWith(b.schema, s.steps, word)))
				fault := faultAt(err, s.path())
				if good := word != "strange"; (fault == "" || !strings.Contains(fault, word)) != good {
					t.Errorf("%s: %s = %q: fault %q (%v)", b.name, s.path(), word, fault, err)
				}
			}
		})
	}
}

// TestReadersKnowTheTypesOfTheirDescriptions: a value of another type is a fault
// at its place. It fails for a member that no reader looks at.
func TestReadersKnowTheTypesOfTheirDescriptions(t *testing.T) {
	for _, b := range bodies {
		spots(b.schema, nil, func(s spot) {
			var wrong any = members{}
			if s.schema.Type == document.TypeObject {
				wrong = "text"
			}
			_, err := b.read(Strict, textOf(t, bodyWith(b.schema, s.steps, wrong)))
			if faultAt(err, s.path()) == "" && s.schema.Type != document.TypeAny {
				t.Errorf("%s: %s accepts %v (%v)\n%s", b.name, s.path(), wrong, err, textOf(t, bodyWith(b.schema, s.steps, wrong)))
			}
		})
	}
}

// TestUnknownMembersAreRefusedEverywhere puts an unknown member into every
// object that there is.
func TestUnknownMembersAreRefusedEverywhere(t *testing.T) {
	objects := 0
	for _, b := range bodies {
		inObject := func(s spot) {
			if s.schema.Type != document.TypeObject {
				return
			}
			objects++
			o, _ := sample(s.schema).(members)
			known := s.schema.Names()[0]
			wrong := known + "x"
			o[wrong] = 1
			raw := textOf(t, bodyWith(b.schema, s.steps, o))
			path := strings.TrimPrefix(s.path()+"."+wrong, ".")
			_, err := b.read(Strict, raw)
			fault := faultAt(err, path)
			for _, part := range append(s.schema.Names(), "unknown member", strconv.Quote(wrong), "did you mean "+strconv.Quote(known)+"?") {
				if !strings.Contains(fault, part) {
					t.Errorf("%s: %s: %q without %q\n%s (%v)", b.name, path, fault, part, raw, err)
				}
			}
			w, err := b.read(AsOpenPerf, raw)
			if fault := faultAt(err, path); (fault != "") != s.schema.Own {
				t.Errorf("%s: %s: OpenPerf's dialect: fault %q, own %v", b.name, path, fault, s.schema.Own)
			}
			if err == nil && slices.Contains([]string{"port", "interface", "generator"}, b.name) && (w.Count != 1 || w.First[0].Path != path) {
				t.Errorf("%s: %s: warnings %+v", b.name, path, w)
			}
		}
		inObject(spot{nil, b.schema, nil})
		spots(b.schema, nil, inObject)
	}
	if objects < 100 {
		t.Errorf("%d objects tried only", objects)
	}
}

// TestWarningsAreBounded: the first 100 of a request are listed, all are counted.
func TestWarningsAreBounded(t *testing.T) {
	var item strings.Builder
	item.WriteString(`{"port_id":"0","config":{"protocols":[{"eth":{"mac_address":"02:00:00:00:00:01"}}]}`)
	for i := range 70 {
		fmt.Fprintf(&item, `,"x%d":1`, i)
	}
	one := item.String() + "}"
	specs, err := AsOpenPerf.Interfaces([]byte(`{"y":1,"items":[` + one + `,` + one + `,` + one + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for i, s := range specs {
		if want := 70; s.Warnings.Count != want && (i > 0 || s.Warnings.Count != want+1) {
			t.Errorf("item %d: %d warnings, want %d", i, s.Warnings.Count, want)
		}
		listed += len(s.Warnings.First)
		for _, w := range s.Warnings.First {
			if strings.HasPrefix(w.Path, "items") {
				t.Errorf("item %d: a warning about %s", i, w.Path)
			}
		}
	}
	if listed != document.MaxFaults {
		t.Errorf("%d listed, want %d", listed, document.MaxFaults)
	}
}
