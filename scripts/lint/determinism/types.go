package determinism

import (
	"go/ast"
	"go/types"
)

// fullName is the name of a package-level function, variable or type with its package's path, or of a method with its
// receiver; empty for anything else.
func fullName(object types.Object) string {
	switch o := object.(type) {
	case *types.Func:
		return o.Origin().FullName()
	case *types.Var, *types.TypeName:
		if o.Pkg() != nil && o.Parent() == o.Pkg().Scope() {
			return o.Pkg().Path() + "." + o.Name()
		}
	}
	return ""
}

func isIdent(expr ast.Expr, name string) bool {
	ident, is := expr.(*ast.Ident)
	return is && ident.Name == name
}

// isMap says whether values of the type are maps; of a type parameter, whether they may be.
func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	if parameter, is := types.Unalias(t).(*types.TypeParam); is {
		return anyTerm(parameter.Constraint(), isMap)
	}
	_, is := t.Underlying().(*types.Map)
	return is
}

// anyTerm says whether the condition holds for one of the types that a constraint lists.
func anyTerm(constraint types.Type, holds func(types.Type) bool) bool {
	switch t := constraint.Underlying().(type) {
	case *types.Interface:
		for i := range t.NumEmbeddeds() {
			if anyTerm(t.EmbeddedType(i), holds) {
				return true
			}
		}
	case *types.Union:
		for i := range t.Len() {
			if holds(t.Term(i).Type()) {
				return true
			}
		}
	default:
		return holds(constraint)
	}
	return false
}

// holdsFloat says whether the type is a floating-point or complex one, or one of several results is.
func holdsFloat(t types.Type) bool {
	switch t := t.(type) {
	case nil:
		return false
	case *types.Tuple:
		for i := range t.Len() {
			if holdsFloat(t.At(i).Type()) {
				return true
			}
		}
		return false
	default:
		basic, is := t.Underlying().(*types.Basic)
		return is && basic.Info()&(types.IsFloat|types.IsComplex) != 0
	}
}
