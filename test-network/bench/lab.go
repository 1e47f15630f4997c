package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Lab is where a bench works: a temporary folder, the clone's programs, and the network that scenarios share.
type Lab struct {
	Repository string // root of the clone whose programs are measured
	Folder     string // temporary; Close removes it
	Out        io.Writer
	Settings   Settings

	programs string // the folder they lie in; empty until they are built
	network  *Network
	ends     []func(context.Context) error
}

// NewLab makes a workplace. Close it.
func NewLab(repository string, out io.Writer) (*Lab, error) {
	root, err := filepath.Abs(repository)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "scripts", "build")); err != nil {
		return nil, fmt.Errorf("%s is no clone of this repository: %w", root, err)
	}
	folder, err := os.MkdirTemp("", "cmt-bench-")
	if err != nil {
		return nil, err
	}
	return &Lab{Repository: root, Folder: folder, Out: out}, nil
}

// Close stops the network, if there is one, and removes the folder. ctx is one that has not ended.
// With --keep it says where everything is instead.
func (l *Lab) Close(ctx context.Context) error {
	if l.Settings.Keep {
		l.Say("kept, networks and all: %s", l.Folder)
		return nil
	}
	var err error
	for _, end := range slices.Backward(l.ends) {
		err = errors.Join(err, end(ctx))
	}
	l.ends = nil
	if l.network != nil {
		err = errors.Join(err, l.network.remove(ctx))
		l.network = nil
	}
	return errors.Join(err, RemoveAll(l.Folder))
}

// Say prints a line of progress.
func (l *Lab) Say(format string, arguments ...any) {
	fmt.Fprintf(l.Out, "bench: "+format+"\n", arguments...)
}

// Follow makes a command's output part of the progress, but for the hundreds of lines of a download.
func (l *Lab) Follow(command Command) Command {
	line := command.Line
	command.Line = func(at time.Duration, text string) {
		if line != nil {
			line(at, text)
		}
		if text != "" && !strings.HasPrefix(text, "go: downloading ") {
			fmt.Fprintf(l.Out, "  %4.0f s  %s\n", at.Seconds(), text)
		}
	}
	command.Still = func(at time.Duration) { fmt.Fprintf(l.Out, "  %4.0f s  ...\n", at.Seconds()) }
	return command
}

// Build builds the clone's programs, once, and copies them into the lab: a later build beside it changes nothing in here.
func (l *Lab) Build(ctx context.Context) error {
	if l.programs != "" {
		return nil
	}
	build := l.Follow(Command{Dir: l.Repository, Args: []string{filepath.Join("scripts", "build")}})
	if err := build.Run(ctx); err != nil {
		return err
	}
	built, copied := filepath.Join(l.Repository, ".bin"), filepath.Join(l.Folder, "bin")
	if err := os.MkdirAll(copied, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(built)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		program, err := os.ReadFile(filepath.Join(built, entry.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, entry.Name()), program, 0o700)
		}
		if err != nil {
			return err
		}
	}
	l.programs = copied
	return nil
}

// Program is the path of one of the clone's programs, which are built now unless they were.
func (l *Lab) Program(ctx context.Context, name string) (string, error) {
	if err := l.Build(ctx); err != nil {
		return "", err
	}
	path := filepath.Join(l.programs, name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("scripts/build made no %s: %w", name, err)
	}
	return path, nil
}

// Network is the network that scenarios share; the first who asks brings it up.
func (l *Lab) Network(ctx context.Context) (*Network, error) {
	if l.network != nil {
		return l.network, nil
	}
	program, err := l.Program(ctx, "cmt-network")
	if err != nil {
		return nil, err
	}
	gateway, err := l.Program(ctx, "cmt-gateway")
	if err != nil {
		return nil, err
	}
	l.Say("a network of its own is brought up")
	l.network = &Network{lab: l, program: program, gatewayProgram: gateway, data: filepath.Join(l.Folder, "net")}
	if _, err := l.network.Up(ctx); err != nil {
		err = errors.Join(err, l.network.remove(context.WithoutCancel(ctx)))
		l.network = nil
		return nil, err
	}
	return l.network, nil
}

// RemoveAll removes a folder with all that is in it, read-only folders of module caches too.
func RemoveAll(folder string) error {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.RemoveAll(folder))
}
