package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// extra is something to print beside what the gateway answered.
type extra struct{ name, value string }

// print writes an answer: as JSON when asked, with the extras as members; else field by field.
func (s *session) print(cmd *cobra.Command, answer json.RawMessage, extras ...extra) error {
	out := cmd.OutOrStdout()
	if !s.asJSON {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		if err := printFields(table, answer, ""); err != nil {
			return err
		}
		for _, e := range extras {
			fmt.Fprintf(table, "%s\t%s\n", words(e.name), e.value)
		}
		return table.Flush()
	}
	if len(extras) > 0 {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(answer, &object); err != nil {
			return err
		}
		for _, e := range extras {
			quoted, err := json.Marshal(e.value)
			if err != nil {
				return err
			}
			object[e.name] = quoted
		}
		var err error
		if answer, err = json.Marshal(object); err != nil {
			return err
		}
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, answer, "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err := out.Write(indented.Bytes())
	return err
}

// printFields writes an object's fields in their order, a line each; objects and lists within are indented.
func printFields(w io.Writer, raw json.RawMessage, indent string) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if err := printField(w, fmt.Sprint(name), value, indent); err != nil {
			return err
		}
	}
	return nil
}

func printField(w io.Writer, name string, value json.RawMessage, indent string) error {
	switch value[0] {
	case '{':
		fmt.Fprintf(w, "%s%s\t\n", indent, words(name))
		return printFields(w, value, indent+"  ")
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(value, &items); err != nil {
			return err
		}
		for _, item := range items {
			if err := printField(w, name, item, indent); err != nil {
				return err
			}
		}
		return nil
	case '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s%s\t%s\n", indent, words(name), text)
		return nil
	}
	fmt.Fprintf(w, "%s%s\t%s\n", indent, words(name), value)
	return nil
}

// words makes a field's name readable.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// printRows writes a list as a table of the named columns.
func (s *session) printRows(cmd *cobra.Command, list page, columns ...string) error {
	if s.asJSON {
		encoded, err := json.Marshal(list)
		if err != nil {
			return err
		}
		return s.print(cmd, encoded)
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ToUpper(words(strings.Join(columns, "\t"))))
	for _, item := range list.Items {
		var fields map[string]any
		if err := json.Unmarshal(item, &fields); err != nil {
			return err
		}
		cells := make([]string, len(columns))
		for i, column := range columns {
			if value, has := fields[column]; has {
				cells[i] = fmt.Sprint(value)
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if list.NextCursor != "" {
		fmt.Fprintln(cmd.OutOrStdout(), "there are more: go on with --cursor", list.NextCursor)
	}
	return nil
}
