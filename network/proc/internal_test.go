package proc

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	var b backoff
	for i, want := range []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		if got := b.next(time.Second); got != want*time.Millisecond {
			t.Errorf("pause %d is %v, want %v ms", i, got, int64(want))
		}
	}
	if got := b.next(healthyAfter); got != backoffFirst {
		t.Errorf("after a healthy run the pause is %v, want %v", got, backoffFirst)
	}
}

func TestJitterStaysWithinAQuarter(t *testing.T) {
	for range 1000 {
		if got := jitter(time.Second); got < 750*time.Millisecond || got > 1250*time.Millisecond {
			t.Fatalf("jitter of 1 s is %v", got)
		}
	}
}

func TestRotateLogKeepsTheWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	writer, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	write := func(text string) {
		t.Helper()
		if _, err := writer.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	if err := rotateLog(path, 5); err != nil { // at the bound: stays
		t.Fatal(err)
	}
	write("second")
	if err := rotateLog(path, 5); err != nil {
		t.Fatal(err)
	}
	write("third")
	for name, want := range map[string]string{path: "third", path + ".1": "firstsecond"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", filepath.Base(name), got, err, want)
		}
	}
	if err := rotateLog(filepath.Join(t.TempDir(), "absent"), 5); err != nil {
		t.Errorf("a log that was never written: %v", err)
	}
}
