package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/store"
)

// keyCommand looks after API keys, beside a running gateway or without one.
func keyCommand(file *string) *cobra.Command {
	key := &cobra.Command{Use: "key", Short: "Create, list and revoke API keys"}
	key.AddCommand(keyCreateCommand(file), keyListCommand(file), keyRevokeCommand(file))
	return key
}

// withStore opens the configured database for do.
func withStore(cmd *cobra.Command, file string, do func(ctx context.Context, s *store.Records) error) error {
	c, err := load(cmd, file)
	if err != nil {
		return err
	}
	if c.Data == "" || c.MSPID == "" {
		return errors.New("data and msp_id are required: name the gateway's configuration with --config FILE")
	}
	s, err := store.OpenRecords(cmd.Context(), c.Data)
	if err != nil {
		return err
	}
	return errors.Join(do(cmd.Context(), s), s.Close())
}

func keyCreateCommand(file *string) *cobra.Command {
	var name string
	var scopes, accounts []string
	var asJSON bool
	create := &cobra.Command{
		Use: "create --name NAME --scopes SCOPE,...|all", Short: "Create an API key and print it, once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			granted, err := parseScopes(scopes)
			if err != nil {
				return err
			}
			if err := checkAccounts(accounts); err != nil {
				return err
			}
			if name == "" || len(name) > 64 {
				return errors.New("--name must be 1 to 64 bytes: it tells keys apart in key list")
			}
			return withStore(cmd, *file, func(ctx context.Context, s *store.Records) error {
				text, key, err := s.CreateKey(ctx, name, granted, accounts)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"id": key.ID, "api_key": text})
				}
				fmt.Fprintln(cmd.OutOrStdout(), text)
				return nil
			})
		},
	}
	create.Flags().StringVar(&name, "name", "", "what the key is for")
	create.Flags().StringSliceVar(&scopes, "scopes", nil, "what the key may do: all, or some of "+scopeNames())
	create.Flags().StringSliceVar(&accounts, "accounts", []string{app.AllAccounts}, "whom it may act for: * is the organisation and all sub-accounts, @organisation the organisation alone, others are sub-accounts' labels")
	create.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return create
}

func scopeNames() string {
	names := make([]string, len(spec.Scopes))
	for i, scope := range spec.Scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, ", ")
}

func parseScopes(names []string) ([]spec.Scope, error) {
	if slices.Equal(names, []string{"all"}) {
		return spec.Scopes, nil
	}
	var scopes []spec.Scope
	for _, name := range names {
		if !slices.Contains(spec.Scopes, spec.Scope(name)) {
			return nil, fmt.Errorf("--scopes: %q is none; there are all, %s", name, scopeNames())
		}
		scopes = append(scopes, spec.Scope(name))
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("--scopes is required: all, or some of %s", scopeNames())
	}
	return scopes, nil
}

// checkAccounts holds the labels to the ledger's own rule.
func checkAccounts(accounts []string) error {
	op := spec.Find(spec.TokenContract + ":Sweep")
	for _, account := range accounts {
		if account == app.AllAccounts || account == app.OwnAccount {
			continue
		}
		quoted, err := json.Marshal(account)
		if err != nil {
			return err
		}
		var refusal *spec.Error
		if _, err := spec.DecodeCall(op, []byte(`{"sub_account":`+string(quoted)+`}`)); errors.As(err, &refusal) {
			return fmt.Errorf("--accounts: %q %s", account, refusal.Detail)
		}
	}
	if len(accounts) == 0 {
		return errors.New("--accounts must name at least one account, or *")
	}
	return nil
}

func keyListCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List API keys, revoked ones too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, *file, func(ctx context.Context, s *store.Records) error {
				keys, err := s.Keys(ctx)
				if err != nil {
					return err
				}
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "ID\tNAME\tSCOPES\tACCOUNTS\tCREATED\tREVOKED")
				for _, key := range keys {
					revoked := "-"
					if !key.RevokedAt.IsZero() {
						revoked = key.RevokedAt.Format(time.RFC3339)
					}
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", key.ID, key.Name, joinScopes(key.Scopes), strings.Join(key.Accounts, ","), key.CreatedAt.Format(time.RFC3339), revoked)
				}
				return table.Flush()
			})
		},
	}
}

func joinScopes(scopes []spec.Scope) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, ",")
}

func keyRevokeCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke an API key; a running gateway refuses it at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			return withStore(cmd, *file, func(ctx context.Context, s *store.Records) error {
				if err := s.RevokeKey(ctx, arguments[0]); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), "revoked", arguments[0])
				return nil
			})
		},
	}
}
