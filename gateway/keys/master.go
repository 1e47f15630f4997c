package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// masterBytes is AES-256's key.
const masterBytes = 32

// readMaster returns the cipher of the master key's file, which holds 64 hex digits. It may be missing, and is
// made then, only while no key was ever sealed with it.
func readMaster(path string, missing bool) (cipher.AEAD, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !missing {
			return nil, fmt.Errorf("the master key %s is gone, and keys were sealed with it: restore it from where you keep its copy", path)
		}
		return makeMaster(path)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read the master key %s: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	master, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(master) != masterBytes {
		return nil, fmt.Errorf("the master key %s must be %d bytes in hex", path, masterBytes)
	}
	return newCipher(master)
}

func makeMaster(path string) (cipher.AEAD, error) {
	master := make([]byte, masterBytes)
	_, _ = rand.Read(master) // the system's source does not fail
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	_, err = file.WriteString(hex.EncodeToString(master) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	return newCipher(master)
}

func newCipher(master []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
