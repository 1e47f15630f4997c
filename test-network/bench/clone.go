package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Clone is a fresh clone of the repository's commit, in a folder of its own in the lab.
type Clone struct {
	Root string // the working tree
	Temp string // the TMPDIR of what is run in it
	Used Used   // by the cloning

	lab    *Lab
	folder string
	cold   bool
}

// Clone clones the commit that is checked out. A cold clone's programs see a home and caches of their own, which are empty.
func (l *Lab) Clone(ctx context.Context, name string, cold bool) (*Clone, error) {
	folder := filepath.Join(l.Folder, name)
	c := &Clone{Root: filepath.Join(folder, "cmt"), Temp: filepath.Join(folder, "tmp"), lab: l, folder: folder, cold: cold}
	if err := os.MkdirAll(c.Temp, 0o700); err != nil {
		return nil, err
	}
	head, err := Command{Dir: l.Repository, Args: []string{"git", "log", "-1", "--format=%h %s"}}.Output(ctx)
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	changes, err := Command{Dir: l.Repository, Args: []string{"git", "status", "--porcelain"}}.Output(ctx)
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	l.Say("a clean clone of %s", strings.TrimSpace(string(head)))
	if len(changes) > 0 {
		l.Say("  (what is not committed is left out: %d files)", strings.Count(string(changes), "\n"))
	}
	// --no-local copies the objects as a clone from elsewhere does.
	clone := Command{Args: []string{"git", "clone", "--quiet", "--no-local", l.Repository, c.Root}}
	if c.Used, err = clone.Measure(ctx); err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// Measure runs a program of the clone, and afterwards ends a network that a demo that was cut short may have left.
func (c *Clone) Measure(ctx context.Context, line func(at time.Duration, text string), arguments ...string) (Used, error) {
	environment, err := c.environment(ctx)
	if err != nil {
		return Used{}, err
	}
	used, err := c.lab.Follow(Command{Dir: c.Root, Env: environment, Args: arguments, Line: line}).Measure(ctx)
	return used, errors.Join(err, c.stopLeftovers(context.WithoutCancel(ctx)))
}

// Remove removes the clone and its caches.
func (c *Clone) Remove() error { return RemoveAll(c.folder) }

// caches are the variables that say where caches, configuration and programs of this user lie.
var caches = []string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "GOPATH", "GOMODCACHE", "GOCACHE", "GOBIN", "GOTMPDIR"}

// environment is the caller's, without our own settings, with the clone's TMPDIR, and in the cold with caches of the clone.
func (c *Clone) environment(ctx context.Context) ([]string, error) {
	environment := without(os.Environ(), func(name string) bool {
		return name == "TMPDIR" || strings.HasPrefix(name, "CMT_") || c.cold && slices.Contains(caches, name)
	})
	environment = append(environment, "TMPDIR="+c.Temp)
	if !c.cold {
		return environment, nil
	}
	// go env -w writes into the home: such settings (a module proxy, say) are the user's, not a cache.
	settings, err := Command{Args: []string{"go", "env", "GOENV"}}.Output(ctx)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"HOME": "home", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config",
		"GOPATH": "go", "GOMODCACHE": "modules", "GOCACHE": "build",
	} {
		path := filepath.Join(c.folder, value)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		environment = append(environment, name+"="+path)
	}
	return append(environment, "GOENV="+strings.TrimSpace(string(settings))), nil
}

// without leaves out the variables that drop names.
func without(environment []string, drop func(name string) bool) []string {
	var kept []string
	for _, setting := range environment {
		if name, _, _ := strings.Cut(setting, "="); !drop(name) {
			kept = append(kept, setting)
		}
	}
	return kept
}

// stopLeftovers stops and removes networks of demos that could not do so themselves.
func (c *Clone) stopLeftovers(ctx context.Context) error {
	left, err := filepath.Glob(filepath.Join(c.Temp, "cmt-demo-*"))
	if err != nil || len(left) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, downLimit)
	defer cancel()
	var failures error
	for _, data := range left {
		down := Command{Dir: c.Root, Args: []string{filepath.Join(c.Root, ".bin", "cmt-network"), "down", "--purge", "--data", data}}
		if err := down.Run(ctx); err != nil {
			failures = errors.Join(failures, fmt.Errorf("a demo that was cut short left its network: %w", err))
		}
	}
	return failures
}
