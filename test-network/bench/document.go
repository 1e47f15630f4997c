package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cybermiles/cmt/network/proc"
)

// Document is what --json FILE writes. Fields are only ever added.
type Document struct {
	Machine Machine  `json:"machine"`
	Results []Result `json:"results"`
}

// CheckFile says before a long run that its document could not be written.
func CheckFile(path string) error {
	info, err := os.Stat(filepath.Dir(path))
	switch {
	case err != nil:
		return fmt.Errorf("--json %s: %w: make the folder first", path, err)
	case !info.IsDir():
		return fmt.Errorf("--json %s: %s is not a folder", path, filepath.Dir(path))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("--json %s is a folder: name a file", path)
	}
	return nil
}

// WriteFile writes the document; a file is replaced whole or not at all.
func (d *Document) WriteFile(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("--json %s: %w", path, err)
	}
	write := proc.WriteFile
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		write = os.WriteFile // a pipe or device is written to, not replaced
	}
	if err := write(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("--json %s: %w", path, err)
	}
	return nil
}
