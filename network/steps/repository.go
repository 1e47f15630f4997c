package steps

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// moduleLine is how our go.mod begins; a program run from a clone finds its sources by it.
var moduleLine = regexp.MustCompile(`(?m)^module github\.com/cybermiles/cmt$`)

// FindRepository looks for our clone at and above each of the folders, in order.
func FindRepository(folders ...string) (string, error) {
	for _, folder := range folders {
		absolute, err := filepath.Abs(folder)
		if err != nil {
			continue
		}
		for at := absolute; ; at = filepath.Dir(at) {
			if document, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil && moduleLine.Match(document) {
				return at, nil
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return "", fmt.Errorf("no clone of github.com/cybermiles/cmt at or above %q: run this within one, "+
		"or give --topology, --data and --fabric-source", folders)
}
