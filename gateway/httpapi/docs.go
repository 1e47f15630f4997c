package httpapi

import (
	"bytes"
	_ "embed" // the pages' templates
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/cybermiles/cmt/chaincode/spec"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

// contentSecurityPolicy lets a page load nothing from anywhere.
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is what both pages are made of.
type page struct {
	Title  string
	Groups []pageGroup
	Errors []spec.Entry
}

type pageGroup struct {
	Name, Doc  string
	Operations []pageOperation
}

type pageOperation struct {
	ID, Method, Path, Summary, Description, Function, Example string
	Fields                                                    []pageField
	Codes                                                     []spec.Code
}

type pageField struct {
	Name, In, Rule, Doc string
	Required            bool
}

func docsPage() []byte {
	document := BuildOpenAPI()
	p := page{Title: "CMT gateway: operations"}
	for _, entry := range document["tags"].([]any) {
		tag := entry.(object)
		p.Groups = append(p.Groups, pageGroup{Name: tag["name"].(string), Doc: tag["description"].(string)})
	}
	schemas := document["components"].(object)["schemas"].(object)
	paths := document["paths"].(object)
	for _, path := range sortedKeys(paths) {
		item := paths[path].(object)
		for _, method := range sortedKeys(item) {
			operation := item[method].(object)
			group := slices.IndexFunc(p.Groups, func(g pageGroup) bool { return g.Name == operation["tags"].([]string)[0] })
			p.Groups[group].Operations = append(p.Groups[group].Operations, newPageOperation(path, strings.ToUpper(method), operation, schemas))
		}
	}
	return render(p)
}

func errorsPage() []byte { return render(page{Title: "CMT gateway: errors", Errors: spec.Catalogue}) }

func render(p page) []byte {
	var out bytes.Buffer
	if err := docsTemplate.Execute(&out, p); err != nil {
		panic(fmt.Sprintf("httpapi: the page %q has no HTML form: %v", p.Title, err))
	}
	return out.Bytes()
}

func newPageOperation(path, method string, operation, schemas object) pageOperation {
	function, _ := operation["x-function"].(string)
	p := pageOperation{
		ID: operation["operationId"].(string), Method: method, Path: path,
		Summary: operation["summary"].(string), Description: strings.ReplaceAll(operation["description"].(string), "`", ""), Function: function,
	}
	for _, entry := range operation["parameters"].([]any) {
		parameter := entry.(object)
		schema := parameter["schema"].(spec.Schema)
		p.Fields = append(p.Fields, pageField{parameter["name"].(string), parameter["in"].(string), ruleText(schema), parameter["description"].(string), parameter["required"].(bool)})
	}
	if body, ok := operation["requestBody"].(object); ok {
		media := body["content"].(object)["application/json"].(object)
		name := strings.TrimPrefix(media["schema"].(spec.Schema)["$ref"].(string), "#/components/schemas/")
		schema := schemas[name].(spec.Schema)
		properties := schema["properties"].(spec.Schema)
		for _, field := range sortedKeys(properties) {
			property := properties[field].(spec.Schema)
			doc, _ := property["description"].(string)
			p.Fields = append(p.Fields, pageField{field, "body", ruleText(property), doc, requiredOf(schema, field)})
		}
		if example, err := json.MarshalIndent(media["example"], "", "  "); err == nil {
			p.Example = string(example)
		}
	}
	found := operation["responses"].(object)
	for _, status := range sortedKeys(found) {
		codes, _ := found[status].(object)["x-codes"].([]spec.Code)
		p.Codes = append(p.Codes, codes...)
	}
	return p
}

// ruleText says a schema in a few words.
func ruleText(schema spec.Schema) string {
	words := []string{fmt.Sprint(schema["type"])}
	for _, key := range []string{"format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"} {
		if value, ok := schema[key]; ok {
			words = append(words, fmt.Sprintf("%s %v", key, value))
		}
	}
	if values, ok := schema["enum"].([]string); ok {
		words = append(words, "one of "+strings.Join(values, ", "))
	}
	return strings.Join(words, "; ")
}

func sortedKeys[M ~map[string]any](m M) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// page serves a page that was rendered once.
func (s *server) page(path string, html []byte) {
	s.handle("GET", path, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
		_, _ = w.Write(html)
		return nil
	})
}
