package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// operationRow is a row of the operation table for programs.
type operationRow struct {
	Function string    `json:"function"`
	Kind     spec.Kind `json:"kind"`
	// Intent: a key may sign it; then Signed is what it signs, where that differs from a call's command.
	Intent  bool        `json:"intent"`
	Signed  spec.Schema `json:"signed_command,omitempty"`
	Role    string      `json:"role,omitempty"`
	Creates spec.IDType `json:"creates,omitempty"`
	Method  string      `json:"method,omitempty"`
	Path    string      `json:"path,omitempty"`
	Scope   spec.Scope  `json:"scope,omitempty"`
	Errors  []spec.Code `json:"errors"`
	Doc     string      `json:"doc"`
	Command spec.Schema `json:"command"`
	Result  spec.Schema `json:"result"`
}

func (s *session) operationsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "operations", Short: "List every operation of the ledger; with --json also what goes in and comes out", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.asJSON {
				return printOperations(cmd)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "FUNCTION\tMETHOD\tPATH\tSCOPE\tINTENT\tWHAT IT DOES")
			for i := range spec.Operations {
				op := &spec.Operations[i]
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", op.FullName(), orDash(op.Method), orDash(op.Path), orDash(string(op.Scope)), intentWord(op), op.Doc)
			}
			return table.Flush()
		},
	}
}

// intentWord says whether a key may sign the operation.
func intentWord(op *spec.Operation) string {
	if op.Number > 0 {
		return "yes"
	}
	return "-"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func printOperations(cmd *cobra.Command) error {
	rows := make([]operationRow, len(spec.Operations))
	for i := range spec.Operations {
		op := &spec.Operations[i]
		rows[i] = operationRow{
			Function: op.FullName(), Kind: op.Kind, Creates: op.Creates, Method: op.Method, Path: op.Path, Scope: op.Scope,
			Errors: append([]spec.Code{}, op.Errors...), Doc: op.Doc,
			Command: spec.CallSchema(op), Result: spec.MessageSchema(op.Result.ProtoReflect().Descriptor()),
		}
		if op.Number > 0 {
			rows[i].Intent, rows[i].Signed = true, spec.SignedCommandSchema(op)
		}
		if op.Role != 0 {
			rows[i].Role = spec.EnumText(op.Role.Descriptor(), op.Role.Number())
		}
	}
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}
