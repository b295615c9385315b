package engine

import (
	"encoding/json"

	"glean/generator"
)

// ParseGenerator reads the body of POST /packet/generators. The error lists
// every fault with its path.
func ParseGenerator(raw []byte) (GeneratorSpec, error) { return Strict.Generator(raw) }

// Generator is ParseGenerator in a dialect.
func (d Dialect) Generator(raw []byte) (GeneratorSpec, error) {
	return parseOne(d, raw, generatorSchema, object.generatorSpec)
}

// Generators reads the body of POST /packet/generators/x/bulk-create.
func (d Dialect) Generators(raw []byte) ([]GeneratorSpec, error) {
	return parseItems(d, raw, bulkGenerators, object.generatorSpec)
}

func (o object) generatorSpec() GeneratorSpec {
	spec := GeneratorSpec{ID: o.id(o.at("id"), o.nullText("id"))}
	spec.TargetID, _ = o.requiredText("target_id")
	config, ok := o.required("config")
	if !ok || !o.expect(config, "an object") {
		return spec
	}
	var faults []generator.Fault
	spec.Config, faults = generator.ParseConfig(config.without("flow_count", o.parser))
	if spec.Config != nil {
		spec.Raw = spec.Config.Raw // the only copy
		spec.Config.Warnings = o.warnings()
		spec.Config.CutHeaders = o.dialect == AsOpenPerf
	}
	for _, f := range faults { // their paths begin with "config"
		o.wrong(o.at(f.Path), "%s", f.Detail)
	}
	return spec
}

// without copies the text of an object, less a member that a reply adds: a
// client may post what it got. The text may be borrowed.
func (v value) without(name string, p *parser) json.RawMessage {
	o, ok := p.object(v)
	if _, has := o.raw(name); !ok || !has {
		return v.raw
	}
	text := []byte{'{'}
	for i, n := range o.names {
		if n == name {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		key, err := json.Marshal(n)
		if err != nil {
			panic(err) // it is a string
		}
		text = append(append(append(text, key...), ':'), o.values[i].raw...)
	}
	return append(text, '}')
}
