package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func example() []Result {
	done := Result{Name: "write"}
	done.Add("count", 150)
	done.AddAtMost("p50_ms", 121.35249, 400)
	done.AddAtLeast("valid_per_second", 90, 100)
	done.Add("round_seconds", []float64{7.1, 7})
	done.Add("phase_seconds", Parts{{"modules", 50.12345}, {"build", 61}})
	return []Result{done, {Name: "idle", Err: errors.New("no network:\nline 2")}}
}

func TestDocumentHasMachineAndFlatResultsInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.json")
	document := Document{Machine: Machine{CPU: "one", Cores: 2, MemoryMiB: 1024, Kernel: "6.1", Go: "go1", Load1m: 0.5}, Results: example()}
	if err := document.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"machine":{"cpu":"one","cores":2,"memory_mib":1024,"kernel":"6.1","go":"go1","load_1m":0.5},` +
		`"results":[{"name":"write","count":150,"p50_ms":121.352,"goal_p50_ms":400,"valid_per_second":90,"goal_valid_per_second":100,` +
		`"round_seconds":[7.1,7],"phase_seconds":{"modules":50.123,"build":61}},{"name":"idle","error":"no network:\nline 2"}]}`
	var compact bytes.Buffer
	if err := json.Compact(&compact, got); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, got)
	}
	if compact.String() != want {
		t.Errorf("got  %s\nwant %s", compact.String(), want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, want 0644", info.Mode().Perm())
	}
}

func TestDocumentIsWrittenIntoWhatIsNoFile(t *testing.T) {
	if err := (&Document{}).WriteFile(os.DevNull); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s was replaced: %v, %v", os.DevNull, info.Mode(), err)
	}
}

func TestCheckFileSaysBeforeTheRunWhatToDo(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "new.json"): "",
		file:                              "",
		folder:                            "name a file",
		filepath.Join(folder, "missing", "a.json"): "make the folder first",
		filepath.Join(file, "a.json"):              "is not a folder",
	} {
		err := CheckFile(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestAResultThatIsNoNumberIsRefused(t *testing.T) {
	result := Result{Name: "bad"}
	result.Add("oops", make(chan int))
	if _, err := json.Marshal(result); err == nil {
		t.Error("a channel became JSON")
	}
}

func TestTableShowsGoalsAndWhetherTheyWereReached(t *testing.T) {
	var out bytes.Buffer
	if err := WriteTable(&out, example()); err != nil {
		t.Fatal(err)
	}
	const want = `SCENARIO  FIGURE                 VALUE   GOAL          REACHED
write     count                  150
write     p50_ms                 121     at most 400   yes
write     valid_per_second       90      at least 100  NO
write     round_seconds          7.10 7
write     phase_seconds modules  50.1
write     phase_seconds build    61
idle      broken
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
