package steps

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cybermiles/cmt/network/proc"
)

const (
	// fabricVersion is what the pinned module is, which its pseudo-version does not say, with our patches.
	fabricVersion = "v3.1.1+cmt"
	// fabricBuildLimit bounds a cold build: it takes one to two minutes on two cores.
	fabricBuildLimit = 15 * time.Minute
	// fabricReportEvery is how often a build says that it is alive.
	fabricReportEvery = 10 * time.Second
	// fabricPackages is about how many packages a build compiles, for its progress only.
	fabricPackages = 830
)

// fabricPrograms are those we run; osnadmin is built for people.
var fabricPrograms = []string{"configtxgen", "cryptogen", "orderer", "osnadmin", "peer"}

// Fabric finds Fabric's programs, or builds them once for all clones of this user.
type Fabric struct {
	BinDir string // of released programs; empty: build Source
	Source string // the folder network/fabric of a clone: go.mod and go.sum pin the version, patches/ changes it
}

// Dir is the folder the programs are in or will be built into.
func (f Fabric) Dir() (string, error) {
	if f.BinDir != "" {
		return f.BinDir, nil
	}
	hash := sha256.New()
	patches, err := f.patches()
	if err != nil {
		return "", err
	}
	for _, path := range append([]string{filepath.Join(f.Source, "go.mod"), filepath.Join(f.Source, "go.sum")}, patches...) {
		document, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("the pinned Fabric programs: %w: run within a clone, or give --fabric-source or fabric.bin_dir", err)
		}
		hash.Write(document)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("where to build Fabric: %w: set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(cache, "cmt", "fabric", hex.EncodeToString(hash.Sum(nil)[:10]), "bin"), nil
}

// ready reports the first program that is not there.
func (f Fabric) ready(dir string) error {
	for _, name := range fabricPrograms {
		if err := executable(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not an executable file", path)
	}
	return nil
}

// Step builds the programs unless they are there.
func (f Fabric) Step(progress *Progress) Step {
	return Step{
		Name:  "fabric programs",
		Limit: fabricBuildLimit,
		Check: func(context.Context) (bool, error) {
			dir, err := f.Dir()
			if err != nil {
				return false, err
			}
			err = f.ready(dir)
			if err != nil && f.BinDir != "" {
				return false, fmt.Errorf("%w: put Fabric's released programs into fabric.bin_dir, or leave it empty to build them", err)
			}
			return err == nil, nil
		},
		Apply: func(ctx context.Context) (bool, error) { return true, f.build(ctx, progress) },
	}
}

func (f Fabric) build(ctx context.Context, progress *Progress) error {
	dir, err := f.Dir()
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	lock, err := waitForLock(ctx, parent+".lock", progress)
	if err != nil {
		return err
	}
	defer lock.Release()
	if f.ready(dir) == nil { // somebody else built them while we waited
		return nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	progress.Note("building Fabric %s, once for this user: one to three minutes", fabricVersion)
	source, err := os.MkdirTemp(parent, "source-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(source)
	modfile, err := f.patch(ctx, source)
	if err != nil {
		return err
	}
	if err := f.install(ctx, modfile, temporary, progress); err != nil {
		return err
	}
	if err := f.ready(temporary); err != nil {
		return fmt.Errorf("go install tool did not build every program: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil { // an incomplete one
		return err
	}
	return errors.Join(os.Chmod(temporary, 0o755), os.Rename(temporary, dir))
}

func waitForLock(ctx context.Context, path string, progress *Progress) (*proc.Lock, error) {
	var lock *proc.Lock
	var told bool
	err := await(ctx, fabricBuildLimit, "wait for another build of Fabric", func(context.Context) error {
		var err error
		lock, err = proc.TakeLock(path, fmt.Sprintf("a build of Fabric, process %d", os.Getpid()))
		var locked *proc.LockedError
		if err != nil && !errors.As(err, &locked) {
			return &permanentError{err}
		}
		if err != nil && !told {
			told = true
			progress.Note("waiting for %s", locked.Holder)
		}
		return err
	})
	return lock, err
}

// install runs go install and counts the packages it names while it compiles them.
func (f Fabric) install(ctx context.Context, modfile, dir string, progress *Progress) error {
	const metadata = "github.com/hyperledger/fabric/common/metadata.Version"
	// As scripts/build does: otherwise the standard library would be compiled a second time.
	cmd := exec.CommandContext(ctx, "go", "install", "-modfile="+modfile, "-v", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X "+metadata+"="+fabricVersion, "tool")
	cmd.Dir = f.Source
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOWORK=off")
	output, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: install Go, or set fabric.bin_dir to a folder of released programs", err)
	}
	var count atomic.Int64
	stop := make(chan struct{})
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		report(stop, &count, progress)
	}()
	last := drain(output, &count)
	close(stop)
	<-reported
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go install: %w: %s", err, strings.Join(last, "; "))
	}
	return nil
}

func report(stop <-chan struct{}, count *atomic.Int64, progress *Progress) {
	began := time.Now()
	tick := time.NewTicker(fabricReportEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			progress.Note("building Fabric: %d of about %d packages, %.0f s", count.Load(), fabricPackages, time.Since(began).Seconds())
		}
	}
}

// drain reads a build's output to its end, counts its lines and keeps the last ones.
func drain(output io.Reader, count *atomic.Int64) []string {
	const keep = 8
	var last []string
	scanner := bufio.NewScanner(output)
	for scanner.Scan() {
		line := scanner.Text()
		if !strings.HasPrefix(line, "go: downloading") {
			count.Add(1)
		}
		if last = append(last, line); len(last) > keep {
			last = last[1:]
		}
	}
	_, _ = io.Copy(io.Discard, output) // a line too long for the scanner must not block the build
	return last
}
