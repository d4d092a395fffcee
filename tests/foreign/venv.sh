#!/bin/sh
# Makes the Python environment of the readers beside it, once, outside git; prints the path of its interpreter.
# Exit 3 where Python or the packages are not to be had: then the tests that read with it are skipped.
#
#   python=$(sh tests/foreign/venv.sh) && "$python" tests/foreign/read_topics.py --help
# FOREIGN_PYTHON  an interpreter that has the packages already; STACK_HOME  where the environment lies (.stack)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=${STACK_HOME:-$(CDPATH='' cd -- "$here/../.." && pwd)/.stack}
venv=$home/venv
skip() { echo "skipped: readers of topics that were written elsewhere: $1" >&2; exit 3; }

if [ -n "${FOREIGN_PYTHON:-}" ]; then echo "$FOREIGN_PYTHON"; exit 0; fi
# The list that it was made from is kept in it: another list makes another environment.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  made=$venv.$$
  trap 'rm -rf "$made"' EXIT
  mkdir -p "$home"
  for python in python3 /usr/bin/python3 none; do
    if "$python" -m venv "$made" >"$home/venv.log" 2>&1; then break; fi
  done
  [ "$python" != none ] || skip "python3 with venv is not installed ($home/venv.log)"
  "$made/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >"$home/venv.log" 2>&1 \
    </dev/null || skip "pip could not install tests/foreign/requirements.txt ($home/venv.log)"
  cp "$here/requirements.txt" "$made/"
  rm -rf "$venv"
  mv -T "$made" "$venv"
fi
echo "$venv/bin/python"
