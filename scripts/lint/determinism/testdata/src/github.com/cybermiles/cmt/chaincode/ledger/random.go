package ledger

import (
	"crypto/ed25519"
	"crypto/rand"      // want `import of crypto/rand: endorsers would draw different numbers`
	"hash/maphash"     // want `import of hash/maphash`
	old "math/rand"    // want `import of math/rand: endorsers`
	new "math/rand/v2" // want `import of math/rand/v2: endorsers`
)

func draws() {
	_ = rand.Text()
	_ = maphash.MakeSeed()
	_ = old.Int()
	_ = new.Int()
	_, _, _ = ed25519.GenerateKey(nil) // want `crypto/ed25519.GenerateKey: endorsers would draw different numbers`
	_ = ed25519.Verify(nil, nil, nil)
}
