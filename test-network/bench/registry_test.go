package bench

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func testRegistry() Registry {
	return Registry{
		{Name: "first", Summary: "one", Scenarios: []Scenario{{Name: "up", Summary: "a"}, {Name: "write", Summary: "b"}, {Name: "idle", Summary: "c"}, {Name: "grow", Summary: "d", Nightly: true}}},
		{Name: "second", Summary: "two"},
	}
}

func TestFindNamesWhatThereIs(t *testing.T) {
	if bench, err := testRegistry().Find("second"); err != nil || bench.Name != "second" {
		t.Errorf("%v, %v", bench, err)
	}
	if _, err := testRegistry().Find("third"); err == nil || err.Error() != `no bench "third": there is first, second` {
		t.Errorf("%v", err)
	}
}

func TestOnlyKeepsTheBenchsOrder(t *testing.T) {
	bench := testRegistry()[0]
	for _, row := range []struct {
		only    []string
		nightly bool
		want    []string
		err     string
	}{
		{nil, false, []string{"up", "write", "idle"}, ""},
		{nil, true, []string{"up", "write", "idle", "grow"}, ""},
		{[]string{"idle", "up"}, true, []string{"up", "idle"}, ""},
		{[]string{"grow", "up"}, false, []string{"up", "grow"}, ""},
		{[]string{"idle", "up", "Write"}, false, nil, `--only: the bench first has no scenario "Write": there is up, write, idle, grow`},
	} {
		kept, err := bench.Only(row.only, row.nightly)
		if row.err != "" {
			if err == nil || err.Error() != row.err {
				t.Errorf("%v: %v, want %s", row.only, err, row.err)
			}
			continue
		}
		var names []string
		for _, scenario := range kept.Scenarios {
			names = append(names, scenario.Name)
		}
		if err != nil || !slices.Equal(names, row.want) {
			t.Errorf("%v: %v, %v, want %v", row.only, names, err, row.want)
		}
	}
}

func TestDescribeNamesEveryScenario(t *testing.T) {
	const want = "first: one\n  up          a\n  write       b\n  idle        c\n  grow        d (with --nightly)\nsecond: two\n"
	if got := testRegistry().Describe(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// buildScript stands for scripts/build.
const buildScript = "#!/bin/sh\nmkdir -p .bin\necho built >.bin/program\n"

// testLab is a workplace beside a repository that can do no more than be built.
func testLab(t *testing.T) *Lab {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "scripts", "build"), []byte(buildScript), 0o700); err != nil {
		t.Fatal(err)
	}
	lab, err := NewLab(root, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return lab
}

func TestABrokenScenarioDoesNotKeepTheNextFromRunning(t *testing.T) {
	broken := errors.New("broken")
	bench := Bench{Scenarios: []Scenario{
		{Name: "one", Run: func(context.Context, *Lab) (Result, error) {
			result := Result{}
			result.Add("half", 1)
			return result, broken
		}},
		{Name: "two", Run: func(context.Context, *Lab) (Result, error) { return Result{}, nil }},
	}}
	results, err := bench.Run(context.Background(), testLab(t))
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "one") {
		t.Errorf("%v, want that one broke", err)
	}
	if len(results) != 2 || results[0].Name != "one" || !errors.Is(results[0].Err, broken) || len(results[0].Figures) != 0 ||
		results[1].Name != "two" || results[1].Err != nil {
		t.Errorf("results %+v", results)
	}
}

func TestAnInterruptEndsTheBench(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	bench := Bench{Scenarios: []Scenario{
		{Name: "one", Run: func(context.Context, *Lab) (Result, error) { return Result{}, nil }},
		{Name: "two", Run: func(ctx context.Context, _ *Lab) (Result, error) { cancel(); return Result{}, ctx.Err() }},
		{Name: "three", Run: func(context.Context, *Lab) (Result, error) { t.Error("three ran"); return Result{}, nil }},
	}}
	results, err := bench.Run(ctx, testLab(t))
	if !errors.Is(err, context.Canceled) || len(results) != 1 {
		t.Errorf("%v, %v", results, err)
	}
}

func TestTheLabHasTheProgramsForItself(t *testing.T) {
	lab := testLab(t)
	path, err := lab.Program(context.Background(), "program")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(lab.Repository, ".bin", "program"), []byte("built anew\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := lab.Program(context.Background(), "program"); err != nil || again != path {
		t.Errorf("%s, %v, first %s", again, err, path)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "built\n" {
		t.Errorf("%q, %v: the build beside it shows", got, err)
	}
	if _, err := lab.Program(context.Background(), "other"); err == nil || !strings.Contains(err.Error(), "made no other") {
		t.Errorf("%v", err)
	}
}

func TestALabIsMadeInACloneOnly(t *testing.T) {
	if _, err := NewLab(t.TempDir(), io.Discard); err == nil || !strings.Contains(err.Error(), "no clone") {
		t.Errorf("%v", err)
	}
}

func TestCloseRemovesWhatIsReadOnlyToo(t *testing.T) {
	lab := testLab(t)
	module := filepath.Join(lab.Folder, "modules", "one@v1")
	if err := os.MkdirAll(module, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(module, "go.mod"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{module, filepath.Dir(module)} {
		if err := os.Chmod(folder, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	if err := lab.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lab.Folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", lab.Folder, err)
	}
}
