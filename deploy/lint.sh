#!/bin/sh
# Lints what deploys: shell scripts, image file, compose files. What this machine cannot check is said to be skipped.
set -eu
cd "$(dirname -- "$0")/.."

for script in deploy/*.sh deploy/local/*.sh tests/foreign/*.sh; do sh -n "$script"; done
if command -v shellcheck >/dev/null 2>&1; then
  shellcheck -x -P SCRIPTDIR deploy/*.sh deploy/local/*.sh tests/foreign/*.sh
else
  echo "skipped: shellcheck is not installed; the scripts were parsed only"
fi

python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import yaml' >/dev/null 2>&1; then python=$candidate; break; fi
done
if [ -n "$python" ]; then
  "$python" -B deploy/lint.py
else
  echo "skipped: image and compose files, because python3 with yaml is not installed"
fi

if docker compose version >/dev/null 2>&1; then
  for file in deploy/compose*.yaml; do docker compose -f "$file" config -q; done
else
  echo "skipped: docker compose config, because docker compose is not installed"
fi
if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  docker build --check -f deploy/images/Dockerfile .
else
  echo "skipped: building the images, because no container engine runs here"
fi
