package keys_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cybermiles/cmt/chaincode/intent"
	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/keys"
	"github.com/cybermiles/cmt/gateway/store"
)

var sweep = &spec.Call{Operation: spec.Find("token:Sweep"), Command: &spec.Sweep{}}

func open(t *testing.T, folder string) (*keys.Keeper, *store.Store) {
	t.Helper()
	database, err := store.Open(t.Context(), folder, "M")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	keeper, err := keys.Open(t.Context(), database, filepath.Join(folder, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	return keeper, database
}

func sign(t *testing.T, keeper *keys.Keeper, used uint64) uint64 {
	t.Helper()
	signed, err := keeper.Sign(t.Context(), "alice", [16]byte{1}, used, 100, sweep)
	if err != nil {
		t.Error(err)
		return 0
	}
	decoded, err := intent.Decode([16]byte{1}, signed)
	if err != nil {
		t.Error(err)
		return 0
	}
	if refusal := intent.Check([]*intent.Intent{decoded})[0]; refusal != nil {
		t.Error(refusal)
	}
	return decoded.Nonce
}

// Each nonce is given out once, whoever asks side by side, and across restarts.
func TestNoncesAreGivenOnce(t *testing.T) {
	folder := t.TempDir()
	keeper, database := open(t, folder)
	made, err := keeper.Create(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	var mu sync.Mutex
	note := func(nonce uint64) {
		mu.Lock()
		defer mu.Unlock()
		if seen[nonce] {
			t.Errorf("nonce %d was given twice", nonce)
		}
		seen[nonce] = true
	}
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() { note(sign(t, keeper, 0)) })
	}
	group.Wait()
	if !seen[1] || !seen[100] {
		t.Error("nonces do not begin at 1")
	}
	if err := database.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := open(t, folder)
	found, err := again.Key(t.Context(), "alice")
	if err != nil || found.Address != made.Address {
		t.Errorf("after a restart: %+v, %v", found, err)
	}
	note(sign(t, again, 0))
	if nonce := sign(t, again, 1000); nonce != 1001 {
		t.Errorf("behind what the ledger saw: %d", nonce)
	}
}

func TestNames(t *testing.T) {
	keeper, _ := open(t, t.TempDir())
	if _, err := keeper.Key(t.Context(), "alice"); spec.ErrorCode(err) != spec.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := keeper.Sign(t.Context(), "alice", [16]byte{}, 0, 1, sweep); spec.ErrorCode(err) != spec.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := keeper.Create(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper.Create(t.Context(), "alice"); spec.ErrorCode(err) != spec.ReferenceUsed {
		t.Errorf("got %v", err)
	}
}

// At rest there is no private key in the database, and none opens under another name.
func TestAtRest(t *testing.T) {
	folder := t.TempDir()
	keeper, database := open(t, folder)
	for _, name := range []string{"alice", "bob"} {
		if _, err := keeper.Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	alice, err := database.FindKeptKey(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if len(alice.Sealed) < 32+12+16 {
		t.Errorf("%d bytes are no sealed key", len(alice.Sealed))
	}
	moved := alice
	moved.Name = "mallory"
	if err := database.InsertKeptKey(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper.Sign(t.Context(), "mallory", [16]byte{}, 0, 1, sweep); err == nil {
		t.Error("alice's key signs as mallory's")
	}
	if info, err := os.Stat(filepath.Join(folder, "master.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the master key's mode: %v %v", info, err)
	}
}

func TestMasterKey(t *testing.T) {
	folder := t.TempDir()
	master := filepath.Join(folder, "master.key")
	keeper, database := open(t, folder)
	if _, err := keeper.Create(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(master)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, says string) {
		t.Helper()
		if _, err := keys.Open(t.Context(), database, master); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(master, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(master, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(string(text), 0o644)
	refused("one that others may read", "chmod 600")
	write("00", 0o600)
	refused("a short one", "32 bytes in hex")
	write(strings.Repeat("0", 64), 0o600)
	refused("another", "is not the one")
	if err := os.Remove(master); err != nil {
		t.Fatal(err)
	}
	refused("none", "restore it")
}
