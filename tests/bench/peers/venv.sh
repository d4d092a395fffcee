#!/bin/sh
# Makes the Python environment of the peers, once, outside git; prints the path of its interpreter.
# Exit 3 where Python or the packages are not to be had: then that peer is skipped.
#
#   python=$(sh tests/bench/peers/venv.sh) && "$python" tests/bench/peers/loop.py …
# STACK_HOME  where the environment lies (.stack)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=${STACK_HOME:-$(CDPATH='' cd -- "$here/../../.." && pwd)/.stack}
venv=$home/venv-peers
skip() { echo "skipped: the Python peer: $1" >&2; exit 3; }

# The list that it was made from is kept in it: another list makes another environment.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  mkdir -p "$home"
  rm -rf "$venv"
  for python in python3 /usr/bin/python3 none; do
    if "$python" -m venv "$venv" >"$home/venv-peers.log" 2>&1; then break; fi
  done
  [ "$python" != none ] || skip "python3 with venv is not installed ($home/venv-peers.log)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" \
    >"$home/venv-peers.log" 2>&1 </dev/null || skip "pip could not install $here/requirements.txt ($home/venv-peers.log)"
  cp "$here/requirements.txt" "$venv/"
fi
echo "$venv/bin/python"
