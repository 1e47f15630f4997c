package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// committed is a lab on a repository with one commit: scripts/build, and scripts/show, which prints its environment.
func committed(t *testing.T) *Lab {
	t.Helper()
	lab := testLab(t)
	show := filepath.Join(lab.Repository, "scripts", "show")
	if err := os.WriteFile(show, []byte("#!/bin/sh\nenv\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"init", "--quiet"}, {"add", "."},
		{"-c", "user.name=test", "-c", "user.email=test@test.invalid", "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "one"},
	} {
		if err := (Command{Dir: lab.Repository, Args: append([]string{"git"}, arguments...)}).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return lab
}

// environmentIn runs the clone's scripts/show.
func environmentIn(t *testing.T, c *Clone) map[string]string {
	t.Helper()
	environment := map[string]string{}
	line := func(text string) {
		name, value, _ := strings.Cut(text, "=")
		environment[name] = value
	}
	show := Command{Dir: c.Root, Args: []string{filepath.Join(c.Root, "scripts", "show")}}
	var err error
	if show.Env, err = c.environment(context.Background()); err != nil {
		t.Fatal(err)
	}
	out, err := show.Output(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(out)) {
		line(strings.TrimSuffix(text, "\n"))
	}
	return environment
}

func TestAColdCloneSeesNothingOfTheUsersCaches(t *testing.T) {
	t.Setenv("CMT_FABRIC_BIN", "/nowhere")
	t.Setenv("GOBIN", "/nowhere")
	t.Setenv("GOFLAGS", "-buildvcs=false")
	lab := committed(t)
	cold, err := lab.Clone(context.Background(), "cold", true)
	if err != nil {
		t.Fatal(err)
	}
	environment := environmentIn(t, cold)
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GOPATH", "GOMODCACHE", "GOCACHE", "TMPDIR"} {
		value := environment[name]
		if !strings.HasPrefix(value, lab.Folder+"/cold/") {
			t.Errorf("%s is %q, not of the clone", name, value)
			continue
		}
		if entries, err := os.ReadDir(value); err != nil || len(entries) != 0 {
			t.Errorf("%s is not an empty folder: %v, %v", name, entries, err)
		}
	}
	for _, name := range []string{"CMT_FABRIC_BIN", "GOBIN"} {
		if value, set := environment[name]; set {
			t.Errorf("%s is still %q", name, value)
		}
	}
	if environment["GOFLAGS"] != "-buildvcs=false" || environment["GOENV"] == "" {
		t.Errorf("GOFLAGS %q, GOENV %q: the user's settings are lost", environment["GOFLAGS"], environment["GOENV"])
	}
}

func TestAWarmCloneHasTheUsersCaches(t *testing.T) {
	t.Setenv("CMT_FABRIC_BIN", "/nowhere")
	t.Setenv("GOMODCACHE", "/the/users")
	lab := committed(t)
	warm, err := lab.Clone(context.Background(), "warm", false)
	if err != nil {
		t.Fatal(err)
	}
	environment := environmentIn(t, warm)
	if environment["HOME"] != os.Getenv("HOME") || environment["GOMODCACHE"] != "/the/users" || environment["TMPDIR"] != warm.Temp {
		t.Errorf("HOME %q, GOMODCACHE %q, TMPDIR %q", environment["HOME"], environment["GOMODCACHE"], environment["TMPDIR"])
	}
	if _, set := environment["CMT_FABRIC_BIN"]; set {
		t.Error("CMT_FABRIC_BIN is still set")
	}
}

func TestACloneIsOfTheCommitOnly(t *testing.T) {
	lab := committed(t)
	if err := os.WriteFile(filepath.Join(lab.Repository, "uncommitted"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lab.Out = &said
	clone, err := lab.Clone(context.Background(), "one", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(clone.Root, "uncommitted")); err == nil {
		t.Error("what is not committed was cloned")
	}
	if !strings.Contains(said.String(), "left out: 1 files") || clone.Used.Wall <= 0 {
		t.Errorf("used %v, said %q", clone.Used, said.String())
	}
	if err := clone.Remove(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(lab.Folder)
	if err != nil || len(entries) != 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestWithoutLeavesOutByName(t *testing.T) {
	got := without([]string{"A=1", "B=2", "AB=A=3"}, func(name string) bool { return name == "A" })
	if want := []string{"B=2", "AB=A=3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
