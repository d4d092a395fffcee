#!/bin/sh
# Fetches the libraries of the Kafka Streams peers and compiles them, once, outside git; prints their class path.
# Exit 3 where Java or Maven is not to be had: then those peers are skipped.
#
#   classes=$(sh tests/bench/peers/java.sh) && java -cp "$classes" Demux …
# STACK_HOME  where libraries and classes lie (.stack)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=${STACK_HOME:-$(CDPATH='' cd -- "$here/../../.." && pwd)/.stack}
case $home in /*) ;; *) home=$PWD/$home ;; esac
libs=$home/streams-libs
classes=$home/streams-classes
skip() { echo "skipped: the Kafka Streams peers: $1" >&2; exit 3; }

command -v javac >/dev/null || skip "javac is not installed"
if ! cmp -s "$here/streams/pom.xml" "$libs/pom.xml"; then
  command -v mvn >/dev/null || skip "mvn, which would fetch the libraries, is not installed"
  mkdir -p "$home"
  rm -rf "$libs"
  mvn -B -q -f "$here/streams/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$libs" >"$home/streams-libs.log" 2>&1 </dev/null ||
    skip "Maven could not fetch the libraries ($home/streams-libs.log)"
  cp "$here/streams/pom.xml" "$libs/"
fi
rm -rf "$classes"
mkdir -p "$classes"
javac -nowarn -d "$classes" -cp "$libs/*" "$here"/streams/*.java >"$home/streams-classes.log" 2>&1 ||
  skip "javac refuses them ($home/streams-classes.log)"
echo "$classes:$libs/*"
