package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// summaryOf says in words what a signed command would do.
func summaryOf(nonce uint64, validUntil int64, op *spec.Operation, command proto.Message) (string, error) {
	encoded, err := spec.EncodeJSON(command)
	if err != nil {
		return "", err
	}
	var fields []string
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if _, err := decoder.Token(); err != nil {
		return "", err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return "", err
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return "", err
		}
		if text := fmt.Sprint(value); text != "" {
			fields = append(fields, strings.ReplaceAll(fmt.Sprint(name), "_", " ")+" "+text)
		}
	}
	text := op.FullName() + " (" + strings.TrimSuffix(op.Doc, ".") + ")"
	if len(fields) > 0 {
		text += ": " + strings.Join(fields, ", ")
	}
	return fmt.Sprintf("%s; nonce %d, valid until %s", text, nonce, time.Unix(validUntil, 0).UTC().Format(time.RFC3339)), nil
}
