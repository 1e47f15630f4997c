package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"

	"golang.org/x/tools/go/analysis"
)

// Analyzer reports what could make endorsers disagree. Packages outside the law pass unread.
var Analyzer = &analysis.Analyzer{
	Name: "determinism",
	Doc:  "report what could make two endorsers answer one proposal differently",
	Run:  run,
}

func run(pass *analysis.Pass) (any, error) {
	if !underLaw(pass.Pkg.Path()) || pass.Pkg.Name() == "main" {
		return nil, nil
	}
	for _, file := range pass.Files {
		if exempt(pass, file) {
			continue
		}
		c := &checker{pass: pass, directives: directivesOf(pass, file), floats: map[int]bool{}}
		c.imports(file)
		ast.PreorderStack(file, nil, func(node ast.Node, above []ast.Node) bool {
			c.visit(node, above)
			return true
		})
		c.reportUnused()
	}
	return nil, nil
}

// checker reads one file.
type checker struct {
	pass       *analysis.Pass
	directives map[int]*directive // by line
	floats     map[int]bool       // the lines whose floating point was reported: one report a line is enough
}

func (c *checker) imports(file *ast.File) {
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if why, refused := imports[path]; err == nil && refused {
			c.pass.Reportf(spec.Pos(), "import of %s: %s", path, why)
		}
	}
}

func (c *checker) visit(node ast.Node, above []ast.Node) {
	switch n := node.(type) {
	case *ast.RangeStmt:
		c.rangeStmt(n)
	case *ast.GoStmt:
		c.concurrent(n.Pos(), "a goroutine")
	case *ast.SelectStmt:
		c.concurrent(n.Pos(), "select")
	case *ast.Ident:
		c.name(n, above)
	case *ast.CompositeLit:
		c.options(n)
	}
	c.write(node, above)
	if expr, is := node.(ast.Expr); is {
		c.float(expr)
	}
}

func (c *checker) rangeStmt(n *ast.RangeStmt) {
	if n.Key == nil || !isMap(c.pass.TypesInfo.TypeOf(n.X)) || c.permitted(n.Pos(), sorted) {
		return // without a variable the order is unseen
	}
	c.pass.Reportf(n.Pos(), "range over a map: its order differs in every run; range over sorted keys, or say //determinism:sorted reason")
}

func (c *checker) concurrent(pos token.Pos, what string) {
	if !c.permitted(pos, joined) {
		c.pass.Reportf(pos, "%s: which is first differs in every run; where that cannot show say //determinism:joined reason", what)
	}
}

// name reports the use of a name of the catalogue.
func (c *checker) name(ident *ast.Ident, above []ast.Node) {
	full := fullName(c.pass.TypesInfo.Uses[ident])
	switch why, refused := names[full]; {
	case refused:
		c.pass.Reportf(ident.Pos(), "%s: %s", full, why)
	case unordered[full] && !c.sortedAtOnce(above) && !c.permitted(ident.Pos(), sorted):
		c.pass.Reportf(ident.Pos(), "%s: its order differs in every run; wrap it in slices.Sorted, or say //determinism:sorted reason", full)
	case spawning[full]:
		c.concurrent(ident.Pos(), full)
	case local[full] && !utcAtOnce(above):
		c.pass.Reportf(ident.Pos(), "%s: %s, %s(...).UTC()", full, zone, full)
	}
}

// options reports protobuf's encoder without its deterministic form, which sorts maps.
func (c *checker) options(lit *ast.CompositeLit) {
	named, is := types.Unalias(c.pass.TypesInfo.TypeOf(lit)).(*types.Named)
	if !is || fullName(named.Obj()) != marshalOptions {
		return
	}
	for _, element := range lit.Elts {
		if pair, is := element.(*ast.KeyValueExpr); is && isIdent(pair.Key, "Deterministic") && isIdent(pair.Value, "true") {
			return
		}
	}
	c.pass.Reportf(lit.Pos(), "proto.MarshalOptions without Deterministic: true: %s", varies)
}

func (c *checker) float(expr ast.Expr) {
	lit, is := expr.(*ast.BasicLit)
	written := is && (lit.Kind == token.FLOAT || lit.Kind == token.IMAG)
	line := c.pass.Fset.Position(expr.Pos()).Line
	if c.floats[line] || !written && !holdsFloat(c.pass.TypesInfo.TypeOf(expr)) {
		return
	}
	c.floats[line] = true
	c.pass.Reportf(expr.Pos(), "floating point: rounding is no rule of money, and may differ between machines; count in whole base units")
}

// sortedAtOnce says whether the call around a name is itself the argument of slices.Sorted.
func (c *checker) sortedAtOnce(above []ast.Node) bool {
	for i := len(above) - 1; i > 0; i-- {
		inner, is := above[i].(*ast.CallExpr)
		if !is {
			continue
		}
		outer, is := above[i-1].(*ast.CallExpr)
		if !is || len(outer.Args) != 1 || outer.Args[0] != inner {
			return false
		}
		fun, is := outer.Fun.(*ast.SelectorExpr)
		return is && fullName(c.pass.TypesInfo.Uses[fun.Sel]) == "slices.Sorted"
	}
	return false
}

// utcAtOnce says whether UTC is called on what the call around a name returns: time.Unix(s, 0).UTC().
func utcAtOnce(above []ast.Node) bool {
	if len(above) < 3 {
		return false
	}
	method, is := above[len(above)-3].(*ast.SelectorExpr)
	return is && method.Sel.Name == "UTC"
}
