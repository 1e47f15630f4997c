package determinism

import (
	"go/ast"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const module = "github.com/cybermiles/cmt/"

// lawful are the trees whose code every endorser must run alike.
var lawful = []string{"chaincode/spec", "chaincode/ledger", "chaincode/intent", "chaincode/door", "chaincode/state", "chaincode/contract"}

// underLaw says whether the package of this import path is to be deterministic.
func underLaw(path string) bool {
	path, ours := strings.CutPrefix(path, module)
	return ours && slices.ContainsFunc(lawful, func(tree string) bool {
		return path == tree || strings.HasPrefix(path, tree+"/")
	})
}

func exempt(pass *analysis.Pass, file *ast.File) bool {
	name := pass.Fset.Position(file.FileStart).Filename
	return strings.HasSuffix(name, "_test.go") || ast.IsGenerated(file)
}
