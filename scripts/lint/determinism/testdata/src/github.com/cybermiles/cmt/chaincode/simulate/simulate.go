// Package simulate is not under the law: it draws its schedule from a seed.
package simulate

import (
	"math/rand/v2"
	"time"
)

func Draw(m map[string]float64) time.Time {
	for range m {
		go rand.Int()
	}
	return time.Now()
}
