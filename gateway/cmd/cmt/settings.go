package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/cybermiles/cmt/gateway/client"
)

// The environment's names of the settings.
const (
	gatewayVariable = "CMT_GATEWAY"
	keyVariable     = "CMT_API_KEY"
)

// settingsFile is the user's own file of settings.
type settingsFile struct {
	Gateway string `yaml:"gateway"`
	Key     string `yaml:"key"`
}

// client returns a client of the gateway that flag, environment or file name, in this order.
func (s *session) client() (*client.Client, error) {
	file, err := readSettings()
	if err != nil {
		return nil, err
	}
	gateway := cmp.Or(s.gateway, os.Getenv(gatewayVariable), file.Gateway)
	if gateway == "" {
		return nil, errors.New("which gateway? set --gateway or " + gatewayVariable + ", such as http://127.0.0.1:8080")
	}
	parsed, err := url.Parse(gateway)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return nil, fmt.Errorf("--gateway must be a URL such as http://127.0.0.1:8080; it is %q", gateway)
	}
	return client.New(gateway, cmp.Or(s.key, os.Getenv(keyVariable), file.Key)), nil
}

// readSettings reads the user's file; there need not be one. As it may hold a key, nobody else may read it.
func readSettings() (settingsFile, error) {
	var settings settingsFile
	folder, err := os.UserConfigDir()
	if err != nil {
		// Without a home there is no file.
		return settings, nil
	}
	path := filepath.Join(folder, "cmt", "config.yaml")
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settings, nil
	}
	if err != nil {
		return settings, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return settings, fmt.Errorf("others may read %s, which may hold a key: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return settings, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&settings); err != nil && !errors.Is(err, io.EOF) {
		return settings, fmt.Errorf("%s: %w (its keys are gateway and key)", path, err)
	}
	return settings, nil
}
