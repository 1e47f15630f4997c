package steps

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const patch = `Module: example.org/one
Why it is.

diff --git a/sub/one.txt b/sub/one.txt
--- a/sub/one.txt
+++ b/sub/one.txt
@@ -1 +1 @@
-old
+new
`

func TestModuleOfAPatch(t *testing.T) {
	if module, err := moduleOf([]byte(patch)); err != nil || module != "example.org/one" {
		t.Errorf("moduleOf: %q, %v", module, err)
	}
	if _, err := moduleOf([]byte("diff --git a/one b/one\n")); err == nil || !strings.Contains(err.Error(), "Module: ") {
		t.Errorf("a patch of no module: %v", err)
	}
}

// A user's cache may lie in a repository, and a build may begin in a hook of git's.
func TestPatchWithinARepository(t *testing.T) {
	root := t.TempDir()
	if output, err := exec.CommandContext(t.Context(), "git", "init", "-q", root).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, output)
	}
	t.Setenv("GIT_DIR", filepath.Join(root, ".git"))
	folder := filepath.Join(root, "source", "one")
	file := filepath.Join(folder, "sub", "one.txt")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := applyPatch(t.Context(), folder, []byte(patch)); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "new\n" {
		t.Errorf("after the patch: %q, %v", content, err)
	}
	if err := applyPatch(t.Context(), folder, []byte(patch)); err == nil || !strings.Contains(err.Error(), "sub/one.txt") {
		t.Errorf("a patch that does not fit: %v", err)
	}
}

// What the patches change is still tested by those who wrote it, and by what the patches add.
func TestPatchedPackages(t *testing.T) {
	if os.Getenv("CMT_TEST_NIGHTLY") != "1" {
		t.Skip("it compiles half of Fabric: only nightly")
	}
	folder := t.TempDir()
	if _, err := (Fabric{Source: filepath.Join("..", "fabric")}).patch(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "./common/cauthdsl/...", "./common/ledger/util/leveldbhelper/...", "./common/policies/...",
		"./core/ledger/kvledger/txmgmt/statedb/stateleveldb/...", "./core/ledger/kvledger/txmgmt/rwsetutil/...",
		"./core/common/validation/statebased/...", "./core/committer/txvalidator/v20/...")
	cmd.Dir, cmd.Env = filepath.Join(folder, "fabric"), append(os.Environ(), "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, output)
	}
}
