package main

import (
	"encoding/json"
	"fmt"
)

// fieldOf returns a text field of a JSON object.
func fieldOf(text, name string) (string, error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", err
	}
	value, ok := object[name].(string)
	if !ok {
		return "", fmt.Errorf("no text %s in %s", name, text)
	}
	return value, nil
}
