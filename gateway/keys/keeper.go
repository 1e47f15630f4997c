package keys

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"sync"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/app"
	"github.com/cybermiles/cmt/gateway/wallet"
)

// reservedAtOnce is how many nonces are reserved in one write to the disk. After a crash the rest of them is left out, which
// the ledger permits: it asks that nonces grow, not that they are dense.
const reservedAtOnce = 64

// Keeper keeps keys.
type Keeper struct {
	storage app.KeyStorage
	master  cipher.AEAD

	mu   sync.Mutex
	open map[string]*opened
}

// opened is a key in use.
type opened struct {
	mu  sync.Mutex
	key *wallet.Key
	// next is the lowest nonce that was not given out; reserved is the first that may not be without another write.
	next, reserved uint64
}

var _ app.Keeper = (*Keeper)(nil)

// Open returns a keeper over the storage. The master key's file is made when there is neither file nor key; a file that does
// not open the keys that are there is an error.
func Open(ctx context.Context, storage app.KeyStorage, masterFile string) (*Keeper, error) {
	some, err := storage.AnyKeptKey(ctx)
	if err != nil {
		return nil, err
	}
	master, err := readMaster(masterFile, some == "")
	if err != nil {
		return nil, err
	}
	k := &Keeper{storage: storage, master: master, open: map[string]*opened{}}
	if some != "" {
		if _, err := k.find(ctx, some); err != nil {
			return nil, fmt.Errorf("the master key %s is not the one that keys were sealed with: %w", masterFile, err)
		}
	}
	return k, nil
}

// Create makes an Ed25519 key; the error is ReferenceUsed when the name was used.
func (k *Keeper) Create(ctx context.Context, name string) (app.KeptKey, error) {
	key, err := wallet.New(spec.Scheme_SCHEME_ED25519)
	if err != nil {
		return app.KeptKey{}, err
	}
	sealed := app.SealedKey{
		Name: name, Scheme: key.Scheme(), PublicKey: key.PublicKey(), Reserved: 1,
		Sealed: k.master.Seal(nil, nil, key.Secret(), additional(name, key.PublicKey())),
	}
	return kept(sealed, key.Address()), k.storage.InsertKeptKey(ctx, sealed)
}

// additional binds a sealed key to its row: one put into another row does not open.
func additional(name string, public []byte) []byte { return append([]byte(name+"\x00"), public...) }

func kept(sealed app.SealedKey, address spec.Address) app.KeptKey {
	return app.KeptKey{Name: sealed.Name, Scheme: sealed.Scheme, PublicKey: sealed.PublicKey, Address: address}
}

// Key finds a key; the error is NotFound.
func (k *Keeper) Key(ctx context.Context, name string) (app.KeptKey, error) {
	sealed, err := k.storage.FindKeptKey(ctx, name)
	if err != nil {
		return app.KeptKey{}, err
	}
	address, err := intent.Address(sealed.Scheme, sealed.PublicKey)
	return kept(sealed, address), err
}

// Sign signs with the key and a nonce that it was never given, higher than used.
func (k *Keeper) Sign(ctx context.Context, name string, ledgerID [16]byte, used uint64, validUntil int64, call *spec.Call) (*spec.SignedIntent, error) {
	o, err := k.find(ctx, name)
	if err != nil {
		return nil, err
	}
	nonce, err := k.nonce(ctx, name, o, used)
	if err != nil {
		return nil, err
	}
	return o.key.Sign(ledgerID, nonce, validUntil, call)
}

// nonce gives out a nonce once, a crash in between included.
func (k *Keeper) nonce(ctx context.Context, name string, o *opened, used uint64) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nonce := max(o.next, used+1)
	if nonce >= o.reserved {
		if err := k.storage.ReserveNonces(ctx, name, nonce+reservedAtOnce); err != nil {
			return 0, err
		}
		o.reserved = nonce + reservedAtOnce
	}
	o.next = nonce + 1
	return nonce, nil
}

// find returns a key ready to sign.
func (k *Keeper) find(ctx context.Context, name string) (*opened, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if o, ok := k.open[name]; ok {
		return o, nil
	}
	sealed, err := k.storage.FindKeptKey(ctx, name)
	if err != nil {
		return nil, err
	}
	secret, err := k.master.Open(nil, nil, sealed.Sealed, additional(name, sealed.PublicKey))
	if err != nil {
		return nil, errors.New("a key does not open")
	}
	key, err := wallet.FromSecret(sealed.Scheme, secret)
	if err != nil {
		return nil, err
	}
	o := &opened{key: key, next: sealed.Reserved, reserved: sealed.Reserved}
	k.open[name] = o
	return o, nil
}
