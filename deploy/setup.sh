#!/bin/sh
# Installs what this machine lacks; without the right to install, says what and why.
#
#   sh deploy/setup.sh         what a build and the demo need: without it nothing works (exit 3 when it is missing)
#   sh deploy/setup.sh full    and what the local stack and the readers written elsewhere need: without it they are skipped
set -eu

missing=""
why=""
want() { # Debian package, reason
  missing="$missing $1"
  why="$why
  $1: $2"
}
need() { command -v "$1" >/dev/null 2>&1 || want "$2" "$3"; } # command, Debian package, reason
header() { # header file, Debian package, reason
  echo "#include <$1>" | cc -E - >/dev/null 2>&1 || want "$2" "$3"
}
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@" </dev/null
}
install() { # packages…
  echo "installing: $*"
  apt install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt update && apt install -y --no-install-recommends "$@" >/dev/null; }
}

need cc gcc "compiles the bundled C libraries"
need c++ g++ "compiles the bundled Kafka client"
need make make "runs the targets, and builds the bundled Kafka client"
need pkg-config pkg-config "finds system libraries for the bundled ones"
header openssl/ssl.h libssl-dev "TLS to Kafka"
header zlib.h zlib1g-dev "compression of Kafka records"
need curl curl "the example request that the demo prints"
need sqlite3 sqlite3 "the example query that the demo prints"

if ! command -v cargo >/dev/null 2>&1; then
  echo "missing: cargo, the Rust tool chain that rust-toolchain.toml names; see https://rustup.rs" >&2
  exit 3
fi
if [ -n "$missing" ]; then
  if ! may_install; then
    echo "missing:$why" >&2
    echo "install with: sudo apt-get install$missing" >&2
    exit 3
  fi
  # shellcheck disable=SC2086
  install $missing
fi

case ${1:-} in
  '') exit 0 ;;
  full) ;;
  *) echo "usage: sh deploy/setup.sh [full]" >&2; exit 2 ;;
esac

missing=""
why=""
if [ ! -x "${JAVA_HOME:-/none}/bin/java" ]; then need java openjdk-17-jre-headless "runs Kafka and the schema registry"; fi
need mvn maven "fetches Kafka and the schema registry once"
if [ -z "${DATABASE_URL:-}" ] && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  need initdb postgresql-15 "the database of the cluster form"
fi
need psql postgresql-client "asks the database whether it answers"
need openssl openssl "makes the certificates of the TLS tests"
need kcat kcat "asks the broker whether it answers; reads topics in a test"
if ! command -v python3 >/dev/null 2>&1 || ! python3 -c 'import ensurepip' >/dev/null 2>&1; then
  want python3-venv "readers of topics that were written elsewhere"
fi

left=""
for package in $missing; do
  # One by one: a package that this system does not have must not keep the others away.
  if ! may_install || ! install "$package"; then left="$left $package"; fi
done
if [ -n "$left" ]; then
  echo "missing, what needs it is skipped:$why" >&2
  echo "install with: sudo apt-get install$left" >&2
fi
