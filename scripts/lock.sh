#!/bin/sh
# Pins everything that is installed, with hashes, for every system and Python from 3.11 on. `make lock` runs it after a
# change of pyproject.toml, runtime/parts/emulator/requirements.in or runtime/parts/dynamodb/package.json.
# `UPGRADE=1 make lock` takes the newest versions that the ranges allow; otherwise pins that still fit stay.
set -eu
cd "$(dirname "$0")/.."
lock() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links ${UPGRADE:+--upgrade} "$@"
}
lock pyproject.toml --output-file requirements.txt
lock pyproject.toml --group dev --output-file requirements-dev.txt
lock runtime/parts/emulator/requirements.in --output-file runtime/parts/emulator/requirements.txt
folder=runtime/parts/dynamodb
.venv/bin/python scripts/setup.py npm install --package-lock-only --prefix "$folder"
if grep -n '"resolved"' "$folder/package-lock.json"; then
  echo "lock: $folder/package-lock.json names a host; .npmrc should have kept it out" >&2
  exit 1
fi
