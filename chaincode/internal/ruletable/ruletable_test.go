package ruletable_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/cybermiles/cmt/chaincode/internal/ruletable"
)

const text = `# Doors

| not | this |
|---|---|
| a | b |

## Steps

Some words.

| state | step | to |
|---|:--:|---|
| ` + "`open`, `ajar`" + ` | Shut | shut |
| shut | Open | open |

| another | table |
|---|---|
| x | y |
`

func TestReadMakesARowOfEachValue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doors.md")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rows, err := ruletable.Read(path, "Steps", "state")
	want := []ruletable.Row{
		{"state": "open", "step": "Shut", "to": "shut"}, {"state": "ajar", "step": "Shut", "to": "shut"}, {"state": "shut", "step": "Open", "to": "open"},
	}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v, %v, want %v", rows, err, want)
	}
	if got := ruletable.Values(rows, "step"); !reflect.DeepEqual(got, []string{"Shut", "Open"}) {
		t.Errorf("the steps are %q", got)
	}
	if _, err := ruletable.Read(path, "Windows"); err == nil {
		t.Error("a heading that is not there has a table")
	}
}

func TestRowsOfAnotherWidthAreRefused(t *testing.T) {
	if rows, err := ruletable.Parse("# T\n| a | b |\n|---|---|\n| c |\n", "T"); err == nil {
		t.Errorf("a row that lacks a cell reads as %v", rows)
	}
}
