package ledger

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

var now = time.Now // want `time.Now: endorsers' clocks differ`

func clocks(ctx context.Context, then time.Time) {
	_ = time.Now().Unix()                        // want `time.Now: endorsers' clocks differ`
	_ = time.Since(then)                         // want `time.Since: endorsers' clocks differ`
	_ = time.Until(then)                         // want `time.Until`
	time.Sleep(1)                                // want `time.Sleep`
	<-time.After(1)                              // want `time.After`
	<-time.Tick(1)                               // want `time.Tick`
	_ = time.NewTimer(1)                         // want `time.NewTimer`
	_ = time.NewTicker(1)                        // want `time.NewTicker`
	time.AfterFunc(1, func() {})                 // want `time.AfterFunc`
	_, _ = context.WithTimeout(ctx, time.Second) // want `context.WithTimeout: endorsers' clocks differ`
	_ = timestamppb.Now()                        // want `timestamppb.Now: endorsers' clocks differ`
	_ = time.Second * 2
}

func zones(seconds int64, then time.Time) {
	_ = time.Unix(seconds, 0) // want `time.Unix: endorsers' time zones differ: use UTC, time.Unix\(...\).UTC\(\)`
	_ = time.Unix(seconds, 0).UTC()
	_ = time.UnixMilli(seconds).String() // want `time.UnixMilli: endorsers' time zones differ`
	_ = then.In(time.Local)              // want `time.Local: endorsers' time zones differ`
	_ = then.Local()                     // want `\(time.Time\).Local: endorsers' time zones differ`
	_ = then.In(time.UTC)
}
