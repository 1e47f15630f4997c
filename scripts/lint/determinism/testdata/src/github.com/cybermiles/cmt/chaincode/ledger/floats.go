package ledger

import (
	"math"
	"strconv"
	"time"
)

const fee = 0.025 // want `floating point`

const whole = 1e18 // want `floating point`

type price struct {
	cmt   float64            // want `floating point`
	rates map[string]float32 // want `floating point`
	phase complex128         // want `floating point`
}

type ratio float64 // want `floating point`

func rounded(p price, d time.Duration) uint64 {
	_, _ = strconv.ParseFloat("1", 64) // want `floating point`
	_ = d.Seconds()                    // want `floating point`
	_ = math.MaxUint64 / 2
	return uint64(p.cmt) // want `floating point`
}
