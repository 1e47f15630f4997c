package bench

import (
	"slices"
	"testing"
	"time"
)

type timed struct {
	at   time.Duration
	line string
}

func TestPhasesEndWithTheLastLineOfTheirMark(t *testing.T) {
	marks := []Mark{{"modules", "downloading"}, {"build", "built"}, {"run", "ok"}}
	for _, row := range []struct {
		name  string
		lines []timed
		want  Parts
	}{
		{"all", []timed{{1, "hello"}, {2, "downloading a"}, {3, "downloading b"}, {5, "built"}, {9, "ok"}}, Parts{{"modules", 3}, {"build", 2}, {"run", 4}}},
		{"nothing to download", []timed{{5, "built"}, {9, "ok"}}, Parts{{"build", 5}, {"run", 4}}},
		{"a mark that comes too late is no mark", []timed{{5, "built"}, {6, "downloading"}, {9, "ok"}}, Parts{{"build", 5}, {"run", 4}}},
		{"the last never comes", []timed{{2, "downloading"}}, Parts{{"modules", 2}}},
		{"nothing", nil, nil},
	} {
		phases := &Phases{Marks: marks}
		for _, one := range row.lines {
			phases.Line(one.at*time.Second, one.line)
		}
		if got := phases.Seconds(); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
		ended, ok := phases.Ended("run")
		if wanted := len(row.want) > 0 && row.want[len(row.want)-1].Name == "run"; ok != wanted || ok && ended != 9*time.Second {
			t.Errorf("%s: run ended at %v, %v", row.name, ended, ok)
		}
	}
}
