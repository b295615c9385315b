package engine

import "glean/generator"

// ParseGenerator reads the body of POST /packet/generators. The error lists
// every fault with its path.
func ParseGenerator(raw []byte) (GeneratorSpec, error) {
	var spec GeneratorSpec
	err := parse(raw, func(o object) { spec = o.generatorSpec() })
	return spec, err
}

// ParseGenerators reads the body of POST /packet/generators/x/bulk-create.
func ParseGenerators(raw []byte) ([]GeneratorSpec, error) {
	return parseItems(raw, object.generatorSpec)
}

func (o object) generatorSpec() GeneratorSpec {
	spec := GeneratorSpec{ID: o.id(o.at("id"), o.nullText("id"))}
	spec.TargetID, _ = o.requiredText("target_id")
	config, ok := o.required("config")
	if !ok || !o.expect(config, "an object") {
		return spec
	}
	spec.Raw = config.copyRaw()
	var faults []generator.Fault
	spec.Config, faults = generator.ParseConfig(spec.Raw)
	for _, f := range faults {
		o.wrong(joinPath(config.path, f.Path), "%s", f.Detail)
	}
	return spec
}

// joinPath puts the path of an object before that of one of its members.
func joinPath(outer, inner string) string {
	switch {
	case inner == "":
		return outer
	case outer == "" || inner[0] == '[':
		return outer + inner
	}
	return outer + "." + inner
}
