#!/bin/sh
# Installs what a build and the demo need and this machine lacks; without the right to install, says what and why.
set -eu

missing=""
why=""
need() { # command, Debian package, reason
  if ! command -v "$1" >/dev/null 2>&1; then
    missing="$missing $2"
    why="$why
  $2: $3"
  fi
}

need cc gcc "compiles the bundled SQLite and zstd"
need c++ g++ "links what the bundled libraries need"
need pkg-config pkg-config "finds system libraries for the bundled ones"
need curl curl "the example request that the demo prints"
need sqlite3 sqlite3 "the example query that the demo prints"

if ! command -v cargo >/dev/null 2>&1; then
  echo "missing: cargo, the Rust tool chain that rust-toolchain.toml names; see https://rustup.rs" >&2
  exit 3
fi
if [ -z "$missing" ]; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y --no-install-recommends $missing; }
  exit 0
fi
echo "missing:$why" >&2
echo "install with: sudo apt-get install$missing" >&2
exit 3
