package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// patchModule begins the line of a patch that names the module it is for.
const patchModule = "Module: "

// patches are the files of patches/ in the order of their names.
func (f Fabric) patches() ([]string, error) {
	return filepath.Glob(filepath.Join(f.Source, "patches", "*.patch"))
}

// patch makes copies of the pinned modules that patches/ names, patches them, and returns a go.mod in the folder that builds with them.
// What is copied is what go.sum vouches for.
func (f Fabric) patch(ctx context.Context, folder string) (modfile string, err error) {
	modfile = filepath.Join(folder, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		document, err := os.ReadFile(filepath.Join(f.Source, name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, name), document, 0o600); err != nil {
			return "", err
		}
	}
	patches, err := f.patches()
	if err != nil {
		return "", err
	}
	for _, path := range patches {
		document, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		module, err := moduleOf(document)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		copied := filepath.Join(folder, strings.TrimSuffix(filepath.Base(path), ".patch"))
		if err := f.copyModule(ctx, module, copied); err != nil {
			return "", fmt.Errorf("copy %s: %w", module, err)
		}
		if err := applyPatch(ctx, copied, document); err != nil {
			return "", fmt.Errorf("%s does not fit the pinned %s: %w", path, module, err)
		}
		if _, err := f.command(ctx, "go", "mod", "edit", "-replace="+module+"="+copied, modfile); err != nil {
			return "", err
		}
	}
	return modfile, nil
}

func moduleOf(patch []byte) (string, error) {
	for line := range strings.Lines(string(patch)) {
		if module, is := strings.CutPrefix(strings.TrimSpace(line), patchModule); is {
			return module, nil
		}
	}
	return "", fmt.Errorf("no line begins with %q", patchModule)
}

func (f Fabric) copyModule(ctx context.Context, module, to string) error {
	output, err := f.command(ctx, "go", "mod", "download", "-json", module)
	if err != nil {
		return err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(output, &downloaded); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(downloaded.Dir))
}

// applyPatch changes the folder's files. In a repository git would take the paths for the repository's, so it is not to look for one.
func applyPatch(ctx context.Context, folder string, patch []byte) error {
	cmd := exec.CommandContext(ctx, "git", "apply", "--whitespace=nowarn", "-")
	cmd.Dir, cmd.Stdin = folder, bytes.NewReader(patch)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(setting string) bool { return strings.HasPrefix(setting, "GIT_") })
	cmd.Env = append(cmd.Env, "GIT_CEILING_DIRECTORIES="+filepath.Dir(folder))
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git apply: %w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// command runs a command of Go's in the source's folder and returns what it prints.
func (f Fabric) command(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = f.Source, append(os.Environ(), "GOWORK=off")
	output, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return output, nil
}
