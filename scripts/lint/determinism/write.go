package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// write reports a function's writes to package-level variables: what one transaction leaves behind, the next would see,
// and each endorser has seen other transactions. init may write.
func (c *checker) write(node ast.Node, above []ast.Node) {
	for _, target := range targets(c.pass.TypesInfo, node) {
		variable := c.packageVariable(target)
		if variable == nil || !inFunction(above) || c.permitted(node.Pos(), once) {
			continue
		}
		c.pass.Reportf(target.Pos(), "write to the package-level variable %s: it outlives the transaction; "+
			"pass it as a value, or say //determinism:once reason", variable.Name())
	}
}

// targets are the expressions that a node writes to.
func targets(info *types.Info, node ast.Node) []ast.Expr {
	switch n := node.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		fun, is := n.Fun.(*ast.Ident)
		if !is || len(n.Args) == 0 {
			return nil
		}
		if builtin, is := info.Uses[fun].(*types.Builtin); is {
			switch builtin.Name() {
			case "clear", "copy", "delete":
				return n.Args[:1]
			}
		}
	}
	return nil
}

// packageVariable is the package-level variable that an expression is, or lies in; nil when there is none.
func (c *checker) packageVariable(expr ast.Expr) *types.Var {
	for {
		switch e := expr.(type) {
		case *ast.Ident:
			return c.packageLevel(e)
		case *ast.SelectorExpr:
			if variable := c.packageLevel(e.Sel); variable != nil {
				return variable // another package's
			}
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.SliceExpr:
			expr = e.X
		case *ast.StarExpr:
			expr = e.X
		case *ast.ParenExpr:
			expr = e.X
		default:
			return nil
		}
	}
}

func (c *checker) packageLevel(ident *ast.Ident) *types.Var {
	variable, is := c.pass.TypesInfo.Uses[ident].(*types.Var)
	if !is || fullName(variable) == "" {
		return nil
	}
	return variable
}

// inFunction says whether the innermost declaration around a node is a function other than init.
func inFunction(above []ast.Node) bool {
	for _, node := range above {
		if function, is := node.(*ast.FuncDecl); is {
			return function.Recv != nil || function.Name.Name != "init"
		}
	}
	return false
}
