package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/cybermiles/cmt/chaincode/spec"
)

// file is a key's file. Address and public key follow from the private key; they are there to be read.
type file struct {
	Address    string `json:"address"`
	Scheme     string `json:"scheme"`
	PublicKey  string `json:"public_key"`
	PrivateKey string `json:"private_key"`
}

// SchemeText returns a scheme's name.
func SchemeText(scheme spec.Scheme) string {
	return spec.EnumText(scheme.Descriptor(), scheme.Number())
}

// ParseScheme reads a scheme's name.
func ParseScheme(text string) (spec.Scheme, error) {
	for _, scheme := range []spec.Scheme{spec.Scheme_SCHEME_ED25519, spec.Scheme_SCHEME_P256} {
		if SchemeText(scheme) == text {
			return scheme, nil
		}
	}
	return 0, fmt.Errorf("the scheme must be ed25519 or p256; it is %q", text)
}

// Format writes a key's file: JSON, or with a passphrase JSON encrypted by age, which the age program reads as well.
func (k *Key) Format(passphrase string) ([]byte, error) {
	text, err := json.MarshalIndent(file{
		Address: k.address.String(), Scheme: SchemeText(k.scheme), PublicKey: hex.EncodeToString(k.public), PrivateKey: hex.EncodeToString(k.secret),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if passphrase == "" {
		return text, nil
	}
	return encrypt(text, passphrase)
}

func encrypt(text []byte, passphrase string) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	encrypted, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, err
	}
	_, err = encrypted.Write(text)
	err = errors.Join(err, encrypted.Close(), armored.Close())
	return out.Bytes(), err
}

// maxWorkFactor bounds what decrypting a file may cost: 2^20 rounds of scrypt are seconds.
const maxWorkFactor = 20

// Encrypted reports whether a key's file needs a passphrase.
func Encrypted(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte(armor.Header)) }

// Parse reads a key's file. The passphrase is asked for only when the file is encrypted.
func Parse(data []byte, passphrase func() (string, error)) (*Key, error) {
	if Encrypted(data) {
		words, err := passphrase()
		if err != nil {
			return nil, err
		}
		if data, err = decrypt(data, words); err != nil {
			return nil, err
		}
	}
	var read file
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return nil, fmt.Errorf("this is no key's file: %w", err)
	}
	scheme, err := ParseScheme(read.Scheme)
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(read.PrivateKey)
	if err != nil {
		return nil, errors.New("private_key must be hex")
	}
	key, err := FromSecret(scheme, secret)
	if err != nil {
		return nil, err
	}
	if key.address.String() != read.Address || hex.EncodeToString(key.public) != read.PublicKey {
		return nil, errors.New("address and public_key are not the private key's: the file was altered")
	}
	return key, nil
}

func decrypt(data []byte, passphrase string) ([]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	reader, err := age.Decrypt(armor.NewReader(bytes.NewReader(data)), identity)
	if err != nil {
		return nil, fmt.Errorf("the passphrase does not open it: %w", err)
	}
	return io.ReadAll(reader)
}
