package render

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"text/template"
)

// File is one rendered file.
type File struct {
	Path    string // absolute
	Mode    fs.FileMode
	Content []byte
}

const (
	privateFile    = 0o600
	privateProgram = 0o700
)

//go:embed templates/*.tmpl
var sources embed.FS

// templates fail on a missing key rather than write "<no value>". The function q quotes a text as YAML.
var templates = template.Must(template.New("").
	Option("missingkey=error").
	Funcs(template.FuncMap{"q": strconv.Quote}).
	ParseFS(sources, "templates/*.tmpl"))

func execute(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

func encodeJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
