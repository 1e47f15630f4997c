// Package dependencies knows which of our packages may import which, and what none of them may reach. It knows nothing
// of what they do. Its test holds the rules against `go list -deps`; depguard in .golangci.yml says the same while one
// types, for direct imports only.
package dependencies

import (
	"maps"
	"slices"
	"strings"
)

// Module is the import path of ours; the trees of a Rule are relative to it.
const Module = "github.com/cybermiles/cmt"

// Graph holds the direct imports of each package, tests excluded.
type Graph map[string][]string

// Rule is what holds for every package of one tree.
type Rule struct {
	Tree string // the tree it binds: "chaincode/ledger" is that package and all below it
	Why  string

	// May are the trees of ours that it may import directly, beside itself. Nothing else of ours.
	May []string
	// NeverImports are trees of import paths that it must not import directly, nor through packages of ours.
	NeverImports []string
	// NeverReaches are trees of import paths that it must not import through anything at all.
	NeverReaches []string
}

// Violation is a rule that does not hold, and the way by which it is broken: the importer first, the forbidden last.
type Violation struct {
	Rule Rule
	Path []string
}

func (v Violation) String() string {
	return strings.Join(v.Path, " -> ") + ": " + v.Rule.Tree + ": " + v.Rule.Why
}

// Violations are the ways in which the graph breaks the rule, in order; at most one for each package and each forbidden tree.
func (r Rule) Violations(graph Graph) []Violation {
	var found []Violation
	for _, from := range slices.Sorted(maps.Keys(graph)) {
		if !within(from, Module+"/"+r.Tree) {
			continue
		}
		for _, to := range graph[from] {
			if within(to, Module) && !r.may(to) {
				found = append(found, Violation{r, []string{from, to}})
			}
		}
		for _, tree := range r.NeverImports {
			if path := graph.path(from, tree, ours); path != nil {
				found = append(found, Violation{r, path})
			}
		}
		for _, tree := range r.NeverReaches {
			if path := graph.path(from, tree, anything); path != nil {
				found = append(found, Violation{r, path})
			}
		}
	}
	return found
}

func (r Rule) may(to string) bool {
	return within(to, Module+"/"+r.Tree) || slices.ContainsFunc(r.May, func(tree string) bool {
		return within(to, Module+"/"+tree)
	})
}

func ours(path string) bool   { return within(path, Module) }
func anything(string) bool    { return true }
func within(p, t string) bool { return p == t || strings.HasPrefix(p, t+"/") }

// path is a shortest way from a package into a tree over packages that may be passed through; nil when there is none.
func (g Graph) path(from, tree string, through func(string) bool) []string {
	type step struct {
		path string
		last *step
	}
	seen := map[string]bool{from: true}
	for queue := []*step{{path: from}}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0].path] {
			reached := &step{next, queue[0]}
			if within(next, tree) {
				var way []string
				for s := reached; s != nil; s = s.last {
					way = append(way, s.path)
				}
				slices.Reverse(way)
				return way
			}
			if !seen[next] && through(next) {
				seen[next] = true
				queue = append(queue, reached)
			}
		}
	}
	return nil
}
