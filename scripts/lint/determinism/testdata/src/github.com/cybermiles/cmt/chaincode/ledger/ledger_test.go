package ledger

import (
	"math/rand"
	"time"
)

var started, luck = time.Now(), rand.Float64()
