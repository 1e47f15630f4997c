// Command determinism reports what could make two endorsers answer one proposal differently.
//
//	go run ./scripts/lint/cmd/determinism ./chaincode/...
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/cybermiles/cmt/scripts/lint/determinism"
)

func main() { singlechecker.Main(determinism.Analyzer) }
