// Package ruletable reads the tables of docs/rules, so that tests can hold the code to every cell of them. It knows Markdown tables
// and nothing of what they say.
package ruletable

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Row is one row of a table: its cells by the names of their columns, without the backticks.
type Row map[string]string

// Read returns the rows of the first table under a heading of a Markdown file. A cell that lists several values, with commas
// between them, makes a row of each when its column is named in each.
func Read(path, heading string, each ...string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := Parse(string(text), heading)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, column := range each {
		var apart []Row
		for _, row := range rows {
			for _, value := range row.List(column) {
				one := Row{}
				for name, cell := range row {
					one[name] = cell
				}
				one[column] = value
				apart = append(apart, one)
			}
		}
		rows = apart
	}
	return rows, nil
}

// Parse returns the rows of the first table under a heading.
func Parse(markdown, heading string) ([]Row, error) {
	lines := strings.Split(markdown, "\n")
	at := slices.IndexFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "#") && strings.TrimLeft(line, "# ") == heading
	})
	if at < 0 {
		return nil, fmt.Errorf("there is no heading %q", heading)
	}
	var columns []string
	var rows []Row
	for n, line := range lines[at+1:] {
		cells := cellsOf(line)
		switch {
		case strings.HasPrefix(line, "#") || cells == nil && columns != nil:
			return rows, nil
		case cells == nil:
		case columns == nil:
			columns = cells
		case len(cells) != len(columns):
			return nil, fmt.Errorf("line %d has %d cells, the table %d columns", at+n+2, len(cells), len(columns))
		case strings.Trim(strings.Join(cells, ""), "-:") == "" && rows == nil && strings.Contains(line, "---"):
			// The line under the names.
		default:
			row := Row{}
			for i, cell := range cells {
				row[columns[i]] = cell
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// cellsOf returns the cells of a line of a table, or nil.
func cellsOf(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") || len(line) < 2 {
		return nil
	}
	cells := strings.Split(line[1:len(line)-1], "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "`", ""))
	}
	return cells
}

// List returns the values of a cell that has commas between them.
func (r Row) List(column string) []string {
	values := strings.Split(r[column], ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

// Values returns every value that a column has, each once, in the order of the rows.
func Values(rows []Row, column string) []string {
	var values []string
	for _, row := range rows {
		for _, value := range row.List(column) {
			if !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
	}
	return values
}
