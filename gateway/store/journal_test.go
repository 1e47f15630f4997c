package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cybermiles/cmt/gateway/app"
)

// What was announced is there after a crash.
func TestJournalSurvives(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	request := [32]byte{1}
	entry, err := s.Begin(t.Context(), shopAddress, "k", request)
	if err != nil || entry.Sent.Transaction != "" || entry.Done || entry.Fingerprint != request {
		t.Fatalf("new: %+v %v", entry, err)
	}
	if err := s.Announce(t.Context(), shopAddress, "k", app.Sent{Transaction: "t1", Envelope: []byte("e1")}); err != nil {
		t.Fatal(err)
	}
	// No Close: the process is gone.
	again := openRecords(t, folder)
	entry, err = again.Begin(t.Context(), shopAddress, "k", [32]byte{2})
	if err != nil || entry.Sent.Transaction != "t1" || string(entry.Sent.Envelope) != "e1" || entry.Done || entry.Fingerprint != request {
		t.Fatalf("after the crash: %+v %v", entry, err)
	}
	if pending, err := again.Pending(t.Context(), "t1"); err != nil || !pending {
		t.Errorf("pending: %t %v", pending, err)
	}
	answer := app.Commit{Transaction: "t1", Block: 3, Result: []byte("{}")}
	if err := again.Finish(t.Context(), shopAddress, "k", answer); err != nil {
		t.Fatal(err)
	}
	entry, err = again.Begin(t.Context(), shopAddress, "k", request)
	if err != nil || !entry.Done || entry.Answer.Transaction != "t1" || entry.Answer.Block != 3 || string(entry.Answer.Result) != "{}" {
		t.Errorf("answered: %+v %v", entry, err)
	}
	if err := again.Forget(t.Context(), shopAddress, "k"); err != nil {
		t.Fatal(err)
	}
	if entry, _ = again.Begin(t.Context(), shopAddress, "k", request); !entry.Done {
		t.Error("an answer was forgotten")
	}
	if err := again.Announce(t.Context(), shopAddress, "never begun", app.Sent{Transaction: "t"}); err == nil {
		t.Error("announced under a key that was never begun")
	}
	if pending, _ := again.Pending(t.Context(), ""); pending {
		t.Error("nothing is pending")
	}
}

func TestForgetFreesAKey(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Begin(t.Context(), shopAddress, "k", [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(t.Context(), shopAddress, "k"); err != nil {
		t.Fatal(err)
	}
	if entry, err := s.Begin(t.Context(), shopAddress, "k", [32]byte{2}); err != nil || entry.Fingerprint != [32]byte{2} {
		t.Errorf("got %+v %v", entry, err)
	}
}

// Old rows go, what is still asked for stays.
func TestPrune(t *testing.T) {
	s := open(t, t.TempDir())
	for _, key := range []string{"answered", "waiting"} {
		if _, err := s.Begin(t.Context(), shopAddress, key, [32]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := s.Announce(t.Context(), shopAddress, key, app.Sent{Transaction: "of " + key, Envelope: []byte("e")}); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(s.Finish(t.Context(), shopAddress, "answered", app.Commit{Transaction: "of answered"}), s.NoteUnsettled(t.Context(), "lost"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, row := range []struct {
		after time.Duration
		want  int64
	}{{23 * time.Hour, 0}, {25 * time.Hour, 1}, {29 * 24 * time.Hour, 0}, {31 * 24 * time.Hour, 1}, {365 * 24 * time.Hour, 0}} {
		if removed, err := s.Prune(t.Context(), now.Add(row.after)); err != nil || removed != row.want {
			t.Errorf("after %s %d rows were removed, %v; want %d", row.after, removed, err, row.want)
		}
	}
	for transaction, want := range map[string]bool{"lost": false, "of waiting": true} {
		if pending, err := s.Pending(t.Context(), transaction); err != nil || pending != want {
			t.Errorf("%s is pending: %v, %v", transaction, pending, err)
		}
	}
}
