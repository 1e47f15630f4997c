package topology

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileBytes bounds a topology file: the largest sensible one is a few hundred lines.
const maxFileBytes = 1 << 20

// Parse decodes one topology document over Defaults. An unknown key, a second document or a wrong type is an error
// that names the line. It does not validate: Resolve does, once paths and ports are known.
func Parse(document []byte) (*Topology, error) {
	if len(document) > maxFileBytes {
		return nil, fmt.Errorf("the topology is %d bytes, more than %d: give a topology file", len(document), maxFileBytes)
	}
	t := Defaults()
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	decoder.KnownFields(true)
	if err := decoder.Decode(&t); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the topology is empty: start from test-network/topology/local.yaml")
		}
		return nil, fmt.Errorf("topology: %s: correct that line", oneLine(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("the topology holds more than one YAML document: keep one")
	}
	t.fillHosts()
	return &t, nil
}

// goType is how the decoder names the Go type that has no such field, which says nothing to an operator.
var goType = regexp.MustCompile(` in type [\w.]+`)

// oneLine writes the decoder's complaints on one line.
func oneLine(err error) string {
	var complaints *yaml.TypeError
	if !errors.As(err, &complaints) {
		return strings.TrimPrefix(err.Error(), "yaml: ")
	}
	return goType.ReplaceAllString(strings.Join(complaints.Errors, "; "), "")
}

// Marshal is the twin of Parse: Parse(Marshal(t)) equals t.
func (t *Topology) Marshal() ([]byte, error) {
	return yaml.Marshal(t)
}

// fillHosts gives every node that names no host the loopback address.
func (t *Topology) fillHosts() {
	for _, endpoint := range t.endpoints() {
		if *endpoint.host == "" {
			*endpoint.host = "127.0.0.1"
		}
	}
}
