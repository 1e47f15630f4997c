package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable prints results for people: each figure, its goal and whether it was reached.
func WriteTable(out io.Writer, results []Result) error {
	var padded strings.Builder
	table := tabwriter.NewWriter(&padded, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCENARIO\tFIGURE\tVALUE\tGOAL\tREACHED")
	for _, result := range results {
		if result.Err != nil {
			fmt.Fprintf(table, "%s\tbroken\t\t\t\n", result.Name) // why stands above: an error may have many lines
		}
		for _, figure := range result.Figures {
			for _, row := range rows(figure) {
				fmt.Fprintf(table, "%s\t%s\n", result.Name, strings.Join(row, "\t"))
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(padded.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	return nil
}

// rows are a figure's lines: name, value, goal, reached.
func rows(figure Figure) [][]string {
	switch value := figure.Value.(type) {
	case Parts:
		var lines [][]string
		for _, part := range value {
			lines = append(lines, []string{figure.Name + " " + part.Name, number(part.Value), "", ""})
		}
		return lines
	case []float64:
		texts := make([]string, len(value))
		for i, one := range value {
			texts[i] = number(one)
		}
		return [][]string{{figure.Name, strings.Join(texts, " "), "", ""}}
	case float64:
		if figure.Goal == nil {
			return [][]string{{figure.Name, number(value), "", ""}}
		}
		sign, reached := "at most ", "NO"
		if figure.Goal.AtLeast {
			sign = "at least "
		}
		if figure.Goal.Reached(value) {
			reached = "yes"
		}
		return [][]string{{figure.Name, number(value), sign + number(figure.Goal.Value), reached}}
	}
	return [][]string{{figure.Name, fmt.Sprint(figure.Value), "", ""}}
}

// number prints three figures or so.
func number(value float64) string {
	switch {
	case value == float64(int64(value)) || value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}
