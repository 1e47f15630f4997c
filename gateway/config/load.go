package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// environmentPrefix stands before the environment's names of keys.
const environmentPrefix = "CMT"

// The environment of the cmt command line, which may be in the same shell.
var foreignEnvironment = []string{"CMT_GATEWAY", "CMT_API_KEY", "CMT_KEY_PASSPHRASE"}

// Flags adds the flags that stand for keys; their names are the keys.
func Flags(flags *pflag.FlagSet) {
	defaults := Default()
	flags.String("listen", defaults.Listen, "host:port of the API")
	flags.String("data", "", "folder of the database")
	flags.String("log.level", defaults.Log.Level, "debug, info, warn or error")
	flags.String("log.format", defaults.Log.Format, "json or text")
}

// Load reads defaults, then the file, then the environment, then flags; each overrides what was before. A key of the file
// that is not known is an error; one of the environment is returned as a warning, as others may use the prefix.
func Load(file string, environment []string, flags *pflag.FlagSet) (c Config, warnings []string, err error) {
	v := viper.New()
	known := setDefaults(v, "", reflect.ValueOf(Default()))
	if file != "" {
		if err := readFile(v, file); err != nil {
			return c, nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	warnings = readEnvironment(v, known, environment)
	if flags != nil {
		flags.VisitAll(func(flag *pflag.Flag) {
			if slices.Contains(known, flag.Name) && flag.Changed {
				v.Set(flag.Name, flag.Value.String())
			}
		})
	}
	if err := v.UnmarshalExact(&c); err != nil {
		return c, nil, fmt.Errorf("%s", oneLine(err))
	}
	return c, warnings, nil
}

// setDefaults tells viper of every key and returns their names.
func setDefaults(v *viper.Viper, prefix string, value reflect.Value) []string {
	var keys []string
	for i := range value.NumField() {
		key := prefix + value.Type().Field(i).Tag.Get("mapstructure")
		if field := value.Field(i); field.Kind() == reflect.Struct {
			keys = append(keys, setDefaults(v, key+".", field)...)
		} else {
			v.SetDefault(key, field.Interface())
			keys = append(keys, key)
		}
	}
	return keys
}

// readFile reads the YAML file into viper after yaml itself, which names the line of an unknown or repeated key.
func readFile(v *viper.Viper, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var strict Config
	if err := decoder.Decode(&strict); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s", oneLine(err))
	}
	v.SetConfigType("yaml")
	return v.ReadConfig(bytes.NewReader(text))
}

// readEnvironment takes the variables with our prefix and returns a warning for each that is no key's.
func readEnvironment(v *viper.Viper, known, environment []string) []string {
	byName := map[string]string{}
	for _, key := range known {
		byName[environmentPrefix+"_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	var warnings []string
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, environmentPrefix+"_") || slices.Contains(foreignEnvironment, name) {
			continue
		}
		key, ok := byName[name]
		switch {
		case !ok:
			warnings = append(warnings, name+" in the environment is no setting of the gateway")
		case key == "endorsers":
			v.Set(key, strings.FieldsFunc(value, func(r rune) bool { return r == ',' }))
		case key == "peers" || key == "orderers" || key == "neighbours":
			warnings = append(warnings, name+" cannot be set by the environment; "+key+" stand in the file")
		default:
			v.Set(key, value)
		}
	}
	return warnings
}

// oneLine joins an error's lines.
func oneLine(err error) string {
	text := strings.NewReplacer("type config.Config", "the configuration", "config.", "").Replace(err.Error())
	return strings.Join(strings.Fields(text), " ")
}
