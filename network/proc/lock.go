package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// LockedError says who holds a lock.
type LockedError struct {
	Path   string
	Holder string // what the holder wrote when it took the lock
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is held by %s: wait until it is done, or end it", e.Path, e.Holder)
}

// Lock is an advisory lock on a file; the kernel frees it when its holder dies.
type Lock struct {
	file *os.File
}

// TakeLock takes the lock at once or returns a *LockedError. The holder is a line that tells others who has it.
func TakeLock(path, holder string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		line := make([]byte, 256)
		n, _ := file.ReadAt(line, 0)
		return nil, &LockedError{Path: path, Holder: strings.TrimSpace(string(line[:n]))}
	}
	if err := errors.Join(file.Truncate(0), writeAt(file, holder+"\n")); err != nil {
		file.Close()
		return nil, err
	}
	return &Lock{file}, nil
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// Release frees the lock. The file stays: removing it would let two holders lock two files of one name.
func (l *Lock) Release() {
	_ = l.file.Close() // the kernel frees the lock in any case
}
