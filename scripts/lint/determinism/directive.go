package determinism

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const directivePrefix = "//determinism:"

// The directives, each with what it vouches for.
const (
	sorted = "sorted" // the order of a map does not show: it is sorted afterwards, or each element goes its own way
	joined = "joined" // the goroutines are waited for, and which was first does not show
	once   = "once"   // the variable becomes what it would become in every process
)

var directives = []string{sorted, joined, once}

// directive is one comment that permits what is on its line or on the next.
type directive struct {
	name, reason string
	pos          token.Pos
	used         bool
}

// directivesOf finds the directives of a file by the line they stand on, and reports those that say nothing.
func directivesOf(pass *analysis.Pass, file *ast.File) map[int]*directive {
	found := map[int]*directive{}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			text, is := strings.CutPrefix(comment.Text, directivePrefix)
			if !is {
				continue
			}
			name, reason, _ := strings.Cut(text, " ")
			reason, _, _ = strings.Cut(reason, "//")
			switch {
			case !slices.Contains(directives, name):
				pass.Reportf(comment.Pos(), "there is no %s%s: it is one of %s", directivePrefix, name,
					strings.Join(directives, ", "))
			case strings.TrimSpace(reason) == "":
				pass.Reportf(comment.Pos(), "%s%s gives no reason: say why the order or the write cannot show", directivePrefix, name)
			default:
				found[pass.Fset.Position(comment.Pos()).Line] = &directive{name: name, reason: reason, pos: comment.Pos()}
			}
		}
	}
	return found
}

// permitted says whether a directive of that name covers the position, and marks it as used.
func (c *checker) permitted(pos token.Pos, name string) bool {
	line := c.pass.Fset.Position(pos).Line
	for _, at := range []int{line, line - 1} {
		if d := c.directives[at]; d != nil && d.name == name {
			d.used = true
			return true
		}
	}
	return false
}

func (c *checker) reportUnused() {
	for _, d := range c.directives {
		if !d.used {
			c.pass.Reportf(d.pos, "nothing here needs %s%s: remove it", directivePrefix, d.name)
		}
	}
}
