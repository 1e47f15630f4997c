package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cybermiles/cmt/network/proc"
)

func shell(text string) Command { return Command{Args: []string{"sh", "-c", text}} }

func TestCommandCutsOutputIntoLines(t *testing.T) {
	var lines []string
	command := shell(`printf 'one\ntw'; printf 'o\r\n' ; echo three >&2; printf rest`)
	command.Line = func(_ time.Duration, line string) { lines = append(lines, line) }
	if err := command.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two", "three", "rest"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

func TestALineWithoutEndIsCut(t *testing.T) {
	longest := 0
	w := &lineWriter{each: func(_ time.Duration, line string) { longest = max(longest, len(line)) }}
	for range 40 {
		if _, err := w.Write([]byte(strings.Repeat("x", 10_000))); err != nil {
			t.Fatal(err)
		}
	}
	if longest == 0 || longest > maxLineBytes+10_000 || len(w.partial) > maxLineBytes {
		t.Errorf("longest line %d, kept %d", longest, len(w.partial))
	}
}

func TestOutputKeepsErrorOutputApart(t *testing.T) {
	var lines []string
	command := shell(`echo out; echo progress >&2`)
	command.Line = func(_ time.Duration, line string) { lines = append(lines, line) }
	out, err := command.Output(context.Background())
	if err != nil || string(out) != "out\n" || !slices.Equal(lines, []string{"progress"}) {
		t.Errorf("%q, %q, %v", out, lines, err)
	}
}

func TestAFailedCommandQuotesTheEndOfItsOutput(t *testing.T) {
	err := shell(`seq 100; echo no such luck >&2; exit 3`).Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such luck") || strings.Contains(err.Error(), "\n50\n") {
		t.Errorf("%v", err)
	}
}

func TestMeasureCountsTheCPUOfDescendants(t *testing.T) {
	used, err := shell(`sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'`).Measure(context.Background())
	if err != nil || used.CPU < 10*time.Millisecond || used.Wall < 10*time.Millisecond {
		t.Errorf("%+v, %v", used, err)
	}
}

func TestAnInterruptEndsTheWholeGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	started := filepath.Join(t.TempDir(), "pid")
	// The shell cleans up when told to end; its child does not listen, would outlive it, and has its output.
	command := shell(`(trap '' TERM; exec sleep 60) & echo $! >"$0"; trap 'echo cleaned; exit 1' TERM; echo started; wait`)
	command.Args = append(command.Args, started)
	var lines []string
	command.Line = func(_ time.Duration, line string) {
		lines = append(lines, line)
		if line == "started" {
			cancel()
		}
	}
	began := time.Now()
	if err := command.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v: the child was waited for", took)
	}
	if !slices.Contains(lines, "cleaned") {
		t.Errorf("the command was not told to end: %q", lines)
	}
	text, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	err = Await(context.Background(), 5*time.Second, "the child's end", func(context.Context) error {
		if _, err := proc.Identify(pid); err == nil {
			return errors.New("it still runs")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAwaitReportsTheLastError(t *testing.T) {
	asked := 0
	err := Await(context.Background(), time.Minute, "three", func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Errorf("%v after %d", err, asked)
	}
	err = Await(context.Background(), time.Millisecond, "a miracle", func(context.Context) error { return errors.New("none") })
	if err == nil || !strings.Contains(err.Error(), "a miracle: not within 1ms: none") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Await(ctx, time.Minute, "anything", func(context.Context) error { return errors.New("no") }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
