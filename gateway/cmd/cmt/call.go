package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/client"
)

// do makes a call as the chosen account.
func (s *session) do(ctx context.Context, function string, command, result proto.Message) (client.Receipt, error) {
	c, err := s.client()
	if err != nil {
		return client.Receipt{}, err
	}
	op := spec.Find(function)
	if s.as != "" && op.Kind == spec.Write {
		return s.doSigned(ctx, op, command)
	}
	if op.Path == "" {
		return client.Receipt{}, fmt.Errorf("%s is no call of an organisation's: sign it with --as", op.FullName())
	}
	call := &spec.Call{Operation: op, Command: command}
	if op.Kind == spec.Write {
		call.SubAccount = s.sub
	}
	return c.Do(ctx, call, result)
}

// doAndPrint makes a call and prints its view, with the transaction of a write.
func (s *session) doAndPrint(cmd *cobra.Command, function string, command proto.Message, extras ...extra) error {
	receipt, err := s.do(cmd.Context(), function, command, nil)
	if err != nil {
		return err
	}
	return s.print(cmd, receipt.Result, append(extras, receiptExtras(receipt)...)...)
}

func receiptExtras(receipt client.Receipt) []extra {
	if receipt.Transaction == "" {
		return nil
	}
	return []extra{{"transaction", receipt.Transaction}, {"block", strconv.FormatUint(receipt.Block, 10)}}
}

// self is what the gateway says of itself.
type self struct {
	Organisation string `json:"organisation"`
	MSPID        string `json:"msp_id"`
}

// actor returns the account that commands act for.
func (s *session) actor(ctx context.Context) (spec.Address, self, error) {
	var who self
	if s.as != "" {
		key, err := s.signer()
		if err != nil {
			return spec.Address{}, who, err
		}
		return key.Address(), who, nil
	}
	c, err := s.client()
	if err != nil {
		return spec.Address{}, who, err
	}
	if err := c.Get(ctx, "/v1/self", nil, &who); err != nil {
		return spec.Address{}, who, err
	}
	return spec.SubAccountAddress(who.MSPID, s.sub), who, nil
}

// page is a list as the gateway answers it.
type page struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func (s *session) page(ctx context.Context, path string, query url.Values) (page, error) {
	var list page
	c, err := s.client()
	if err != nil {
		return list, err
	}
	for name := range query {
		if query.Get(name) == "" {
			query.Del(name)
		}
	}
	return list, c.Get(ctx, path, query, &list)
}

// randomBytes returns n random bytes; the system's source does not fail.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// referenceBytes make references that never meet.
const referenceBytes = 12

// randomReference returns a reference that meets no other.
func randomReference() string { return "cmt-" + hex.EncodeToString(randomBytes(referenceBytes)) }
