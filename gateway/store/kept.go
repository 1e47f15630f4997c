package store

import (
	"context"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
)

// InsertKeptKey stores a new key; the error is ReferenceUsed when the name was used.
func (s *Records) InsertKeptKey(ctx context.Context, key app.SealedKey) error {
	result, err := s.durable.ExecContext(ctx, "INSERT INTO kept_keys (name, scheme, public_key, sealed, reserved, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		key.Name, int32(key.Scheme), key.PublicKey, key.Sealed, key.Reserved, s.now().Unix())
	if err != nil {
		return wrap(err, "store a key")
	}
	if changed, err := result.RowsAffected(); err != nil || changed == 0 {
		return spec.FieldErrorf(spec.ReferenceUsed, "name", "this gateway keeps a key of that name already")
	}
	return nil
}

// FindKeptKey finds a key; the error is NotFound.
func (s *Records) FindKeptKey(ctx context.Context, name string) (app.SealedKey, error) {
	key := app.SealedKey{Name: name}
	err := s.blocks.QueryRowContext(ctx, "SELECT scheme, public_key, sealed, reserved FROM kept_keys WHERE name = ?", name).
		Scan(&key.Scheme, &key.PublicKey, &key.Sealed, &key.Reserved)
	if noRow(err) {
		return key, spec.FieldErrorf(spec.NotFound, "name", "this gateway keeps no key of that name")
	}
	return key, wrap(err, "read a key")
}

// AnyKeptKey returns the name of some key, empty when there is none.
func (s *Records) AnyKeptKey(ctx context.Context) (string, error) {
	var name string
	err := s.blocks.QueryRowContext(ctx, "SELECT coalesce(min(name), '') FROM kept_keys").Scan(&name)
	return name, wrap(err, "look for keys")
}

// ReserveNonces notes that nonces below this one may be given out.
func (s *Records) ReserveNonces(ctx context.Context, name string, below uint64) error {
	_, err := s.durable.ExecContext(ctx, "UPDATE kept_keys SET reserved = ? WHERE name = ? AND reserved < ?", below, name, below)
	return wrap(err, "reserve nonces")
}
