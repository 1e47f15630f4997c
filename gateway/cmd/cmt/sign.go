package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
	"github.com/cybermiles/cmt/gateway/wallet"
)

func (s *session) signCommand() *cobra.Command {
	var operation, validUntil, ledger string
	var nonce uint64
	sign := &cobra.Command{
		Use:   "sign --as FILE --operation NAME --nonce N --valid-until TIME --ledger ID COMMAND",
		Short: "Sign a command offline; cmt send carries what is printed", Args: cobra.ExactArgs(1),
		Long: "Sign a command offline and print what POST /v1/intents and cmt send take. COMMAND is the operation's JSON object, as cmt operations --json describes it, " +
			"without sub_account and hints; - reads it from the standard input.",
	}
	flags := sign.Flags()
	flags.StringVar(&operation, "operation", "", "the operation, such as token:Transfer")
	flags.Uint64Var(&nonce, "nonce", 0, "a nonce that the key has not used: one more than its balance tells")
	flags.StringVar(&validUntil, "valid-until", "", "the last second in which it may happen, such as 2026-01-31T12:00:00Z")
	flags.StringVar(&ledger, "ledger", "", "the ledger's identifier, ledger_id of cmt parameters")
	sign.RunE = func(cmd *cobra.Command, arguments []string) error {
		key, err := s.signer()
		if err != nil {
			return err
		}
		op := spec.Find(operation)
		if op == nil || op.Number == 0 {
			return fmt.Errorf("--operation: %q is none that a key signs; cmt operations lists them", operation)
		}
		until, err := time.Parse(time.RFC3339, validUntil)
		if err != nil {
			return errors.New("--valid-until must be a time such as 2026-01-31T12:00:00Z")
		}
		ledgerID, err := parseLedger(ledger)
		if err != nil {
			return err
		}
		if nonce == 0 {
			return errors.New("--nonce is required: one more than the account's nonce")
		}
		text, err := readArgument(cmd, arguments[0])
		if err != nil {
			return err
		}
		command, err := spec.DecodeCommand(op, text, "COMMAND")
		if err != nil {
			return err
		}
		signed, err := key.Sign(ledgerID, nonce, until.Unix(), &spec.Call{Operation: op, Command: command})
		if err != nil {
			return err
		}
		return printIntents(cmd, signed)
	}
	return sign
}

func parseLedger(text string) (id [16]byte, err error) {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != len(id) {
		return id, fmt.Errorf("--ledger must be %d bytes in hex, as ledger_id of cmt parameters", len(id))
	}
	return [16]byte(data), nil
}

// maxArgumentBytes bounds what is read from files of intents and commands.
const maxArgumentBytes = 1 << 20

// readArgument returns an argument, or the standard input for "-".
func readArgument(cmd *cobra.Command, argument string) ([]byte, error) {
	if argument != "-" {
		return []byte(argument), nil
	}
	return io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxArgumentBytes))
}

func printIntents(cmd *cobra.Command, signed ...*spec.SignedIntent) error {
	text, err := spec.EncodeJSON(&spec.Batch{Intents: signed})
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), string(text))
	return nil
}

func (s *session) sendCommand() *cobra.Command {
	return &cobra.Command{
		Use: "send FILE|-", Short: "Hand in signed intents, as cmt sign prints them, and wait for each", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			var text []byte
			var err error
			if arguments[0] == "-" {
				text, err = readArgument(cmd, "-")
			} else {
				text, err = os.ReadFile(arguments[0])
			}
			if err != nil {
				return err
			}
			var batch spec.Batch
			if err := spec.DecodeJSON(text, &batch); err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			results, err := c.Relay(cmd.Context(), batch.GetIntents()...)
			if err != nil {
				return err
			}
			return s.printResults(cmd, results)
		},
	}
}

// printResults prints what became of each; the first that did not happen is the error.
func (s *session) printResults(cmd *cobra.Command, results []client.IntentResult) error {
	answer, err := json.Marshal(map[string]any{"results": results})
	if err != nil {
		return err
	}
	if err := s.print(cmd, answer); err != nil {
		return err
	}
	for _, result := range results {
		if result.Problem != nil {
			return result.Problem
		}
	}
	return nil
}

func (s *session) intentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "intent ID", Short: "Print what became of a signed intent", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			id, err := spec.ParseID(spec.IntentType, arguments[0])
			if err != nil {
				return spec.FieldErrorf(spec.InvalidField, "ID", "%s", err)
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			var answer json.RawMessage
			if err := c.Get(cmd.Context(), "/v1/intents/"+id.Text(spec.IntentType), nil, &answer); err != nil {
				return err
			}
			return s.print(cmd, answer)
		},
	}
}

// signer returns the key of --as.
func (s *session) signer() (*wallet.Key, error) {
	if s.as == "" {
		return nil, errors.New("--as is required: the file of the key that signs; cmt key new makes one")
	}
	if s.sub != "" {
		return nil, errors.New("--as and --sub exclude each other: a key acts for its own account")
	}
	if s.signing == nil {
		key, err := readKey(s.as)
		if err != nil {
			return nil, err
		}
		s.signing = key
	}
	return s.signing, nil
}

// signedValidity is how long what --as signs may still happen.
const signedValidity = 10 * time.Minute

// doSigned signs a command with the key of --as, hands it in, and asks for the view of what it was about.
func (s *session) doSigned(ctx context.Context, op *spec.Operation, command proto.Message) (client.Receipt, error) {
	if op.Number == 0 {
		return client.Receipt{}, fmt.Errorf("%s is an organisation's operation: leave --as away", op.FullName())
	}
	key, err := s.signer()
	if err != nil {
		return client.Receipt{}, err
	}
	c, err := s.client()
	if err != nil {
		return client.Receipt{}, err
	}
	var balance spec.Balance
	if _, err := c.Do(ctx, query("token:GetBalance", &spec.GetBalance{Address: key.Address().Bytes()}), &balance); err != nil {
		return client.Receipt{}, err
	}
	var parameters spec.Parameters
	if _, err := c.Do(ctx, query("consortium:GetParameters", &spec.GetParameters{}), &parameters); err != nil {
		return client.Receipt{}, err
	}
	ledgerID := [16]byte(parameters.GetLedgerId())
	signed, err := key.Sign(ledgerID, balance.GetNonce()+1, time.Now().Add(signedValidity).Unix(), &spec.Call{Operation: op, Command: command})
	if err != nil {
		return client.Receipt{}, err
	}
	results, err := c.Relay(ctx, signed)
	if err != nil {
		id := spec.IntentID(key.Address(), intent.Message(ledgerID, signed.GetIntent()))
		return client.Receipt{}, fmt.Errorf("%w; if it may have been sent, ask with: cmt intent %s", err, id.Text(spec.IntentType))
	}
	if results[0].Problem != nil {
		return client.Receipt{}, results[0].Problem
	}
	receipt := client.Receipt{Transaction: results[0].Transaction, Block: results[0].Block}
	receipt.Result, err = viewAfter(ctx, c, op, command, key.Address(), results[0].Intent)
	return receipt, err
}

func query(function string, command proto.Message) *spec.Call {
	return &spec.Call{Operation: spec.Find(function), Command: command}
}
