package document

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// checkJSON checks a document that nothing is known of.
func checkJSON(raw []byte) []Fault {
	c := checker{raw: raw, reader: new(reader)}
	c.document(nil)
	return c.faults
}

func TestCheckJSONFaults(t *testing.T) {
	for _, c := range []struct{ name, doc, path, detail string }{
		{"empty", "", "", "empty"},
		{"only space", " \n\t", "", "empty"},
		{"text after the end", `{} {}`, "", "text after the end"},
		{"duplicate", `{"a":1,"b":2,"a":3}`, "a", "more than once"},
		{"duplicate, escaped", `{"a":{"b":1,"\u0062":2}}`, "a.b", "more than once"},
		{"duplicate in a list", `{"a":[0,{"x":1,"x":1}]}`, "a[1].x", "more than once"},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "a", "invalid UTF-8"},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", "a", "invalid UTF-8"},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "a", "invalid UTF-8"},
		{"half a pair", `{"a":"\ud800x"}`, "a", "surrogate"},
		{"other half", `{"a":"\udc00"}`, "a", "surrogate"},
		{"control character", "{\"a\":\"\n\"}", "a", "control character"},
		{"unknown escape", `{"a":"\x"}`, "a", "escape"},
		{"short escape", `{"a":"\u12"}`, "a", "hexadecimal"},
		{"leading zero", `{"a":01}`, "a", "begin with 0"},
		{"bare minus", `{"a":-}`, "a", "digit"},
		{"point at the end", `{"a":1.}`, "a", "digit"},
		{"exponent at the end", `{"a":1e}`, "a", "digit"},
		{"trailing comma", `{"a":1,}`, "", "name in quotes"},
		{"trailing comma in a list", `[1,]`, "[1]", "value was expected"},
		{"unquoted name", `{a:1}`, "", "name in quotes"},
		{"no colon", `{"a" 1}`, "a", "colon"},
		{"cut off", `{"a":[1,`, "a[1]", "ends too early"},
		{"not closed", `{"a":"b`, "a", "does not end"},
		{"word", `{"a":nul}`, "a", "value was expected"},
		{"too deep", strings.Repeat("[", 70) + strings.Repeat("]", 70), strings.Repeat("[0]", 65), "deeper"},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := checkJSON([]byte(c.doc))
			if len(faults) != 1 || faults[0].Path != c.path || !strings.Contains(faults[0].Detail, c.detail) {
				t.Errorf("checkJSON(%q) = %+v, want one at %q with %q", c.doc, faults, c.path, c.detail)
			}
		})
	}
}

func TestCheckJSONListsEveryDuplicate(t *testing.T) {
	faults := checkJSON([]byte(`{"a":1,"a":2,"b":{"c":1,"c":1}}`))
	if len(faults) != 2 || faults[0].Path != "a" || faults[1].Path != "b.c" {
		t.Errorf("faults = %+v, want a and b.c", faults)
	}
}

func TestCheckJSONPlace(t *testing.T) {
	faults := checkJSON([]byte("{\n  \"a\": x\n}"))
	if len(faults) != 1 || !strings.Contains(faults[0].Detail, "line 2, column 8") {
		t.Errorf("faults = %+v, want line 2, column 8", faults)
	}
}

func TestCheckJSONTooManyValues(t *testing.T) {
	doc := []byte("[" + strings.Repeat("1,", maxValues) + "1]")
	if faults := checkJSON(doc); len(faults) != 1 || !strings.Contains(faults[0].Detail, "values") {
		t.Errorf("faults = %+v, want one about the number of values", faults)
	}
}

func TestCheckJSONTooManyMembers(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"a":{`)
	for i := range maxMembers + 1 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"m` + strings.Repeat("x", i) + `":0`)
	}
	b.WriteString("}}")
	if faults := checkJSON([]byte(b.String())); len(faults) != 1 || !strings.Contains(faults[0].Detail, "members") {
		t.Errorf("faults = %+v, want one about the number of members", faults)
	}
}

// agree reports whether the checker and encoding/json agree on a document, apart
// from what only the checker forbids.
func agree(doc []byte) bool {
	faults := checkJSON(doc)
	if len(faults) == 0 {
		return json.Valid(doc)
	}
	for _, stricter := range []string{"more than once", "invalid UTF-8", "surrogate", "deeper", "members", "empty"} {
		if strings.Contains(faults[0].Detail, stricter) {
			return true
		}
	}
	return !json.Valid(doc)
}

// TestCheckJSONAgainstStandardLibrary mutates documents octet by octet.
func TestCheckJSONAgainstStandardLibrary(t *testing.T) {
	const doc = `{"id":"gen-1","target_id":null,"config":{"load":{"rate":{"value":1.5e+3,"period":"seconds"}},"list":[true,false,-0,{"\u00e4\ud83d\ude00":"\\\""}]}}`
	if !agree([]byte(doc)) || len(checkJSON([]byte(doc))) > 0 {
		t.Fatalf("the document itself: %+v", checkJSON([]byte(doc)))
	}
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(doc)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "edit") {
			case 0:
				b[at] = rapid.Byte().Draw(t, "octet")
			case 1:
				b = append(b[:at], b[at+1:]...)
			case 2:
				with := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"`, `\`, "0", "-", "e", ".", " ", "null", "\\ud800"}).Draw(t, "with")
				b = append(b[:at], append([]byte(with), b[at:]...)...)
			}
		}
		if !agree(b) {
			t.Fatalf("%q: checkJSON %+v, encoding/json %v", b, checkJSON(b), json.Valid(b))
		}
	})
}

// FuzzCheckJSON also takes apart what passes, and compares it with what
// encoding/json makes of it.
func FuzzCheckJSON(f *testing.F) {
	for _, doc := range []string{`{}`, `{"a":[1,{"b":null}],"c":"\u0041"}`, `{"a":1e3,"b":-0.5}`, "{\"\xff\":1}", ` { "x" : [ ] } `} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !agree(doc) {
			t.Fatalf("%q: checkJSON %+v, encoding/json %v", doc, checkJSON(doc), json.Valid(doc))
		}
		if len(checkJSON(doc)) > 0 || bytes.TrimSpace(doc)[0] != '{' {
			return
		}
		if !utf8.Valid(doc) {
			t.Fatalf("%q passes, but is not UTF-8", doc)
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatal(err)
		}
		err := Read(doc, nil, false, func(o Object) {
			if len(o.members) != len(want) {
				t.Fatalf("%q: members %q, want %d", doc, o.members, len(want))
			}
			for _, m := range o.members {
				if !bytes.Equal(m.raw, want[m.name]) {
					t.Fatalf("%q: %q is %q, want %q", doc, m.name, m.raw, want[m.name])
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
