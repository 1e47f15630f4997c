package main

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cybermiles/cmt/chaincode/spec"
	"github.com/cybermiles/cmt/gateway/internal/gatewaytest"
	"github.com/cybermiles/cmt/gateway/internal/memledger"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cmt": func() { os.Exit(run()) }})
}

// environment lets gatewaytest put gateways into a script's environment.
type environment struct {
	*testscript.Env
	t *testing.T
}

// halt carries what stopped the setup.
type halt struct{ arguments []any }

func (e environment) Fatal(arguments ...any)   { panic(halt{arguments}) }
func (e environment) Cleanup(f func())         { e.Defer(f) }
func (e environment) TempDir() string          { return e.t.TempDir() }
func (e environment) Context() context.Context { return e.t.Context() }

// clockKey is where a script's environment has how far the ledger's clock is ahead.
type clockKey struct{}

// Each script has a network of its own: a treasury's gateway, a shop's and an arbiter's, over the real rules.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			e := environment{env, t}
			chain := gatewaytest.Chain(e)
			clock := &atomic.Int64{}
			chain.Now = func() time.Time { return time.Now().Add(time.Duration(clock.Load())) }
			env.Values[clockKey{}] = clock
			treasury := gatewaytest.New(e, chain, memledger.Members[0])
			shop := gatewaytest.New(e, chain, memledger.Members[1])
			arbiter := gatewaytest.New(e, chain, memledger.Members[2])
			env.Setenv("TREASURY", treasury.Server.URL)
			env.Setenv("TREASURY_KEY", treasury.Key(e, nil))
			env.Setenv("SHOP", shop.Server.URL)
			env.Setenv("SHOP_KEY", shop.Key(e, nil))
			env.Setenv("ARBITER", arbiter.Server.URL)
			env.Setenv("ARBITER_KEY", arbiter.Key(e, nil))
			env.Setenv("READ_KEY", shop.Key(e, []spec.Scope{spec.ScopeRead}))
			env.Setenv("SHOP_ADDRESS", spec.OrganisationAddress(shop.MSPID).String())
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "home", ".config"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"field": fieldCommand, "later": laterCommand, "expand": expandCommand},
	})
}

// fieldCommand sets a variable to a field of the last output's JSON, or to the value behind words of a line:
// field NAME VARIABLE.
func fieldCommand(script *testscript.TestScript, _ bool, arguments []string) {
	if len(arguments) != 2 {
		script.Fatalf("usage: field NAME VARIABLE")
	}
	value, err := fieldOf(script.ReadFile("stdout"), arguments[0])
	script.Check(err)
	script.Setenv(arguments[1], value)
}

// laterCommand moves the ledger's clock: later DURATION.
func laterCommand(script *testscript.TestScript, _ bool, arguments []string) {
	if len(arguments) != 1 {
		script.Fatalf("usage: later DURATION")
	}
	ahead, err := time.ParseDuration(arguments[0])
	script.Check(err)
	script.Value(clockKey{}).(*atomic.Int64).Add(int64(ahead))
}

// expandCommand puts the environment's variables into a file: expand FILE.
func expandCommand(script *testscript.TestScript, _ bool, arguments []string) {
	if len(arguments) != 1 {
		script.Fatalf("usage: expand FILE")
	}
	file := script.MkAbs(arguments[0])
	text, err := os.ReadFile(file)
	script.Check(err)
	script.Check(os.WriteFile(file, []byte(os.Expand(string(text), script.Getenv)), 0o600))
}
