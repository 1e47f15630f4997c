# shellcheck shell=bash
# What the scripts beside this file share. Sourced, never run: `. scripts/lib.sh` after `cd` to the root.

# The name a line of output begins with: the script's own.
script=$(basename "$0")

say() { printf '%s: %s\n' "$script" "$*"; }

# fail WHAT [WHAT TO DO]: one line each, and the end.
fail() {
	printf '%s: FAILED: %s\n' "$script" "$1" >&2
	if [ $# -gt 1 ]; then printf '%s: %s\n' "$script" "$2" >&2; fi
	exit 1
}

# need BINARY PACKAGE: the binary is there, or is installed from Debian's packages, or the script ends. It never skips.
need() {
	if command -v "$1" >/dev/null; then return; fi
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		fail "$1 is missing" "install it first: sudo apt-get install -y --no-install-recommends $2"
	fi
	say "installing $2 for $1"
	apt-get update -qq || true # an old package list may still do; the next line decides
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >&2 ||
		fail "apt-get could not install $2" "install $1 by hand, then run $0 again"
	command -v "$1" >/dev/null || fail "$2 is installed and $1 is still missing"
}

golangci_version=v2.15.0

# golangci_lint prints the path of the pinned linter, built once into the user's cache. It is no dependency of go.mod: its
# hundreds of requirements would become ours. The Go version is in the path because a linter cannot read the export
# data of a toolchain newer than its own.
golangci_lint() {
	local cache home building
	cache="${XDG_CACHE_HOME:-$HOME/.cache}/cmt/tools"
	home="$cache/golangci-lint-$golangci_version-$(go env GOVERSION)"
	if [ ! -x "$home/golangci-lint" ]; then
		mkdir -p "$cache"
		(
			if command -v flock >/dev/null && ! flock -n 9; then
				say "waiting for another script, which builds golangci-lint $golangci_version" >&2
				flock 9
			fi
			if [ -x "$home/golangci-lint" ]; then exit; fi
			say "building golangci-lint $golangci_version, once: two to five minutes" >&2
			building=$(mktemp -d "$home.XXXXXX")
			trap 'rm -rf "$building"' EXIT
			GOBIN="$building" GOFLAGS='' CGO_ENABLED=0 go install -v -trimpath \
				"github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$golangci_version" 2>&1 |
				awk -v script="$script" -v file="$building/log" '
					{ print > file }
					++lines % 200 == 0 { printf "%s:   %d packages fetched or compiled\n", script, lines; fflush() }' >&2 ||
				{
					tail -n 20 "$building/log" >&2
					fail "golangci-lint $golangci_version does not build" "the lines above say why; is the Go module proxy reachable?"
				}
			mkdir -p "$home" && mv -f "$building/golangci-lint" "$home/golangci-lint" # whole or not at all: a rename
		) 9>"$home.lock" || return 1
	fi
	printf '%s\n' "$home/golangci-lint"
}
