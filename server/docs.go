package server

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed docs.html
var docsTemplate string

// docsPage returns openapi.yaml as a web page. It is made once: the document is part of
// the program.
var docsPage = sync.OnceValue(func() []byte {
	var doc docsDocument
	if err := yaml.Unmarshal(openAPIDocument, &doc); err != nil {
		panic(err) // a test loads the document, too
	}
	page := template.Must(template.New("docs").Parse(docsTemplate))
	var b bytes.Buffer
	if err := page.Execute(&b, doc.page()); err != nil {
		panic(err)
	}
	return b.Bytes()
})

// docsDocument has the members of the document that the page shows.
type docsDocument struct {
	Info struct {
		Title       string `yaml:"title"`
		Description string `yaml:"description"`
	} `yaml:"info"`
	Tags []struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
	} `yaml:"tags"`
	Paths      yaml.Node `yaml:"paths"`
	Components struct {
		Schemas yaml.Node `yaml:"schemas"`
	} `yaml:"components"`
}

type docsOperation struct {
	Method, Path string
	Tags         []string `yaml:"tags"`
	Summary      string   `yaml:"summary"`
	Description  string   `yaml:"description"`
	Parameters   []struct {
		Name        string `yaml:"name"`
		In          string `yaml:"in"`
		Description string `yaml:"description"`
	} `yaml:"parameters"`
	Responses yaml.Node `yaml:"responses"`
	Statuses  []string
}

type docsGroup struct {
	Name, Description string
	Operations        []*docsOperation
}

type docsSchema struct{ Name, Text string }

type docsData struct {
	Title      string
	Paragraphs []string
	Groups     []*docsGroup
	Schemas    []docsSchema
}

// page groups the operations by tag, in the document's order.
func (d *docsDocument) page() docsData {
	data := docsData{Title: d.Info.Title, Paragraphs: strings.Split(strings.TrimSpace(d.Info.Description), "\n\n")}
	groups := make(map[string]*docsGroup)
	for _, t := range d.Tags {
		groups[t.Name] = &docsGroup{Name: t.Name, Description: t.Description}
		data.Groups = append(data.Groups, groups[t.Name])
	}
	shown := make(map[*yaml.Node]bool) // anchored items are the same operations at another path
	for i := 0; i+1 < len(d.Paths.Content); i += 2 {
		path, item := d.Paths.Content[i].Value, d.Paths.Content[i+1]
		if item.Kind == yaml.AliasNode || shown[item] {
			continue
		}
		shown[item] = true
		for j := 0; j+1 < len(item.Content); j += 2 {
			if o := newDocsOperation(path, item.Content[j].Value, item.Content[j+1]); o != nil {
				groups[o.Tags[0]].Operations = append(groups[o.Tags[0]].Operations, o)
			}
		}
	}
	schemas := d.Components.Schemas.Content
	for i := 0; i+1 < len(schemas); i += 2 {
		data.Schemas = append(data.Schemas, docsSchema{schemas[i].Value, yamlText(schemas[i+1])})
	}
	return data
}

// newDocsOperation returns nil for members of a path that are no operations.
func newDocsOperation(path, method string, n *yaml.Node) *docsOperation {
	if method == "parameters" {
		return nil
	}
	o := &docsOperation{Method: strings.ToUpper(method), Path: path}
	if err := n.Decode(o); err != nil {
		panic(err)
	}
	for i := 0; i+1 < len(o.Responses.Content); i += 2 {
		o.Statuses = append(o.Statuses, o.Responses.Content[i].Value)
	}
	return o
}

// yamlText returns a schema as YAML.
func yamlText(n *yaml.Node) string {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(n); err != nil {
		panic(err)
	}
	return b.String()
}

// docs serves the document as a web page.
func (s *Server) docs(w *responseWriter, _ *request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(docsPage()) // an error means that the client has gone
	return nil
}
