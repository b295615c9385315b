package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"glean/internal/wording"
)

// apiDocument loads openapi.yaml once and validates it, with all formats.
var apiDocument = sync.OnceValue(func() *openapi3.T {
	defineFormats()
	doc, err := openapi3.NewLoader().LoadFromData(openAPIDocument)
	if err == nil {
		err = doc.Validate(openapi3.NewLoader().Context)
	}
	if err != nil {
		panic(err)
	}
	return doc
})

// operations lists "METHOD /path" of the document.
func operations() []string {
	var list []string
	for path, item := range apiDocument().Paths.Map() {
		for method := range item.Operations() {
			list = append(list, method+" "+path)
		}
	}
	slices.Sort(list)
	return list
}

func TestRoutesAndDocumentAgree(t *testing.T) {
	var served []string
	for _, rt := range routes() {
		for _, prefix := range rt.prefixes() {
			served = append(served, rt.method+" "+prefix+rt.pattern)
		}
	}
	slices.Sort(served)
	described := operations()
	for _, r := range served {
		if !slices.Contains(described, r) {
			t.Errorf("%s is served, but openapi.yaml does not have it", r)
		}
	}
	for _, d := range described {
		if !slices.Contains(served, d) {
			t.Errorf("openapi.yaml has %s, but it is not served", d)
		}
	}
	if len(served) < 60 {
		t.Errorf("%d routes only: is the list read?", len(served))
	}
}

// described finds the path of the document that a request is for, literal
// segments first.
func described(path string) (string, *openapi3.PathItem, map[string]string) {
	segments := strings.Split(cleanPath(path), "/")
	best, bestParameters := "", map[string]string(nil)
	for pattern := range apiDocument().Paths.Map() {
		parts := strings.Split(pattern, "/")
		if len(parts) != len(segments) {
			continue
		}
		parameters := make(map[string]string)
		match := true
		for i, p := range parts {
			if isParameter(p) {
				parameters[strings.Trim(p, "{}")] = segments[i]
			} else if p != segments[i] {
				match = false
			}
		}
		if match && (best == "" || len(parameters) < len(bestParameters)) {
			best, bestParameters = pattern, parameters
		}
	}
	return best, apiDocument().Paths.Value(best), bestParameters
}

// everywhere are the statuses of any operation. The document does not list them at each.
var everywhere = map[int]bool{405: true, 429: true, 500: true, 503: true}

// isAboutQuery reports whether an answer is the 400 that any operation may give to
// a query that it does not know.
func isAboutQuery(answer []byte) bool {
	for _, text := range []string{"unknown query parameter", "the query does not parse", "is given more than once"} {
		if bytes.Contains(answer, []byte(text)) {
			return true
		}
	}
	return false
}

// checkExchange compares each accepted request, and each reply, with the document.
func checkExchange(t tb, r *http.Request, body []byte, response *http.Response, got []byte) {
	t.Helper()
	what := fmt.Sprintf("%s %s -> %d", r.Method, r.URL.Path, response.StatusCode)
	checkWording(t, what, got)
	pattern, item, parameters := described(r.URL.Path)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
		got = nil
	}
	if pattern == "" || item.GetOperation(method) == nil || everywhere[response.StatusCode] || response.StatusCode == 400 && isAboutQuery(got) {
		checkProblem(t, what, response, got)
		return
	}
	operation := item.GetOperation(method)
	request := r.Clone(r.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request:    request,
		PathParams: parameters,
		Route:      &routers.Route{Spec: apiDocument(), Path: pattern, PathItem: item, Method: method, Operation: operation},
		Options:    &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeReadOnlyValidations: true},
	}
	plain := !strings.HasSuffix(response.Header.Get("Content-Type"), "json") || r.Method == http.MethodHead
	input.Options.ExcludeResponseBody = plain
	if len(body) == 0 || r.Header.Get("Content-Type") != "application/json" || operation.RequestBody == nil {
		input.Options.ExcludeRequestBody = true
	}
	if response.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			t.Errorf("%s: the document does not allow this request: %v\n%.2000s", what, err, body)
		}
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Body:                   io.NopCloser(bytes.NewReader(got)),
		Options:                input.Options,
	})
	if err != nil {
		t.Errorf("%s: the document does not allow this answer: %v\n%.2000s", what, err, got)
		return
	}
	checkContent(t, what, operation, response, got, plain)
}

// checkWording checks the wording of a problem document.
func checkWording(t tb, what string, got []byte) {
	t.Helper()
	var p problem
	if json.Unmarshal(got, &p) != nil { // a list, or no JSON
		return
	}
	texts := []string{p.Detail}
	for _, fault := range p.Errors {
		texts = append(texts, fault.Detail, fault.Path+": "+fault.Detail)
	}
	for _, text := range texts {
		for _, fault := range wording.Faults(text) {
			t.Errorf("%s: %s: %s", what, fault, text)
		}
	}
}

// checkProblem checks an error that the document does not describe operation
// by operation.
func checkProblem(t tb, what string, response *http.Response, got []byte) {
	t.Helper()
	if response.Header.Get("Content-Type") != "application/problem+json" || response.Request.Method == http.MethodHead {
		if response.Request.Method != http.MethodHead {
			t.Errorf("%s: not a problem document: %s", what, got)
		}
		return
	}
	var v any
	if err := json.Unmarshal(got, &v); err != nil {
		t.Errorf("%s: %v: %s", what, err, got)
		return
	}
	schema := apiDocument().Components.Schemas["Problem"]
	if err := schema.Value.VisitJSON(v); err != nil {
		t.Errorf("%s: %v: %s", what, err, got)
	}
	noStrangers(t, what, "", schema, v)
	checkStrings(t, what, "", schema, v)
}

// checkContent makes sure that the answer's type is described, and that it has
// no member that is not.
func checkContent(t tb, what string, operation *openapi3.Operation, response *http.Response, got []byte, plain bool) {
	t.Helper()
	described := operation.Responses.Status(response.StatusCode).Value
	given, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	if len(described.Content) == 0 {
		if given != "" || len(got) > 0 {
			t.Errorf("%s: a body of type %q, but the document has none", what, given)
		}
		return
	}
	content := described.Content.Get(given)
	if content == nil {
		t.Errorf("%s: the type %q is not in the document", what, given)
		return
	}
	if plain {
		return
	}
	var v any
	if err := json.Unmarshal(got, &v); err != nil {
		t.Errorf("%s: %v: %s", what, err, got)
		return
	}
	noStrangers(t, what, "", content.Schema, v)
	checkStrings(t, what, "", content.Schema, v)
}

// stranger is an unknown member that tests add to configurations, which replies echo.
const stranger = "stranger"

// noStrangers finds members of an answer that the document does not name.
func noStrangers(t tb, what, path string, ref *openapi3.SchemaRef, v any) {
	t.Helper()
	if ref == nil || ref.Value == nil {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			noStrangers(t, what, path+"[]", ref.Value.Items, item)
		}
	case map[string]any:
		if len(ref.Value.Properties) == 0 && ref.Value.AdditionalProperties.Schema == nil {
			return // any object: the fields of a protocol
		}
		for name, member := range v {
			schema := ref.Value.Properties[name]
			if schema == nil {
				schema = ref.Value.AdditionalProperties.Schema
			}
			if schema == nil && name != stranger {
				t.Errorf("%s: %s.%s is not in the document", what, path, name)
			}
			noStrangers(t, what, path+"."+name, schema, member)
		}
	}
}

func TestEveryRouteIsInATag(t *testing.T) {
	for _, item := range apiDocument().Paths.Map() {
		for _, operation := range item.Operations() {
			if len(operation.Tags) != 1 || operation.Summary == "" {
				t.Errorf("an operation without tag or summary: %+v", operation)
			}
		}
	}
}
