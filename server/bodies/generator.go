package bodies

import (
	"glean/generator/traffic"
	"glean/internal/document"
	"glean/server/engine"
)

// Generator reads the body of POST /packet/generators. The error lists every fault
// with its path.
func (d Dialect) Generator(raw []byte) (engine.GeneratorSpec, error) {
	return one(d, raw, generatorSchema, readGenerator)
}

// Generators reads the body of POST /packet/generators/x/bulk-create.
func (d Dialect) Generators(raw []byte) ([]engine.GeneratorSpec, error) {
	return items(d, raw, bulkGenerators, readGenerator)
}

func readGenerator(o document.Object, w document.Warnings) engine.GeneratorSpec {
	spec := engine.GeneratorSpec{ID: readOwnID(o)}
	spec.TargetID, _ = o.RequiredText("target_id")
	config, ok := o.RequiredChild("config")
	if !ok {
		return spec
	}
	var faults traffic.Faults
	spec.Config, faults = traffic.ReadConfig(config)
	if spec.Config != nil {
		spec.Raw = spec.Config.Raw // the only copy
		spec.Config.Warnings = w
		spec.Config.CutHeaders = o.Lenient()
	}
	for _, f := range faults { // their paths begin with "config"
		o.Wrong(f.Path, "%s", f.Detail)
	}
	return spec
}
