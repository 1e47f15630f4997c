package crowd

import (
	"syscall"
	"time"
)

// Usage is the CPU time of this process, or of the calling thread.
func Usage(who int) time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(who, &used) != nil {
		return 0 // it fails for an unknown who only
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
