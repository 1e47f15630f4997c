package proc

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// rotateLog moves the content of a log file beyond its bound to path.1 and empties it. The writer keeps its
// descriptor, which appends, so nothing needs to tell it. Lines written between copy and truncation are lost.
func rotateLog(path string, maxBytes int64) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() <= maxBytes {
		return nil
	}
	if err != nil {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path+".1", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	return os.Truncate(path, 0)
}

// tailBytes bounds what Tail reads of a file.
const tailBytes = 64 << 10

// Tail returns the last lines of a log file, at most that many, without a closing line feed.
func Tail(path string, lines int) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	from := max(0, info.Size()-tailBytes)
	text := make([]byte, info.Size()-from)
	n, err := file.ReadAt(text, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	text = text[:n]
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	at := len(text)
	for found := 0; at > 0; at-- {
		if text[at-1] == '\n' {
			if found++; found == lines {
				break
			}
		}
	}
	return string(text[at:]), nil
}
