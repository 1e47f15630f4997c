package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cybermiles/cmt/gateway/wallet"
)

// passphraseVariable holds the passphrase of an encrypted key for programs; people are asked.
const passphraseVariable = "CMT_KEY_PASSPHRASE"

func (s *session) keyCommand() *cobra.Command {
	key := &cobra.Command{Use: "key", Short: "Make and show keys of your own; no gateway is asked"}
	key.AddCommand(s.keyNewCommand(), s.keyShowCommand())
	return key
}

func (s *session) keyNewCommand() *cobra.Command {
	var scheme, out string
	var encrypt bool
	create := &cobra.Command{
		Use: "new --out FILE", Short: "Make a key and the account that it moves", Args: cobra.NoArgs,
		Long: "Make a key and the account that it moves. Who has the file has the account: with --encrypt it opens only with a passphrase, asked for or from " + passphraseVariable + ". A lost key is lost for ever.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := wallet.ParseScheme(scheme)
			if err != nil {
				return fmt.Errorf("--scheme: %w", err)
			}
			if out == "" {
				return errors.New("--out is required: the key's file")
			}
			key, err := wallet.New(chosen)
			if err != nil {
				return err
			}
			var passphrase string
			if encrypt {
				if passphrase, err = askPassphrase("a new passphrase: "); err != nil {
					return err
				}
			}
			text, err := key.Format(passphrase)
			if err != nil {
				return err
			}
			if err := writeNew(out, text); err != nil {
				return err
			}
			return s.printKey(cmd, key)
		},
	}
	create.Flags().StringVar(&scheme, "scheme", "ed25519", "ed25519 or p256")
	create.Flags().StringVar(&out, "out", "", "where to write the key; a file that is there is not overwritten")
	create.Flags().BoolVar(&encrypt, "encrypt", false, "encrypt the file with a passphrase")
	return create
}

// writeNew writes a file that nobody else may read and that was not there before.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func (s *session) keyShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show FILE", Short: "Print a key's account and public part", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			key, err := readKey(arguments[0])
			if err != nil {
				return err
			}
			return s.printKey(cmd, key)
		},
	}
}

func (s *session) printKey(cmd *cobra.Command, key *wallet.Key) error {
	answer, err := json.Marshal(struct {
		Address   string `json:"address"`
		Scheme    string `json:"scheme"`
		PublicKey string `json:"public_key"`
	}{key.Address().String(), wallet.SchemeText(key.Scheme()), hex.EncodeToString(key.PublicKey())})
	if err != nil {
		return err
	}
	return s.print(cmd, answer)
}

// readKey reads a key's file, which nobody else may read unless it is encrypted.
func readKey(path string) (*wallet.Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 && !wallet.Encrypted(text) {
		return nil, fmt.Errorf("others may read the key %s: chmod 600 it", path)
	}
	key, err := wallet.Parse(text, func() (string, error) { return askPassphrase("passphrase of " + path + ": ") })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// askPassphrase takes the passphrase from the environment, or asks whoever sits at the terminal.
func askPassphrase(prompt string) (string, error) {
	if passphrase := os.Getenv(passphraseVariable); passphrase != "" {
		return passphrase, nil
	}
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return "", errors.New("a passphrase is needed: set " + passphraseVariable + ", or sit at a terminal")
	}
	fmt.Fprint(os.Stderr, prompt)
	passphrase, err := term.ReadPassword(terminal)
	fmt.Fprintln(os.Stderr)
	if err == nil && len(passphrase) == 0 {
		err = errors.New("an empty passphrase protects nothing")
	}
	return string(passphrase), err
}
